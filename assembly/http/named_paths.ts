import { indexOfIgnoringCase } from "../memory/bytes";
import { PathPattern } from "./path_pattern";
import { CHARACTERS_LIMIT, isPathDoubtful, readCharacters } from "./path_characters";

/** The maximum length of a compared path, in bytes. */
const PATH_LIMIT: i32 = 2048;

/**
 * The paths of `match.paths` and all paths below them, in every form in which a server or router may read them. Segments are
 * compared ignoring case and after percent-decoding. A path is excluded only if no server could read it as one of these: if
 * servers may disagree (see {@link isPathDoubtful}), it is included if it contains the segments of a configured path in
 * their order.
 */
export class NamedPaths {
  private patterns: PathPattern[] = [];

  /** @param patterns the entries of `match.paths`; one that ends with `*` includes all paths with this prefix. */
  constructor(patterns: string[]) {
    for (let i = 0; i < patterns.length; i++) this.patterns.push(new PathPattern(patterns[i]));
  }

  /** Whether the target of a request may be one of these paths. The path has `length` bytes; the query follows it, up to
   *  `targetLength`. A path of more than 2048 bytes is always included. */
  include(at: usize, length: i32, targetLength: i32): bool {
    const patterns = this.patterns;
    if (patterns.length == 0) return false;
    if (length > PATH_LIMIT) return true;
    readCharacters(at, length);
    const isDoubtful = isPathDoubtful();
    for (let i = 0; i < patterns.length; i++) {
      const pattern = unchecked(patterns[i]);
      if (isDoubtful ? pattern.mayName() : pattern.names()) return true;
    }
    return hasDotSegment(at + length, targetLength - length) && this.includeClimbing(at, targetLength);
  }

  /** Whether a target with dot segments in its query may be one of these paths. Some servers resolve dot segments before
   *  they separate the query (`/x?/../mcp`). */
  private includeClimbing(at: usize, length: i32): bool {
    if (length > CHARACTERS_LIMIT) return true;
    readCharacters(at, length);
    for (let i = 0; i < this.patterns.length; i++) {
      if (unchecked(this.patterns[i]).mayName()) return true;
    }
    return false;
  }
}

/** Whether a query may contain a dot segment, also an escaped one. */
function hasDotSegment(at: usize, length: i32): bool {
  if (length <= 0) return false;
  const isDotted = indexOfIgnoringCase(at, length, "..") >= 0;
  return isDotted || indexOfIgnoringCase(at, length, "%2e") >= 0 || indexOfIgnoringCase(at, length, "252e") >= 0;
}
