const STAR: u8 = 0x2a;

/** Whether the `length` bytes at `at` match the pattern of `size` bytes, in which each `*` matches any sequence of bytes. A
 *  `*` in the text is an ordinary byte and matches only a `*` in the pattern. Therefore, if pattern P matches the text of
 *  pattern Q, then P matches everything that Q matches. Backtracks to the latest `*` only, which is sufficient, and takes at
 *  most `size` × `length` steps. */
export function matchesGlob(pattern: usize, size: i32, at: usize, length: i32): bool {
  let p = 0;
  let t = 0;
  let star = -1;
  let resume = 0;
  while (t < length) {
    if (p < size && load<u8>(pattern + p) == STAR) {
      star = p++;
      resume = t;
    } else if (p < size && load<u8>(pattern + p) == load<u8>(at + t)) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < size && load<u8>(pattern + p) == STAR) p++;
  return p == size;
}
