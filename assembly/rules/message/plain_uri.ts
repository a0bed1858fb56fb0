import { parseAddress } from "../../config/values/cidr";
import { hexValue } from "../../json/characters";
import { equalsText } from "../../memory/bytes";

const SLASH: u8 = 0x2f;
const COLON: u8 = 0x3a;
const DOT: u8 = 0x2e;
const PERCENT: u8 = 0x25;
const BACKSLASH: u8 = 0x5c;
const QUESTION_MARK: u8 = 0x3f;
const ADDRESS: usize = heap.alloc(16);

/**
 * Whether a URI has the form in which servers compare it. SDKs look resources up by the output of a URL parser (WHATWG
 * URL, section 4.4), which resolves dot segments, lowers the case of schemes and hosts, drops default ports and encodes
 * some characters. A URI that a parser would change reads differently for a pattern and for the server.
 */
export function isPlainUri(at: usize, length: i32): bool {
  for (let i = 0; i < length; i++) {
    const byte = load<u8>(at + i);
    if (!isPlainCharacter(byte) || (byte == PERCENT && !isPlainEscape(at + i, length - i))) return false;
  }
  if (length == 0 || load<u8>(at + length - 1) == QUESTION_MARK || hasDotSegment(at, length)) return false;
  let scheme = 0;
  while (scheme < length && load<u8>(at + scheme) != COLON) {
    if (isUpper(load<u8>(at + scheme++))) return false;
  }
  if (scheme == 0 || scheme == length) return false;
  const isFile = equalsText(at, scheme, "file");
  const isSpecial = isFile || isWebScheme(at, scheme);
  const rest = scheme + 1;
  const hasHost = rest + 1 < length && load<u8>(at + rest) == SLASH && load<u8>(at + rest + 1) == SLASH;
  if (!hasHost) return !isSpecial && (rest == length || load<u8>(at + rest) != DOT);
  let end = rest + 2;
  while (end < length && !endsAuthority(load<u8>(at + end))) end++;
  const size = end - rest - 2;
  if (hasEmptySegment(at + end, length - end)) return false;
  if (isFile) return size == 0 && end < length && load<u8>(at + end) == SLASH;
  if (isSpecial && (size == 0 || end == length || load<u8>(at + end) != SLASH)) return false;
  return isPlainAuthority(at + rest + 2, size, isSpecial);
}

/**
 * Whether a byte is none of these: space, control character, non-ASCII byte, backslash, `#`, or a character that URL
 * parsers encode.
 */
function isPlainCharacter(byte: u8): bool {
  switch (byte) {
    case 0x22: // "
    case 0x23: // #
    case 0x27: // '
    case 0x3c: // <
    case 0x3e: // >
    case BACKSLASH:
    case 0x5e: // ^
    case 0x60: // `
    case 0x7b: // {
    case 0x7c: // |
    case 0x7d: // }
      return false;
    default:
      return byte > 0x20 && byte < 0x7f;
  }
}

/**
 * Whether an escape in capital hex digits encodes a byte that must be escaped. Some servers decode other escapes and
 * then find another name. An escape in small digits is a second form of the same byte.
 */
function isPlainEscape(at: usize, length: i32): bool {
  if (length < 3 || isLower(load<u8>(at, 1)) || isLower(load<u8>(at, 2))) return false;
  const high = hexValue(load<u8>(at, 1));
  const low = hexValue(load<u8>(at, 2));
  if (high > 15 || low > 15) return false;
  const byte = <u8>((high << 4) | low);
  if (byte < 0x20 || byte == 0x7f || byte == SLASH || byte == BACKSLASH || byte == PERCENT) return false;
  return !isPlainCharacter(byte) || byte == QUESTION_MARK;
}

/** Whether a path has an empty segment, which some servers drop. */
function hasEmptySegment(at: usize, length: i32): bool {
  for (let i = 0; i + 1 < length && load<u8>(at + i) != QUESTION_MARK; i++) {
    if (load<u8>(at + i) == SLASH && load<u8>(at + i + 1) == SLASH) return true;
  }
  return false;
}

function hasDotSegment(at: usize, length: i32): bool {
  for (let i = 0; i < length; i++) {
    if (load<u8>(at + i) != SLASH) continue;
    let end = i + 1;
    while (end < length && load<u8>(at + end) == DOT) end++;
    const isSegment = end == length || endsAuthority(load<u8>(at + end));
    if (isSegment && (end == i + 2 || end == i + 3)) return true;
  }
  return false;
}

/** Whether a byte is `/`, `?` or `#`. */
function endsAuthority(byte: u8): bool {
  return byte == SLASH || byte == 0x3f || byte == 0x23;
}

function isWebScheme(at: usize, length: i32): bool {
  return (
    equalsText(at, length, "http") ||
    equalsText(at, length, "https") ||
    equalsText(at, length, "ws") ||
    equalsText(at, length, "wss") ||
    equalsText(at, length, "ftp")
  );
}

/**
 * Whether an authority has only small letters, no user and no escapes. If URL parsers know the scheme, it must also
 * have no port, and an IPv4 address only in its usual form.
 */
function isPlainAuthority(at: usize, length: i32, isSpecial: bool): bool {
  for (let i = 0; i < length; i++) {
    const byte = load<u8>(at + i);
    if (isUpper(byte) || byte == 0x40 || byte == PERCENT) return false;
    // A port may have leading zeros, or be the default port.
    const isPort = byte == COLON && i + 1 < length && load<u8>(at + i + 1) > 0x30 && load<u8>(at + i + 1) <= 0x39;
    if (byte == COLON && (isSpecial || !isPort)) return false;
  }
  if (!isSpecial) return true;
  let label = length;
  while (label > 0 && load<u8>(at + label - 1) != DOT) label--;
  // A host whose last label begins with a digit may be an IPv4 address in an unusual form.
  const isNumber = label < length && load<u8>(at + label) >= 0x30 && load<u8>(at + label) <= 0x39;
  return label < length && (!isNumber || parseAddress(at, length, ADDRESS) == 4);
}

function isLower(byte: u8): bool {
  return byte >= 0x61 && byte <= 0x7a;
}

function isUpper(byte: u8): bool {
  return byte >= 0x41 && byte <= 0x5a;
}
