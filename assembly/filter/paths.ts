import { startsWithText, equalsText } from "../memory/bytes";

/** Whether one of `patterns` names this path: the same text, or, where it ends in `*`, the beginning. */
export function namesPath(patterns: string[], at: usize, length: usize): bool {
  for (let i = 0; i < patterns.length; i++) {
    const pattern = patterns[i];
    const isPrefix = pattern.endsWith("*");
    if (isPrefix ? startsWithText(at, length, pattern.slice(0, -1)) : equalsText(at, length, pattern)) return true;
  }
  return false;
}
