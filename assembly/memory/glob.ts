const STAR: u8 = 0x2a;

/** Whether the `length` bytes at `at` match the pattern of `size` bytes, in which each `*` stands for any run of bytes. A `*`
 *  of the text is a byte like any other, which only a `*` matches: so a pattern that matches another pattern matches all that
 *  this one matches. It goes back to the newest `*` only, which is enough: at most the product of both lengths in steps. */
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
