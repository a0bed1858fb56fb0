import { equalBytes, highBits } from "../memory/byte_masks";
import { BACKSLASH, QUOTE, endOfPlainText, hexValue, specials } from "./characters";

/** All bits at odd positions. */
const ODD_BITS: u64 = 0xaaaaaaaaaaaaaaaa;

/** The address after the string that begins at `at`; 0 if none begins there, or if it is cut or invalid. */
export function endOfString(at: usize, end: usize): usize {
  if (load<u8>(at) != QUOTE) return 0;
  const stop = endOfText(at + 1, end);
  return stop < end && load<u8>(stop) == QUOTE ? stop + 1 : 0;
}

/** The end of the string text that begins at `at`, including complete escape sequences: the address of the closing quote, of
 *  a byte that a string must not contain, of the backslash of an invalid or cut escape sequence, or `end`. */
export function endOfText(at: usize, end: usize): usize {
  while (at + 64 <= end) {
    const a = v128.load(at);
    const b = v128.load(at, 16);
    const c = v128.load(at, 32);
    const d = v128.load(at, 48);
    if (!v128.any_true(v128.or(v128.or(specials(a), specials(b)), v128.or(specials(c), specials(d))))) {
      at += 64;
      continue;
    }
    const slashes = equalBytes(a, b, c, d, BACKSLASH);
    let stops = highBits(specials(a), specials(b), specials(c), specials(d)) & ~slashes;
    if (!slashes) return at + <usize>ctz(stops);
    const escaped = escapedBytes(slashes);
    stops &= ~(escaped & equalBytes(a, b, c, d, QUOTE));
    // Only escape sequences before the first stop count; all of them if there is no stop.
    const wrong = wrongEscape(at, escaped & ((stops & -stops) - 1), end);
    if (wrong) return at + <usize>ctz(wrong) - 1;
    if (stops) return at + <usize>ctz(stops);
    // A backslash that is the last byte is read again, together with its letter.
    at += slashes & ~escaped & ((<u64>1) << 63) ? 63 : 64;
  }
  while (true) {
    at = endOfPlainText(at, end);
    if (at + 1 >= end || load<u8>(at) != BACKSLASH) return at;
    const letter = load<u8>(at + 1);
    if (isEscape(letter)) at += 2;
    else if (letter == 0x75 && at + 6 <= end && areHexDigits(at + 2)) at += 6;
    else return at;
  }
}

/** The bits of the bytes that are escaped by a backslash before them. Bit i of `slashes` is set if byte i is a backslash. */
@inline
export function escapedBytes(slashes: u64): u64 {
  // A run of backslashes consists of pairs from its start (Langdale and Lemire 2019, section 3.1.1). The subtraction carries
  // through the run.
  return (((slashes << 1) | ODD_BITS) - slashes) ^ ODD_BITS ^ slashes;
}

/** The bit of the first `escaped` byte, counted from `at`, whose escape sequence is invalid or cut by `end`; 0 if there is
 *  none. */
export function wrongEscape(at: usize, escaped: u64, end: usize): u64 {
  for (; escaped; escaped &= escaped - 1) {
    const letter = at + <usize>ctz(escaped);
    if (isEscape(load<u8>(letter))) continue;
    if (load<u8>(letter) != 0x75 || letter + 5 > end || !areHexDigits(letter + 1)) return escaped & -escaped;
  }
  return 0;
}

/** Whether a backslash and this letter are a complete escape sequence. */
@inline
function isEscape(letter: u8): bool {
  switch (letter) {
    case 0x22: // "
    case 0x5c: // \\
    case 0x2f: // /
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      return true;
    default:
      return false;
  }
}

function areHexDigits(at: usize): bool {
  return (
    (hexValue(load<u8>(at)) | hexValue(load<u8>(at, 1)) | hexValue(load<u8>(at, 2)) | hexValue(load<u8>(at, 3))) < 16
  );
}
