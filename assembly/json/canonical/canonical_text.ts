import { hexDigit } from "../../memory/hex";
import { BACKSLASH, QUOTE, hexValue, unescaped } from "../characters";
import { shortEscape } from "../value_text";

/** Added to the first UTF-8 byte of characters from U+E000 to U+FFFF, so that they compare as greater than characters beyond
 *  U+FFFF, as their UTF-16 code units do. */
const SHIFT: u32 = 0x10;

/** Writes a character as in strings of canonical JSON (RFC 8785, section 3.2.2.2): in UTF-8, escaped where JSON requires it.
 *  Returns the address after it. */
export function writeCharacter(to: usize, character: u32): usize {
  if (character < 0x80) return writeAscii(to, <u8>character);
  if (character < 0x800) {
    store<u8>(to++, 0xc0 | (character >> 6));
  } else {
    if (character < 0x10000) {
      store<u8>(to++, 0xe0 | (character >> 12));
    } else {
      store<u8>(to++, 0xf0 | (character >> 18));
      store<u8>(to++, 0x80 | ((character >> 12) & 0x3f));
    }
    store<u8>(to++, 0x80 | ((character >> 6) & 0x3f));
  }
  store<u8>(to, 0x80 | (character & 0x3f));
  return to + 1;
}

function writeAscii(to: usize, byte: u8): usize {
  if (byte >= 0x20 && byte != QUOTE && byte != BACKSLASH) {
    store<u8>(to, byte);
    return to + 1;
  }
  const letter = shortEscape(byte);
  store<u8>(to, BACKSLASH);
  store<u8>(to, letter ? letter : 0x75, 1);
  if (letter) return to + 2;
  store<u16>(to, 0x3030, 2);
  store<u8>(to, hexDigit(byte >> 4), 4);
  store<u8>(to, hexDigit(byte & 15), 5);
  return to + 6;
}

/** Compares two keys by their UTF-16 code units (RFC 8785, section 3.2.3). Returns less than 0 if the first is less, 0 if they
 *  are equal, more than 0 if it is greater. Both addresses are those of opening quotes of keys in canonical form. */
export function compareKeys(a: usize, b: usize): i32 {
  a++;
  b++;
  while (true) {
    let one: u32 = load<u8>(a);
    let other: u32 = load<u8>(b);
    if (one == other && one != BACKSLASH) {
      if (one == QUOTE) return 0;
      a++;
      b++;
      continue;
    }
    if (one == QUOTE) return -1;
    if (other == QUOTE) return 1;
    if (one == BACKSLASH) {
      one = escaped(a);
      a += escapeSize(a) - 1;
    }
    if (other == BACKSLASH) {
      other = escaped(b);
      b += escapeSize(b) - 1;
    }
    if (one != other) return inUtf16(one) < inUtf16(other) ? -1 : 1;
    a++;
    b++;
  }
}

/** Whether a key equals an ASCII text that needs no escape sequences. `key` is the address of the opening quote of a key in
 *  canonical form. */
export function sameKey(key: usize, text: string): bool {
  const length = text.length;
  for (let i = 0; i < length; i++) {
    // A shorter key differs at its closing quote, because the text contains no quotes.
    if (load<u8>(key + 1 + i) != <u8>text.charCodeAt(i)) return false;
  }
  return load<u8>(key + 1 + length) == QUOTE;
}

function inUtf16(byte: u32): u32 {
  return byte == 0xee || byte == 0xef ? byte + SHIFT : byte;
}

/** The ASCII character of an escape sequence in canonical form. */
function escaped(at: usize): u32 {
  const letter = load<u8>(at, 1);
  if (letter != 0x75) return unescaped(letter);
  return (hexValue(load<u8>(at, 4)) << 4) | hexValue(load<u8>(at, 5));
}

@inline
function escapeSize(at: usize): usize {
  return load<u8>(at, 1) == 0x75 ? 6 : 2;
}
