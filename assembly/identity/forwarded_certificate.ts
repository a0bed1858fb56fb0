import { equalsIgnoringCase } from "../memory/bytes";
import { Caller } from "./caller";

const TAB: u8 = 0x09;
const SPACE: u8 = 0x20;
const QUOTE: u8 = 0x22;
const BACKSLASH: u8 = 0x5c;
const COMMA: u8 = 0x2c;
const SEMICOLON: u8 = 0x3b;
const EQUALS: u8 = 0x3d;

/**
 * Sets the principal to the first `URI` of the last element of `x-forwarded-client-cert` (Envoy, "HTTP header
 * manipulation"). That element describes the client of the nearest proxy, the only one known to be verified.
 */
export function uriOfForwarded(caller: Caller, at: usize, length: i32): void {
  let from = 0;
  for (let i = 0; i < length;) {
    const end = endOfPair(at, i, length);
    // A client may have written an element that is not quoted as Envoy quotes it.
    if (end < 0) return;
    i = end + 1;
    if (end == length || load<u8>(at + end) != COMMA) continue;
    // Some proxies join several headers with a comma and a space.
    while (i < length && isBlank(load<u8>(at + i))) i++;
    from = i;
  }
  while (from < length) {
    const to = endOfPair(at, from, length);
    let equals = from;
    while (equals < to && load<u8>(at + equals) != EQUALS) equals++;
    if (equals < to && equalsIgnoringCase(at + from, equals - from, "uri")) {
      return appendValue(caller, at + equals + 1, to - equals - 1);
    }
    from = to + 1;
  }
}

/** The end of the name-value pair that begins at `from`: the offset of `;`, `,` or the end. -1 if a quote occurs anywhere
 *  except around a whole value. */
function endOfPair(at: usize, from: i32, length: i32): i32 {
  let i = from;
  while (i < length && !isSeparator(load<u8>(at + i))) {
    if (load<u8>(at + i++) != QUOTE) continue;
    if (i - 2 < from || load<u8>(at + i - 2) != EQUALS) return -1;
    while (i < length && load<u8>(at + i) != QUOTE) i += load<u8>(at + i) == BACKSLASH ? 2 : 1;
    if (i >= length) return -1;
    i++;
    return i == length || isSeparator(load<u8>(at + i)) ? i : -1;
  }
  return i;
}

function isBlank(byte: u8): bool {
  return byte == SPACE || byte == TAB;
}

function isSeparator(byte: u8): bool {
  return byte == SEMICOLON || byte == COMMA;
}

/** Appends a value without its enclosing quotes and its escaping backslashes. */
function appendValue(caller: Caller, at: usize, length: i32): void {
  const isQuoted = length >= 2 && load<u8>(at) == QUOTE;
  if (!isQuoted) return caller.append(at, length);
  for (let i = 1; i < length - 1; i++) {
    if (load<u8>(at + i) == BACKSLASH && i + 1 < length - 1) i++;
    caller.append(at + i, 1);
  }
}
