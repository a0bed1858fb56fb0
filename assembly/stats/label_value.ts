import { Bytes, equalsText, hashBytes } from "../memory/bytes";
import { HEX_SIZE, writeHex } from "../memory/hex";

/** The label value of all names that have none of their own. */
export const OTHER: string = "_OTHER";

/** The longest label value, in bytes. */
const LIMIT: i32 = 250;
/** Before the two hexadecimal digits of a byte. */
const PERCENT: u8 = 0x25;
const ESCAPE_SIZE: i32 = 3;
/** Between what is left of a value that was cut and the hash of the whole name. Escaped everywhere else. */
const CUT: u8 = 0x7e;

/**
 * A name as labels show it: different names have different values. Letters, digits and `_ - . / : @ +` stay. Every other byte
 * could be mistaken in an encoded metric name or by an exposition format, and is percent-encoded (RFC 3986, section 2.1), as
 * is `%` itself: `get weather` is `get%20weather`. Escapes consist of letters and digits, so names in any script still differ
 * where a mesh replaces all other bytes. The name `_OTHER` is `%5FOTHER`. A value longer than 250 bytes is cut between two
 * characters of the name; `~` and a hash of the whole name follow, which is the same on all proxies.
 */
export function labelValue(at: usize, length: i32): Bytes {
  const isReserved = equalsText(at, length, OTHER);
  let size = 0;
  /** The most that fits before a hash: bytes of the name, and of the value. */
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

/** Returns the address behind what it writes. */
function writePlain(to: usize, byte: u8): usize {
  store<u8>(to, byte);
  return to + 1;
}

/** Writes the percent-encoded form of a byte. Returns the address behind it. */
export function writeEscape(to: usize, byte: u8): usize {
  store<u8>(to, PERCENT);
  store<u8>(to + 1, hexDigit(byte >> 4));
  store<u8>(to + 2, hexDigit(byte & 15));
  return to + ESCAPE_SIZE;
}

function hexDigit(value: u8): u8 {
  return value < 10 ? 0x30 + value : 0x37 + value;
}

/** Whether the byte continues a character of UTF-8. */
function isContinuation(byte: u8): bool {
  return (byte & 0xc0) == 0x80;
}

function isPlain(byte: u8): bool {
  if (<u8>((byte | 0x20) - 0x61) < 26) return true;
  // `-` `.` `/`, the digits and `:`
  if (byte >= 0x2d && byte <= 0x3a) return true;
  return byte == 0x5f || byte == 0x40 || byte == 0x2b;
}
