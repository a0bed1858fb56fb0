import { indexOfIgnoringCase } from "../memory/bytes";
import { PathPattern } from "./path_pattern";
import { UNITS_LIMIT, isPathDoubtful, readUnits } from "./path_units";

/** Longest path that is compared, in bytes. */
const PATH_LIMIT: i32 = 2048;

/**
 * The paths of `match.paths`, and what is below them, where a server may be mounted: in whatever way some server or router
 * may read them. Segments are compared, whatever their case and with percent-encoding undone. A path is none of these only
 * if no reader could take it for one: where readers may disagree (see {@link isPathDoubtful}), it is one if the segments of
 * a named path are in it, in their order.
 */
export class NamedPaths {
  private patterns: PathPattern[] = [];

  /** @param patterns as `match.paths` has them: one that ends in `*` stands for all that begin so. */
  constructor(patterns: string[]) {
    for (let i = 0; i < patterns.length; i++) this.patterns.push(new PathPattern(patterns[i]));
  }

  /** Whether the target of a request may be one of them: `length` bytes of path, and up to `targetLength` a query. A path of
   *  more than 2048 bytes is taken to be one. */
  include(at: usize, length: i32, targetLength: i32): bool {
    const patterns = this.patterns;
    if (patterns.length == 0) return false;
    if (length > PATH_LIMIT) return true;
    readUnits(at, length);
    const isDoubtful = isPathDoubtful();
    for (let i = 0; i < patterns.length; i++) {
      const pattern = unchecked(patterns[i]);
      if (isDoubtful ? pattern.mayName() : pattern.names()) return true;
    }
    return hasDotSegment(at + length, targetLength - length) && this.includeClimbing(at, targetLength);
  }

  /** Whether a target whose query has dot segments may be one of them: some servers resolve these before they look for the
   *  query (`/x?/../mcp`). */
  private includeClimbing(at: usize, length: i32): bool {
    if (length > UNITS_LIMIT) return true;
    readUnits(at, length);
    for (let i = 0; i < this.patterns.length; i++) {
      if (unchecked(this.patterns[i]).mayName()) return true;
    }
    return false;
  }
}

/** Whether a query may have a dot segment, also an escaped one. */
function hasDotSegment(at: usize, length: i32): bool {
  if (length <= 0) return false;
  const isDotted = indexOfIgnoringCase(at, length, "..") >= 0;
  return isDotted || indexOfIgnoringCase(at, length, "%2e") >= 0 || indexOfIgnoringCase(at, length, "252e") >= 0;
}
