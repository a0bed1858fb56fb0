/** The minimum number of letters and digits in a part of a target that counts as a unique id: longer than a counter or a
 *  date. UUIDs have 32, and random ids of 80 or more bits have at least 16. */
const ID_LENGTH: i32 = 16;
const SLASH: u8 = 0x2f;
const QUESTION_MARK: u8 = 0x3f;
const AMPERSAND: u8 = 0x26;
const EQUALS: u8 = 0x3d;

/**
 * The part of a request's target (path and query) that stays the same if a proxy strips a path prefix or adds one. It begins
 * at the last segment that is an id or is followed by one; without an id, it is the last segment with the query.
 */
export class TargetTail {
  at: usize = 0;
  length: i32 = 0;
  /** Whether the tail contains an id, so that it can identify one endpoint among those of all servers. */
  hasId: bool = false;

  /** Finds the tail of the target of `length` bytes at `target`. */
  read(target: usize, length: i32): void {
    const end = target + length;
    let pathEnd = target;
    while (pathEnd < end && load<u8>(pathEnd) != QUESTION_MARK) pathEnd++;
    const last = segmentBefore(target, pathEnd);
    this.at = last;
    this.hasId = hasId(pathEnd, end);
    for (let at = last, to = pathEnd; !this.hasId && to > target; at = segmentBefore(target, to)) {
      if (hasId(at, to)) {
        this.at = at;
        this.hasId = true;
      }
      to = at;
    }
    this.length = <i32>(end - this.at);
  }
}

/** The address of the last non-empty segment in [start, end), after its slash; `start` if there is none. */
function segmentBefore(start: usize, end: usize): usize {
  while (end > start && load<u8>(end - 1) == SLASH) end--;
  while (end > start && load<u8>(end - 1) != SLASH) end--;
  return end;
}

/** Whether a segment in [at, end), or a name or value of a query, is an id. */
function hasId(at: usize, end: usize): bool {
  let characters = 0;
  let hasLetter = false;
  let hasDigit = false;
  for (; at < end; at++) {
    const byte = load<u8>(at);
    const isLetter = (byte | 0x20) - 0x61 < 26;
    if (byte == SLASH || byte == QUESTION_MARK || byte == AMPERSAND || byte == EQUALS) {
      characters = 0;
      hasLetter = false;
      hasDigit = false;
    } else if (isLetter || byte - 0x30 < 10) {
      if (isLetter) hasLetter = true;
      else hasDigit = true;
      // Requires both, since words consist only of letters.
      if (++characters >= ID_LENGTH && hasLetter && hasDigit) return true;
    }
  }
  return false;
}
