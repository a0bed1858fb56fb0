/** Whether one of `patterns` names this path: the same text, or, where it ends in `*`, the beginning. */
export function namesPath(patterns: string[], at: usize, length: i32): bool {
  for (let i = 0; i < patterns.length; i++) {
    const pattern = patterns[i];
    const isPrefix = pattern.endsWith("*");
    const size = isPrefix ? pattern.length - 1 : pattern.length;
    if ((isPrefix ? length >= size : length == size) && begins(pattern, at, size)) return true;
  }
  return false;
}

function begins(pattern: string, at: usize, size: i32): bool {
  for (let i = 0; i < size; i++) {
    if (load<u8>(at + i) != pattern.charCodeAt(i)) return false;
  }
  return true;
}
