import { Bytes } from "../../memory/bytes";
import { matchesGlob } from "../../memory/glob";

const STAR: i32 = 0x2a;

/** Whether the text matches the pattern, in which each `*` matches any number of characters. */
export function matches(pattern: string, text: string): bool {
  const patternBytes = Bytes.of(pattern);
  const textBytes = Bytes.of(text);
  return matchesGlob(patternBytes.at, patternBytes.length, textBytes.at, textBytes.length);
}

/** Whether one of the patterns matches the text. */
export function anyMatches(patterns: string[], text: string): bool {
  for (let i = 0; i < patterns.length; i++) {
    if (matches(patterns[i], text)) return true;
  }
  return false;
}

/** Whether the pattern matches every text. */
export function matchesAll(pattern: string): bool {
  for (let i = 0; i < pattern.length; i++) {
    if (pattern.charCodeAt(i) != STAR) return false;
  }
  return pattern.length > 0;
}

/** Whether one of the patterns matches every text. */
export function anyMatchesAll(patterns: string[]): bool {
  for (let i = 0; i < patterns.length; i++) {
    if (matchesAll(patterns[i])) return true;
  }
  return false;
}
