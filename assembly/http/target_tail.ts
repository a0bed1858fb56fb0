/** Letters and digits in a part of a target that is taken for an id which nothing else has: too many for a counter or a date.
 *  UUIDs have 32, random ids of 80 bits and more at least as many as this. */
const ID_LENGTH: i32 = 16;
const SLASH: u8 = 0x2f;
const QUESTION_MARK: u8 = 0x3f;
const AMPERSAND: u8 = 0x26;
const EQUALS: u8 = 0x3d;

/**
 * The part of a request's target (path and query) that stays the same where a proxy strips a prefix from the path or adds one:
 * from the last segment that is, or is followed by, an id. Without an id, it is the last segment with the query.
 */
export class TargetTail {
  at: usize = 0;
  length: i32 = 0;
  /** It has an id, so it can name one endpoint among those of all servers. */
  hasId: bool = false;

  /** Finds the tail of a target of `length` bytes. */
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

/** Where the last segment in [start, end) begins that has a character, behind its slash; `start` where there is none. */
function segmentBefore(start: usize, end: usize): usize {
  while (end > start && load<u8>(end - 1) == SLASH) end--;
  while (end > start && load<u8>(end - 1) != SLASH) end--;
  return end;
}

/** Whether a segment, or a name or value of the query, in [at, end) is an id. */
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
      // Words have letters alone.
      if (++characters >= ID_LENGTH && hasLetter && hasDigit) return true;
    }
  }
  return false;
}
