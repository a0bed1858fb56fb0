const STAR: i32 = 0x2a;

/** Whether the text matches the pattern, in which each `*` stands for any run of characters. A `*` of the text is a character
 *  like any other, which only a `*` matches: so a pattern that matches another pattern matches all that this one matches. */
export function matchesGlob(pattern: string, text: string): bool {
  let p = 0;
  let t = 0;
  let star = -1;
  let resume = 0;
  while (t < text.length) {
    if (p < pattern.length && pattern.charCodeAt(p) == STAR) {
      star = p++;
      resume = t;
    } else if (p < pattern.length && pattern.charCodeAt(p) == text.charCodeAt(t)) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.length && pattern.charCodeAt(p) == STAR) p++;
  return p == pattern.length;
}

/** Whether one of the patterns matches the text. */
export function anyMatches(patterns: string[], text: string): bool {
  for (let i = 0; i < patterns.length; i++) {
    if (matchesGlob(patterns[i], text)) return true;
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
