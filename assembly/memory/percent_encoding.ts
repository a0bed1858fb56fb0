const PERCENT: u8 = 0x25;
const FIRST_VISIBLE: u8 = 0x21;
const LAST_VISIBLE: u8 = 0x7e;

/** Writes text (UTF-8, `length` bytes at `at`) to `to` as visible ASCII: `%` and two hexadecimal digits replace each other
 *  byte and `%` itself (RFC 3986, section 2.1). Returns the number of bytes written, at most `room`. Text that has no room
 *  ends after its last whole character that has. */
export function writePercentEncoded(to: usize, room: i32, at: usize, length: i32): i32 {
  let size = 0;
  /** The number of bytes written before the current character. */
  let whole = 0;
  for (let i = 0; i < length; i++) {
    const byte = load<u8>(at + i);
    if ((byte & 0xc0) != 0x80) whole = size;
    const isPlain = byte >= FIRST_VISIBLE && byte <= LAST_VISIBLE && byte != PERCENT;
    if (size + (isPlain ? 1 : 3) > room) return whole;
    if (isPlain) {
      store<u8>(to + size++, byte);
    } else {
      store<u8>(to + size, PERCENT);
      store<u8>(to + size + 1, upperHexDigit(byte >> 4));
      store<u8>(to + size + 2, upperHexDigit(byte & 15));
      size += 3;
    }
  }
  return size;
}

/** The hexadecimal digit, in upper case as in URIs, of a value below 16. */
function upperHexDigit(digit: u8): u8 {
  return digit < 10 ? 0x30 + digit : 0x37 + digit;
}
