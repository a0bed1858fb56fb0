import { hexValue } from "../json/characters";
import { Bytes, lower } from "../memory/bytes";

/** Longest path that is compared. */
const LIMIT: i32 = 2048;
const path: usize = heap.alloc(LIMIT + 1);
const SLASH: u8 = 0x2f;
const BACKSLASH: u8 = 0x5c;
const PERCENT: u8 = 0x25;
const DOT: u8 = 0x2e;
const SEMICOLON: u8 = 0x3b;
const QUESTION_MARK: u8 = 0x3f;
const NUMBER_SIGN: u8 = 0x23;

/** A path as servers may read it. */
class Governed {
  /** Without a slash at the end. */
  readonly text: Bytes;

  constructor(
    at: usize,
    length: i32,
    /** It stands for all paths that begin so. */
    readonly isPrefix: bool,
  ) {
    this.text = Bytes.copy(at, length);
  }
}

/**
 * The paths that the access policy is about: those that the operator named, in whatever way some server or router may read
 * them, and what is below them, where a server may be mounted. Percent-encoding is undone (RFC 3986 section 2.1), dot
 * segments are resolved (5.2.4) and taken as they stand, `;` parameters are left out, and case, doubled slashes and one at
 * the end do not matter.
 */
export class GovernedPaths {
  private paths: Governed[] = [];

  /** @param patterns as `match.paths` has them: one that ends in `*` stands for all that begin so. */
  constructor(patterns: string[]) {
    for (let i = 0; i < patterns.length; i++) {
      const isPrefix = patterns[i].endsWith("*");
      const text = String.UTF8.encode(isPrefix ? patterns[i].slice(0, patterns[i].length - 1) : patterns[i]);
      const size = this.read(changetype<usize>(text), text.byteLength, false);
      const endsInSlash = patterns[i].endsWith("/*");
      this.paths.push(new Governed(path, size, isPrefix && (!endsInSlash || size == 0)));
    }
  }

  /** Whether a path may be one of them. One that is too long is taken to be. */
  include(at: usize, length: i32): bool {
    if (this.paths.length == 0) return false;
    return length > LIMIT || this.read(at, length, true) < 0;
  }

  /** Reads a path to {@link path}. Returns its length without a slash at the end; where `isSought`, -1 once what was read of
   *  it is one of these. */
  private read(at: usize, length: i32, isSought: bool): i32 {
    let size = 0;
    let isParameter = false;
    for (let i = 0; i <= length; i++) {
      let byte: u8 = i < length ? load<u8>(at + i) : 0;
      if (byte == PERCENT && i + 2 < length) {
        const high = hexValue(load<u8>(at + i + 1));
        const low = hexValue(load<u8>(at + i + 2));
        if (high < 16 && low < 16) {
          byte = <u8>((high << 4) | low);
          i += 2;
        }
      }
      // Escaped, these may end the path for a server, as its end does.
      const isEnd = i >= length || byte == 0 || byte == QUESTION_MARK || byte == NUMBER_SIGN;
      if (byte == BACKSLASH) byte = SLASH;
      if (byte == SEMICOLON) isParameter = true;
      if (!isEnd && byte != SLASH) {
        if (!isParameter) store<u8>(path + size++, lower(byte));
        continue;
      }
      isParameter = false;
      if (isSought && this.has(size, isEnd)) return -1;
      size = endSegment(size);
      if (isSought && this.has(size, isEnd)) return -1;
      if (isEnd) return size;
      store<u8>(path + size++, SLASH);
    }
    return size;
  }

  /** Whether the path of this length, or its beginning, is one of these. `isWhole`: nothing is below it. */
  private has(size: i32, isWhole: bool): bool {
    for (let i = 0; i < this.paths.length; i++) {
      const governed = unchecked(this.paths[i]);
      const own = governed.text.length;
      if (size < own || memory.compare(governed.text.at, path, own) != 0) continue;
      // Below the root stands everything: it is meant alone.
      if (governed.isPrefix || (size == own && (own > 0 || isWhole))) return true;
    }
    return false;
  }
}

/** A segment is over: leaves out one that is empty or a dot, and with two dots the one before it. Returns the length without
 *  the slash that follows. */
function endSegment(size: i32): i32 {
  let from = size;
  while (from > 0 && load<u8>(path + from - 1) != SLASH) from--;
  const length = size - from;
  const isDots = length > 0 && length < 3 && load<u8>(path + from) == DOT && load<u8>(path + size - 1) == DOT;
  if (length > 0 && !isDots) return size;
  if (length == 2) {
    from = max(from - 1, 0);
    while (from > 0 && load<u8>(path + from - 1) != SLASH) from--;
  }
  return max(from - 1, 0);
}
