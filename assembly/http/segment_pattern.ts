import { hexValue } from "../json/characters";
import {
  BEYOND,
  COLON,
  DOT,
  NUMBER_SIGN,
  PERCENT,
  QUESTION_MARK,
  SEMICOLON,
  SLASH,
  SPACE,
  isBlank,
  isControl,
  unitAt,
  unitCount,
} from "./path_units";

/** Most characters of a segment that are compared: one that is longer is named by its first ones. */
const LENGTH_LIMIT: i32 = 60;

/** A segment of a path that the operator names, to be found in the units of {@link readUnits}. */
export class SegmentPattern {
  /** By an ASCII character: bit n where the segment's character n is this one. */
  private places: StaticArray<u64> = new StaticArray<u64>(128);
  private length: i32 = 0;
  /** What begins so is named, too. */
  private isOpen: bool = false;

  /** The segment in the units that were read last, from `from` to before `to`. `isOpen`: it stands for all that begin so. */
  constructor(from: i32, to: i32, isOpen: bool) {
    this.length = min(to - from, LENGTH_LIMIT);
    this.isOpen = isOpen || to - from > LENGTH_LIMIT;
    for (let i = 0; i < this.length; i++) {
      const character = unitAt(from + i) & 0x7f;
      this.place(character, i);
      if (<u16>(character - 0x61) < 26) this.place(character & 0x5f, i);
    }
  }

  private place(character: u16, index: i32): void {
    this.places[character] |= (<u64>1) << index;
  }

  /** Whether a path without doubts has this segment at unit `from`. Returns the index behind it, or -1. */
  endAt(from: i32): i32 {
    const size = unitCount();
    const end = from + this.length;
    if (end > size) return -1;
    for (let i = from; i < end; i++) {
      if (!((this.places[unitAt(i) & 0x7f] >> (i - from)) & 1)) return -1;
    }
    if (this.isOpen || end == size) return end;
    const next = unitAt(end);
    // The space would end the path in a request line that a proxy writes after decoding.
    return next == SLASH || next == SPACE ? end : -1;
  }

  /**
   * Looks for the segment in a doubtful path from unit `from` on, in every way in which a server may read it:
   * - it may begin after a slash, and end before one and before whatever some server ends or trims a segment at;
   * - control characters, spaces and dots in it may be dropped, as may `../` by those who clean paths by deleting that;
   * - a `%` that escapes nothing may be dropped, with the digit behind it;
   * - a character beyond ASCII may be a slash, up to three other characters, or none: but one character of the segment at
   *   least must be seen to be there.
   * Returns the index of the unit that ends it; -1 where it cannot be found. Linear.
   */
  find(from: i32): i32 {
    const size = unitCount();
    const whole = (<u64>1) << this.length;
    const all = (whole << 1) - 1;
    // Bit n: the segment's first n characters may have been read. `seen`: one of them at least was itself there.
    let seen: u64 = 0;
    let guessed: u64 = 1;
    for (let i = from; i <= size; i++) {
      const isRead = (seen & whole) != 0;
      if (i == size) return isRead ? i : -1;
      const unit = unitAt(i);
      if (isRead && (this.isOpen || mayEndSegment(unit))) return i;
      let nextSeen = ((seen | guessed) & this.places[unit & 0x7f]) << 1;
      let nextGuessed: u64 = 0;
      if (unit >= BEYOND) {
        nextSeen |= widened(seen);
        nextGuessed = widened(guessed) | 1;
      } else if (unit == SLASH) {
        const isAfterDot = i > 0 && unitAt(i - 1) == DOT;
        nextGuessed = isAfterDot ? guessed | 1 : 1;
        if (isAfterDot) nextSeen |= seen;
      } else if (unit == DOT || isBlank(unit) || isControl(unit) || isBadEscape(i)) {
        nextSeen |= seen;
        nextGuessed = guessed;
      }
      seen = nextSeen & all;
      guessed = nextGuessed & all;
    }
    return -1;
  }
}

/** Whether the unit is a `%` that escapes nothing, or the digit behind one. */
function isBadEscape(index: i32): bool {
  if (unitAt(index) == PERCENT) return true;
  return index > 0 && unitAt(index - 1) == PERCENT && hexValue(<u8>unitAt(index)) < 16;
}

/** None to three characters further. */
@inline
function widened(places: u64): u64 {
  return places | (places << 1) | (places << 2) | (places << 3);
}

/** Whether some server may take a segment, or the path, to end before this unit: a slash, a query's or fragment's begin, a
 *  parameter, the name of a stream of NTFS, NUL and other control characters, spaces. */
export function mayEndSegment(unit: u16): bool {
  if (unit == SLASH || isBlank(unit) || isControl(unit) || unit >= BEYOND) return true;
  return unit == QUESTION_MARK || unit == NUMBER_SIGN || unit == SEMICOLON || unit == COLON;
}
