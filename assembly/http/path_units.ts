import { hexValue } from "../json/characters";
import { lower } from "../memory/bytes";
import { asciiForm } from "./ascii_forms";

export const SLASH: u16 = 0x2f;
export const PERCENT: u16 = 0x25;
export const DOT: u16 = 0x2e;
export const SPACE: u16 = 0x20;
export const PLUS: u16 = 0x2b;
export const COLON: u16 = 0x3a;
export const SEMICOLON: u16 = 0x3b;
export const QUESTION_MARK: u16 = 0x3f;
export const NUMBER_SIGN: u16 = 0x23;
const BACKSLASH: u16 = 0x5c;
const DOLLAR: u16 = 0x24;
const LETTER_U: u16 = 0x75;
const DELETE: u16 = 0x7f;
/** Units from here on are beyond ASCII. */
export const BEYOND: u16 = 0x80;
/** Marks a character beyond ASCII; the low seven bits are those of its code point. */
const BEYOND_ASCII: u16 = 0x100;

/** Most bytes that {@link readUnits} takes. */
export const UNITS_LIMIT: i32 = 8192;
const units: usize = heap.alloc(UNITS_LIMIT << 1);
let size: i32 = 0;
/** Whether two servers may read the path as different ones. */
let isDoubtful: bool = false;

/**
 * Reads a path into units, one a character: its percent-encoding undone until nothing is left of it, in small letters, with
 * `/` for `\`. Units below 0x80 are ASCII; from 0x100 on they are characters beyond it, and from 0x80 to 0xff bytes that are
 * no UTF-8. The units are kept until the next call. Linear in the length, of at most {@link UNITS_LIMIT} bytes.
 */
export function readUnits(at: usize, length: i32): void {
  size = 0;
  isDoubtful = false;
  for (let i = 0; i < length; i++) {
    const byte = load<u8>(at + i);
    if (byte < 0x21 || byte > 0x7e) isDoubtful = true;
    append(byte);
  }
  if (!isDoubtful) isDoubtful = hasDoubtfulShape();
}

/** How many units were read. */
@inline
export function unitCount(): i32 {
  return size;
}

/** A unit that was read; `index` is below {@link unitCount}. */
@inline
export function unitAt(index: i32): u16 {
  return load<u16>(units + (index << 1));
}

/**
 * Whether servers or routers may disagree about the path that was read: it has escapes of reserved characters, dots,
 * control characters or escapes, escapes that are none, dot segments, `;`, `\`, `#`, doubled slashes, segments that begin or
 * end in what some servers trim, names of streams of NTFS (`::$DATA`), anything beyond visible ASCII, or no slash to begin
 * with.
 */
@inline
export function isPathDoubtful(): bool {
  return isDoubtful;
}

/** Whether it is a control character, NUL included. */
@inline
export function isControl(unit: u16): bool {
  return unit < SPACE || unit == DELETE;
}

/** Adds a byte, and undoes the escape or UTF-8 sequence that it completes, which may in turn complete another one. */
function append(byte: u8): void {
  let unit: u16 = lower(byte);
  while (true) {
    if (unit == BACKSLASH || unit == SEMICOLON || unit == NUMBER_SIGN) isDoubtful = true;
    if (unit == BACKSLASH) unit = SLASH;
    // Who strips control characters strips them from escapes, too.
    if (isControl(unit) && isInEscape()) return;
    store<u16>(units + (size << 1), unit);
    size++;
    if (unit < 0x80) {
      if (!endEscape(unit)) return;
    } else if (unit >= 0xc0 || !endCharacter(unit)) {
      return;
    }
    unit = unitAt(size);
  }
}

/** Whether an escape was begun and not ended. */
function isInEscape(): bool {
  if (size > 0 && unitAt(size - 1) == PERCENT) return true;
  return size > 1 && unitAt(size - 2) == PERCENT && hexAt(size - 1) < 16;
}

