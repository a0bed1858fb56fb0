import { Bytes, equalsText, hashBytes } from "../memory/bytes";
import { HEX_SIZE, writeHex } from "../memory/hex";

/** The label value of all names without a value of their own. */
export const OTHER: string = "_OTHER";

/** Maximum length of a label value in bytes. */
const LIMIT: i32 = 250;
/** Precedes the two hexadecimal digits of an escaped byte. */
const PERCENT: u8 = 0x25;
const ESCAPE_SIZE: i32 = 3;
/** Separates the beginning of a truncated value from the hash of the whole name. Escaped everywhere else. */
const CUT: u8 = 0x7e;

/**
 * The label value of a name. Different names have different values. Letters, digits and `_ - . / : @ +` stay. Every
 * other byte could be misread in an encoded metric name or by an exposition format, and is percent-encoded (RFC 3986,
 * section 2.1), as is `%` itself: `get weather` becomes `get%20weather`. Escapes consist of letters and digits, so that
 * names in any script still differ if a mesh replaces all other bytes. The name `_OTHER` becomes `%5FOTHER`. A value
 * longer than 250 bytes is truncated between two characters of the name, followed by `~` and a hash of the whole name,
 * which is the same on all proxies.
 */
export function labelValue(at: usize, length: i32): Bytes {
  const isReserved = equalsText(at, length, OTHER);
  let size = 0;
  /** The longest prefix that fits before a hash: its bytes in the name, and in the value. */
  let cutAt = 0;
  let cutSize = 0;
  for (let i = 0; i < length; i++) {
    const byte = load<u8>(at + i);
    if (!isContinuation(byte) && size <= LIMIT - 1 - HEX_SIZE) {
      cutAt = i;
      cutSize = size;
    }
    size += isPlain(byte) ? 1 : ESCAPE_SIZE;
  }
  if (isReserved) size += ESCAPE_SIZE - 1;
  const isCut = size > LIMIT;
  const kept = isCut ? cutAt : length;
  const value = Bytes.ofSize(isCut ? cutSize + 1 + HEX_SIZE : size);
  let to = value.at;
  for (let i = 0; i < kept; i++) {
    const byte = load<u8>(at + i);
    to = isPlain(byte) && !(isReserved && i == 0) ? writePlain(to, byte) : writeEscape(to, byte);
  }
  if (isCut) writeHex(writePlain(to, CUT), hashBytes(at, length));
  return value;
}

/** Writes an unescaped byte. Returns the address after it. */
function writePlain(to: usize, byte: u8): usize {
  store<u8>(to, byte);
  return to + 1;
}

/** Writes the percent-encoded form of a byte. Returns the address after it. */
export function writeEscape(to: usize, byte: u8): usize {
  store<u8>(to, PERCENT);
  store<u8>(to + 1, hexDigit(byte >> 4));
  store<u8>(to + 2, hexDigit(byte & 15));
  return to + ESCAPE_SIZE;
}

function hexDigit(value: u8): u8 {
  return value < 10 ? 0x30 + value : 0x37 + value;
}

/** Whether the byte continues a UTF-8 character. */
function isContinuation(byte: u8): bool {
  return (byte & 0xc0) == 0x80;
}

function isPlain(byte: u8): bool {
  if (<u8>((byte | 0x20) - 0x61) < 26) return true;
  // `-` `.` `/`, the digits and `:`
  if (byte >= 0x2d && byte <= 0x3a) return true;
  return byte == 0x5f || byte == 0x40 || byte == 0x2b;
}
