/** Byte classes of JSON text (RFC 8259), and a fast search for the end of plain text in a string. */

export const QUOTE: u8 = 0x22;
export const BACKSLASH: u8 = 0x5c;
export const COMMA: u8 = 0x2c;
export const COLON: u8 = 0x3a;
export const BRACE_OPEN: u8 = 0x7b;
export const BRACE_CLOSE: u8 = 0x7d;
export const BRACKET_OPEN: u8 = 0x5b;
export const BRACKET_CLOSE: u8 = 0x5d;
/** The bytes of `true` and `null`, little-endian. */
export const TRUE: u32 = 0x65757274;
export const NULL: u32 = 0x6c6c756e;

/** Space, tab, line feed, carriage return. */
@inline
export function isSpace(byte: u8): bool {
  return byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09;
}

@inline
export function isDigit(byte: u8): bool {
  return <u8>(byte - 0x30) < 10;
}

/** The value of a hexadecimal digit; 16 or more for any other byte. */
export function hexValue(byte: u8): u32 {
  if (isDigit(byte)) return byte - 0x30;
  const letter = <u8>((byte | 0x20) - 0x61);
  return letter < 6 ? letter + 10 : 16;
}

/** The character of the escape sequence of a backslash and this letter; -1 if JSON does not define it. `\u` is not included. */
export function unescaped(letter: u8): i32 {
  switch (letter) {
    case 0x22: // "
    case 0x5c: // \
    case 0x2f: // /
      return letter;
    case 0x62: // b
      return 0x08;
    case 0x66: // f
      return 0x0c;
    case 0x6e: // n
      return 0x0a;
    case 0x72: // r
      return 0x0d;
    case 0x74: // t
      return 0x09;
    default:
      return -1;
  }
}

/** The bytes that a string must escape: quotes, backslashes and control characters. 0xff for each of them, 0 for others. */
@inline
export function specials(bytes: v128): v128 {
  return v128.or(
    v128.or(i8x16.eq(bytes, i8x16.splat(0x22)), i8x16.eq(bytes, i8x16.splat(0x5c))),
    i8x16.eq(i8x16.min_u(bytes, i8x16.splat(0x1f)), bytes),
  );
}

/** Same result as {@link endOfPlainText}; inline for texts of up to 15 bytes. */
@inline
export function endOfShortText(at: usize, end: usize): usize {
  if (at + 16 <= end) {
    const found = i8x16.bitmask(specials(v128.load(at)));
    if (found) return at + ctz(found);
  }
  return endOfPlainText(at, end);
}

/** The address of the first quote, backslash or control character in [at, end); `end` if there is none. */
export function endOfPlainText(at: usize, end: usize): usize {
  // Most texts are short. Blocks of 64 bytes start at the seventeenth byte.
  if (at + 16 <= end) {
    const found = i8x16.bitmask(specials(v128.load(at)));
    if (found) return at + ctz(found);
    at += 16;
  }
  while (at + 64 <= end) {
    const first = v128.or(specials(v128.load(at)), specials(v128.load(at, 16)));
    const second = v128.or(specials(v128.load(at, 32)), specials(v128.load(at, 48)));
    if (v128.any_true(v128.or(first, second))) break;
    at += 64;
  }
  while (at + 16 <= end) {
    const found = i8x16.bitmask(specials(v128.load(at)));
    if (found) return at + ctz(found);
    at += 16;
  }
  while (at < end) {
    const byte = load<u8>(at);
    if (byte == QUOTE || byte == BACKSLASH || byte < 0x20) break;
    at++;
  }
  return at;
}