/** Undoes the escape that ends with the last unit. True if there is one: then what it stands for is behind the last unit. */
function endEscape(last: u16): bool {
  if (size < 3 || hexValue(<u8>last) > 15) return false;
  if (unitAt(size - 3) == PERCENT && hexAt(size - 2) < 16) {
    const value = (hexAt(size - 2) << 4) | hexAt(size - 1);
    if (!isHarmlessEscaped(<u8>value)) isDoubtful = true;
    return replace(3, lower(<u8>value));
  }
  // `%u002f`, which IIS reads.
  if (size < 6 || unitAt(size - 6) != PERCENT || unitAt(size - 5) != LETTER_U) return false;
  let codePoint: u32 = 0;
  for (let i = size - 4; i < size; i++) {
    if (hexAt(i) > 15) return false;
    codePoint = (codePoint << 4) | hexAt(i);
  }
  isDoubtful = true;
  return replace(6, unitOf(codePoint));
}

/** Joins the UTF-8 sequence that ends with the last unit, overlong ones as well. True as {@link endEscape}. */
function endCharacter(last: u16): bool {
  let codePoint: u32 = last & 0x3f;
  let shift: u32 = 6;
  for (let length = 2; length <= 4 && length <= size; length++) {
    const unit = unitAt(size - length);
    if (unit < 0x80 || unit >= 0xf8) return false;
    if (unit >= 0xc0) {
      // The lead byte of two has five bits, of three four, of four three.
      const isLead = unit >= 0xf0 ? length == 4 : unit >= 0xe0 ? length == 3 : length == 2;
      if (!isLead) return false;
      codePoint |= ((<u32>unit) & ((1 << (7 - length)) - 1)) << shift;
      return replace(length, unitOf(codePoint));
    }
    codePoint |= (<u32>(unit & 0x3f)) << shift;
    shift += 6;
  }
  return false;
}

/** Takes the last `count` units away and puts one behind what is left. */
function replace(count: i32, unit: u16): bool {
  size -= count;
  store<u16>(units + (size << 1), unit);
  return true;
}

function unitOf(codePoint: u32): u16 {
  const ascii = asciiForm(codePoint);
  return ascii || codePoint == 0 ? lower(ascii) : BEYOND_ASCII | (<u16>(codePoint & 0x7f));
}

/** The value of the hexadecimal digit at an index; 16 or more where there is none. */
@inline
function hexAt(index: i32): u32 {
  const unit = unitAt(index);
  return unit < 0x80 ? hexValue(<u8>unit) : 16;
}

/** Whether all who decode an escape once read the same in its place, and in nobody's eyes it has another meaning: letters,
 *  digits, what is neither reserved nor special, and the space. */
function isHarmlessEscaped(byte: u8): bool {
  if (<u8>(lower(byte) - 0x61) < 26 || <u8>(byte - 0x30) < 10) return true;
  switch (byte) {
    case 0x20: // space
    case 0x22: // "
    case 0x2d: // -
    case 0x3c: // <
    case 0x3e: // >
    case 0x5e: // ^
    case 0x5f: // _
    case 0x60: // `
    case 0x7b: // {
    case 0x7c: // |
    case 0x7d: // }
    case 0x7e: // ~
      return true;
    default:
      return false;
  }
}

/** Whether the units are those of a doubtful path by how they follow each other. */
function hasDoubtfulShape(): bool {
  if (size == 0 || unitAt(0) != SLASH) return true;
  let before = SLASH;
  for (let i = 1; i < size; i++) {
    const unit = unitAt(i);
    if (unit == PERCENT) return true;
    if (before == SLASH && (unit == SLASH || isBlank(unit))) return true;
    if (unit == SLASH && (before == DOT || isBlank(before))) return true;
    if (before == COLON && (unit == COLON || unit == DOLLAR)) return true;
    before = unit;
  }
  return before == DOT || isBlank(before);
}

/** Whether it is a space for some server: `+` is one in forms. */
@inline
export function isBlank(unit: u16): bool {
  return unit == SPACE || unit == PLUS;
}
