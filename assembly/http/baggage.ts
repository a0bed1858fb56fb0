import { keyedHash } from "../memory/keyed_hash";

/** The prefix of a caller key that names a member of the `baggage` header. */
export const BAGGAGE_PREFIX = "baggage.";

const COMMA: u8 = 0x2c;
const SEMICOLON: u8 = 0x3b;
const EQUALS: u8 = 0x3d;

/** The keyed hash of a baggage member's value (W3C Baggage, section 3.3); 0 if the member is missing. `name` is {@link
 *  BAGGAGE_PREFIX} followed by the member's key. Properties of the member are ignored. */
export function baggageHash(at: usize, length: usize, name: string): u64 {
  const end = at + length;
  while (at < end) {
    const member = at;
    while (at < end && load<u8>(at) != COMMA) at++;
    const equals = indexOf(member, at, EQUALS);
    if (equals < at && isKey(member, equals, name)) {
      const value = skipSpace(equals + 1, at);
      return keyedHash(value, trimSpace(value, indexOf(value, at, SEMICOLON)) - value);
    }
    at++;
  }
  return 0;
}

function isKey(from: usize, to: usize, name: string): bool {
  const key = skipSpace(from, to);
  const length = trimSpace(key, to) - key;
  if (length + BAGGAGE_PREFIX.length != name.length) return false;
  for (let i = 0; i < <i32>length; i++) {
    if (load<u8>(key + i) != name.charCodeAt(BAGGAGE_PREFIX.length + i)) return false;
  }
  return true;
}

/** The address of the first `byte` in [from, to); `to` if there is none. */
function indexOf(from: usize, to: usize, byte: u8): usize {
  while (from < to && load<u8>(from) != byte) from++;
  return from;
}

function skipSpace(from: usize, to: usize): usize {
  while (from < to && isBlank(load<u8>(from))) from++;
  return from;
}

/** The end of [from, to) without trailing spaces and tabs. */
function trimSpace(from: usize, to: usize): usize {
  while (to > from && isBlank(load<u8>(to - 1))) to--;
  return to;
}

function isBlank(byte: u8): bool {
  return byte == 0x20 || byte == 0x09;
}
