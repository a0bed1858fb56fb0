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
  isSpaceOrPlus,
  isControl,
  characterAt,
  characterCount,
} from "./path_characters";

/** The number of characters of a segment that are compared. A longer segment is compared by its first characters only. */
const LENGTH_LIMIT: i32 = 60;

/** A segment of a path that the operator configured, matched against the characters of {@link readCharacters}. */
export class SegmentPattern {
  /** Indexed by ASCII character: bit n is set if character n of the segment is this one, ignoring case. */
  private places: StaticArray<u64> = new StaticArray<u64>(128);
  private length: i32 = 0;
  /** Whether the segment is a prefix: it matches all segments that begin with it. */
  private isOpen: bool = false;

  /** Reads the segment from the characters that were read last, from index `from` to before `to`. `isOpen`: the segment is a
   *  prefix. */
  constructor(from: i32, to: i32, isOpen: bool) {
    this.length = min(to - from, LENGTH_LIMIT);
    this.isOpen = isOpen || to - from > LENGTH_LIMIT;
    for (let i = 0; i < this.length; i++) {
      const character = characterAt(from + i) & 0x7f;
      this.place(character, i);
      if (<u16>(character - 0x61) < 26) this.place(character & 0x5f, i);
    }
  }

  private place(character: u16, index: i32): void {
    this.places[character] |= (<u64>1) << index;
  }

  /** Matches the segment at character `from` of an unambiguous path. Returns the index after the segment; -1 if it does not
   *  match. */
  endAt(from: i32): i32 {
    const size = characterCount();
    const end = from + this.length;
    if (end > size) return -1;
    for (let i = from; i < end; i++) {
      if (!((this.places[characterAt(i) & 0x7f] >> (i - from)) & 1)) return -1;
    }
    if (this.isOpen || end == size) return end;
    const next = characterAt(end);
    // A space would end the path in a request line that a proxy writes after decoding.
    return next == SLASH || next == SPACE ? end : -1;
  }

  /**
   * Searches a doubtful path for the segment from character `from` on, in every way in which a server may read the path:
   * - A segment may begin after a slash. It may end before a slash or any character at which a server ends or trims a segment.
   * - Control characters, spaces and dots in the segment may be dropped. So may `../`, by servers that clean paths by
   *   deleting it.
   * - A `%` that escapes nothing may be dropped, together with the digit after it.
   * - A character beyond ASCII may be a slash, up to three other characters, or nothing. At least one character of the
   *   segment must be present itself.
   *
   * Returns the index of the character that ends the segment; -1 if it cannot be found. Linear.
   */
  find(from: i32): i32 {
    const size = characterCount();
    const whole = (<u64>1) << this.length;
    const all = (whole << 1) - 1;
    // Bit n is set if the first n characters of the segment may have been read. In `seen`, at least one of them was present
    // itself; in `guessed`, none was.
    let seen: u64 = 0;
    let guessed: u64 = 1;
    for (let i = from; i <= size; i++) {
      const isRead = (seen & whole) != 0;
      if (i == size) return isRead ? i : -1;
      const character = characterAt(i);
      if (isRead && (this.isOpen || mayEndSegment(character))) return i;
      let nextSeen = ((seen | guessed) & this.places[character & 0x7f]) << 1;
      let nextGuessed: u64 = 0;
      if (character >= BEYOND) {
        nextSeen |= widened(seen);
        nextGuessed = widened(guessed) | 1;
      } else if (character == SLASH) {
        const isAfterDot = i > 0 && characterAt(i - 1) == DOT;
        nextGuessed = isAfterDot ? guessed | 1 : 1;
        if (isAfterDot) nextSeen |= seen;
      } else if (character == DOT || isSpaceOrPlus(character) || isControl(character) || isBadEscape(i)) {
        nextSeen |= seen;
        nextGuessed = guessed;
      }
      seen = nextSeen & all;
      guessed = nextGuessed & all;
    }
    return -1;
  }
}

/** Whether the character is a `%` that escapes nothing, or the digit after one. */
function isBadEscape(index: i32): bool {
  if (characterAt(index) == PERCENT) return true;
  return index > 0 && characterAt(index - 1) == PERCENT && hexValue(<u8>characterAt(index)) < 16;
}

/** Advances each place by 0 to 3 characters. */
@inline
function widened(places: u64): u64 {
  return places | (places << 1) | (places << 2) | (places << 3);
}

/** Whether a server may end a segment, or the path, before this character: a slash, the start of a query or fragment, a
 *  parameter, the name of an NTFS stream, NUL and other control characters, or a space. */
export function mayEndSegment(character: u16): bool {
  if (character == SLASH || isSpaceOrPlus(character) || isControl(character) || character >= BEYOND) return true;
  return character == QUESTION_MARK || character == NUMBER_SIGN || character == SEMICOLON || character == COLON;
}
