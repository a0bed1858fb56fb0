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
/** Characters from this value on are not ASCII. */
export const BEYOND: u16 = 0x80;
/** Marks a character beyond ASCII. Its low seven bits are those of its code point. */
const BEYOND_ASCII: u16 = 0x100;

/** The maximum number of bytes that {@link readCharacters} accepts. */
export const CHARACTERS_LIMIT: i32 = 8192;
const characters: usize = heap.alloc(CHARACTERS_LIMIT << 1);
let size: i32 = 0;
/** See {@link isPathDoubtful}. */
let isDoubtful: bool = false;

/**
 * Decodes a path into characters of 16 bits. Percent-encoding is decoded repeatedly until none is left, letters are in lower
 * case, and `\` becomes `/`. Values below 0x80 are ASCII, values from 0x100 on are characters beyond ASCII, and values from
 * 0x80 to 0xff are bytes that are not UTF-8. The characters are valid until the next call. Linear in the length, which is at
 * most {@link CHARACTERS_LIMIT} bytes.
 */
export function readCharacters(at: usize, length: i32): void {
  size = 0;
  isDoubtful = false;
  for (let i = 0; i < length; i++) {
    const byte = load<u8>(at + i);
    if (byte < 0x21 || byte > 0x7e) isDoubtful = true;
    append(byte);
  }
  if (!isDoubtful) isDoubtful = hasDoubtfulShape();
}

/** The number of characters that {@link readCharacters} read. */
@inline
export function characterCount(): i32 {
  return size;
}

/** The character at `index`, which must be below {@link characterCount}. */
@inline
export function characterAt(index: i32): u16 {
  return load<u16>(characters + (index << 1));
}

/**
 * Whether servers or routers may interpret the latest path differently. Such a path has one of these: escapes of reserved
 * characters, dots, control characters or `%`; invalid escapes; dot segments; `;`, `\` or `#`; double slashes; segments that
 * begin or end with characters that some servers trim; names of NTFS streams (`::$DATA`); anything other than visible ASCII;
 * or no leading slash.
 */
@inline
export function isPathDoubtful(): bool {
  return isDoubtful;
}

/** Whether the character is a control character, including NUL. */
@inline
export function isControl(character: u16): bool {
  return character < SPACE || character == DELETE;
}

/** Appends a byte. If it completes an escape or a UTF-8 sequence, decodes that; the result may in turn complete another one. */
function append(byte: u8): void {
  let character: u16 = lower(byte);
  while (true) {
    if (character == BACKSLASH || character == SEMICOLON || character == NUMBER_SIGN) isDoubtful = true;
    if (character == BACKSLASH) character = SLASH;
    // Servers that strip control characters also strip them from escapes.
    if (isControl(character) && isInEscape()) return;
    store<u16>(characters + (size << 1), character);
    size++;
    if (character < 0x80) {
      if (!endEscape(character)) return;
    } else if (character >= 0xc0 || !endCharacter(character)) {
      return;
    }
    character = characterAt(size);
  }
}

/** Whether the last characters are an incomplete escape. */
function isInEscape(): bool {
  if (size > 0 && characterAt(size - 1) == PERCENT) return true;
  return size > 1 && characterAt(size - 2) == PERCENT && hexAt(size - 1) < 16;
}

/** Decodes the escape that ends with the last character. Returns whether there is one; then the decoded character is stored at
 *  index `size` and not counted. */
function endEscape(last: u16): bool {
  if (size < 3 || hexValue(<u8>last) > 15) return false;
  if (characterAt(size - 3) == PERCENT && hexAt(size - 2) < 16) {
    const value = (hexAt(size - 2) << 4) | hexAt(size - 1);
    if (!isHarmlessEscaped(<u8>value)) isDoubtful = true;
    return replace(3, lower(<u8>value));
  }
  // The form `%u002f`, which IIS decodes.
  if (size < 6 || characterAt(size - 6) != PERCENT || characterAt(size - 5) != LETTER_U) return false;
  let codePoint: u32 = 0;
  for (let i = size - 4; i < size; i++) {
    if (hexAt(i) > 15) return false;
    codePoint = (codePoint << 4) | hexAt(i);
  }
  isDoubtful = true;
  return replace(6, unitOf(codePoint));
}

/** Decodes the UTF-8 sequence that ends with the last character, also an overlong one. Returns whether there is one; then the
 *  decoded character is stored at index `size` and not counted. */
function endCharacter(last: u16): bool {
  let codePoint: u32 = last & 0x3f;
  let shift: u32 = 6;
  for (let length = 2; length <= 4 && length <= size; length++) {
    const character = characterAt(size - length);
    if (character < 0x80 || character >= 0xf8) return false;
    if (character >= 0xc0) {
      // The lead byte has five bits in a sequence of two bytes, four in one of three, and three in one of four.
      const isLead = character >= 0xf0 ? length == 4 : character >= 0xe0 ? length == 3 : length == 2;
      if (!isLead) return false;
      codePoint |= ((<u32>character) & ((1 << (7 - length)) - 1)) << shift;
      return replace(length, unitOf(codePoint));
    }
    codePoint |= (<u32>(character & 0x3f)) << shift;
    shift += 6;
  }
  return false;
}

/** Removes the last `count` characters and stores `character` after the remaining ones, uncounted. Always returns true. */
function replace(count: i32, character: u16): bool {
  size -= count;
  store<u16>(characters + (size << 1), character);
  return true;
}

function unitOf(codePoint: u32): u16 {
  const ascii = asciiForm(codePoint);
  return ascii || codePoint == 0 ? lower(ascii) : BEYOND_ASCII | (<u16>(codePoint & 0x7f));
}

/** The value of the hexadecimal digit at an index; 16 or more if the character is not a digit. */
@inline
function hexAt(index: i32): u32 {
  const character = characterAt(index);
  return character < 0x80 ? hexValue(<u8>character) : 16;
}

/** Whether an escape of this byte is unambiguous: all servers decode it to the same character, and none gives it a special
 *  meaning. True for letters, digits, the space, and characters that are neither reserved nor special. */
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

/** Whether the order of the characters makes the path doubtful. */
function hasDoubtfulShape(): bool {
  if (size == 0 || characterAt(0) != SLASH) return true;
  let before = SLASH;
  for (let i = 1; i < size; i++) {
    const character = characterAt(i);
    if (character == PERCENT) return true;
    if (before == SLASH && (character == SLASH || isSpaceOrPlus(character))) return true;
    if (character == SLASH && (before == DOT || isSpaceOrPlus(before))) return true;
    if (before == COLON && (character == COLON || character == DOLLAR)) return true;
    before = character;
  }
  return before == DOT || isSpaceOrPlus(before);
}

/** Whether a server may read the character as a space. A `+` is a space in forms. */
@inline
export function isSpaceOrPlus(character: u16): bool {
  return character == SPACE || character == PLUS;
}
