import {
  BEYOND,
  DOT,
  NUMBER_SIGN,
  QUESTION_MARK,
  SEMICOLON,
  SLASH,
  CHARACTERS_LIMIT,
  isControl,
  readCharacters,
  characterAt,
  characterCount,
} from "./path_characters";
import { SegmentPattern, mayEndSegment } from "./segment_pattern";

/** A path that the operator configured, including all paths below it. Matched against the path that {@link readCharacters} read
 *  last. */
export class PathPattern {
  private segments: SegmentPattern[] = [];
  /** Whether the pattern matches every path. */
  private isAll: bool = false;

  /** @param pattern an entry of `match.paths`; with a `*`, it matches all paths that begin with the part before the `*`. */
  constructor(pattern: string) {
    const star = pattern.indexOf("*");
    const isPrefix = star >= 0;
    const text = String.UTF8.encode(isPrefix ? pattern.slice(0, star) : pattern);
    readCharacters(changetype<usize>(text), min(text.byteLength, CHARACTERS_LIMIT));
    this.readSegments(isPrefix);
    this.isAll = isPrefix && this.segments.length == 0;
  }

  /** Reads the segments from the characters that were read. Resolves dot segments and omits parameters. */
  private readSegments(isPrefix: bool): void {
    const size = endOfPath();
    for (let from = 0; from < size;) {
      let end = from;
      while (end < size && characterAt(end) != SLASH) end++;
      let to = from;
      while (to < end && characterAt(to) != SEMICOLON) to++;
      const dots = dotsIn(from, to);
      if (dots == 2) {
        if (this.segments.length) this.segments.pop();
      } else if (dots == 0 && to > from) {
        this.segments.push(new SegmentPattern(from, to, isPrefix && end == size));
      }
      from = end + 1;
    }
  }

  /** Whether an unambiguous path is this one or below it. The root pattern matches only the root, since every path is below
   *  it. */
  names(): bool {
    if (this.isAll) return true;
    if (this.segments.length == 0) return characterCount() == 1;
    let at = 0;
    for (let i = 0; i < this.segments.length; i++) {
      if (at >= characterCount() || characterAt(at) != SLASH) return false;
      at = unchecked(this.segments[i]).endAt(at + 1);
      if (at < 0) return false;
    }
    return true;
  }

  /** Whether a server may read a doubtful path as this one or as one below it: the path contains the segments in their
   *  order, with anything between them. */
  mayName(): bool {
    if (this.isAll) return true;
    if (this.segments.length == 0) return mayBeRoot();
    let at = 0;
    for (let i = 0; i < this.segments.length && at >= 0; i++) at = unchecked(this.segments[i]).find(at);
    return at >= 0;
  }
}

/** The index of the first character of a query or fragment; the number of characters if there is neither. */
function endOfPath(): i32 {
  let size = 0;
  while (size < characterCount() && characterAt(size) != QUESTION_MARK && characterAt(size) != NUMBER_SIGN) size++;
  return size;
}

/** The number of dots (1 or 2) if [from, to) is a dot segment, else 0. */
function dotsIn(from: i32, to: i32): i32 {
  const length = to - from;
  if (length == 0 || length > 2 || characterAt(from) != DOT) return 0;
  return characterAt(to - 1) == DOT ? length : 0;
}

/** Whether a server may read a doubtful path as the root: its first segment is empty or may be a host, or later segments may
 *  climb back. */
function mayBeRoot(): bool {
  const size = characterCount();
  if (size == 0 || characterAt(0) != SLASH || (size > 1 && characterAt(1) == SLASH)) return true;
  for (let i = 1; i < size; i++) {
    if (characterAt(i) == DOT && characterAt(i - 1) == DOT) return true;
  }
  let first = 1;
  while (first < size && (characterAt(first) == DOT || characterAt(first) == SLASH || isControl(characterAt(first))))
    first++;
  return first == size || (characterAt(first) < BEYOND && mayEndSegment(characterAt(first)));
}
