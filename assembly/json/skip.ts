import { equalBytes, highBits } from "../memory/byte_masks";
import {
  BACKSLASH,
  BRACE_CLOSE,
  BRACE_OPEN,
  COLON,
  COMMA,
  QUOTE,
  endOfPlainText,
  hexValue,
  isDigit,
  isSpace,
  specials,
} from "./characters";
import { DEPTH_LIMIT, Nesting } from "./nesting";

/** What JSON's grammar (RFC 8259) lets stand next. */
export enum Expect {
  Value,
  /** After `[`. */
  ValueOrEnd,
  /** After `{`. */
  KeyOrEnd,
  Key,
  Colon,
  CommaOrEnd,
  /** After the root value. */
  Nothing,
}

/** `true`, `null` and the end of `false`, the first byte lowest. */
const TRUE: u32 = 0x65757274;
const NULL: u32 = 0x6c6c756e;
const ALSE: u32 = 0x65736c61;

/** What may stand where {@link skipInside} stopped. */
export let expected: Expect = Expect.Value;

/**
 * Passes over what is inside of containers that are to be skipped, as far as it stands whole in [at, end): a fast way
 * through what {@link Tokenizer} understands byte for byte. Returns where it stopped, which is before whatever is unusual
 * (cut by the end, or an error), and before the end of the outermost of these containers, which is at `outerDepth`.
 */
export function skipInside(nesting: Nesting, outerDepth: u32, expect: Expect, at: usize, end: usize): usize {
  let inObject = nesting.inObject;
  // Each turn goes from one value to the next, as far as no white space lies between.
  while (at < end) {
    let byte = load<u8>(at);
    if (byte <= 0x20) {
      if (!isSpace(byte)) break;
      at++;
      continue;
    }
    if (expect == Expect.CommaOrEnd && byte == COMMA) {
      expect = inObject ? Expect.Key : Expect.Value;
      if (++at == end) break;
      byte = load<u8>(at);
    }
    if (byte == QUOTE && (expect == Expect.Key || expect == Expect.KeyOrEnd)) {
      const behind = behindString(at + 1, end);
      if (!behind) break;
      at = behind;
      expect = Expect.Colon;
      if (at == end) break;
      byte = load<u8>(at);
    }
    if (expect == Expect.Colon && byte == COLON) {
      expect = Expect.Value;
      if (++at == end) break;
      byte = load<u8>(at);
    }
    if (byte <= 0x20) continue;
    // Brackets differ from braces by one bit.
    const form = byte | 0x20;
    if (form == BRACE_CLOSE) {
      const isEmpty = expect == (inObject ? Expect.KeyOrEnd : Expect.ValueOrEnd);
      const isOver = expect == Expect.CommaOrEnd || isEmpty;
      if (!isOver || inObject != (byte == BRACE_CLOSE) || nesting.depth == outerDepth) break;
      nesting.close();
      inObject = nesting.inObject;
      expect = Expect.CommaOrEnd;
      at++;
      continue;
    }
    if (expect > Expect.ValueOrEnd) break;
    if (form == BRACE_OPEN) {
      if (nesting.depth == DEPTH_LIMIT) break;
      inObject = byte == BRACE_OPEN;
      nesting.open(inObject);
      expect = inObject ? Expect.KeyOrEnd : Expect.ValueOrEnd;
      at++;
      continue;
    }
    const behind = endOfScalar(at, end);
    if (!behind) break;
    at = behind;
    expect = Expect.CommaOrEnd;
  }
  expected = expect;
  return at;
}

/** The address behind the string, number or literal that begins at `at`; 0 where it is none, cut or unusual. */
@inline
export function endOfScalar(at: usize, end: usize): usize {
  const byte = load<u8>(at);
  if (byte == QUOTE) return behindString(at + 1, end);
  return byte >= 0x61 ? endOfLiteral(at, end) : endOfNumber(at, end);
}

/** {@link endOfString}, inline for strings of up to 15 bytes. */
@inline
function behindString(at: usize, end: usize): usize {
  if (at + 16 <= end) {
    const found = i8x16.bitmask(specials(v128.load(at)));
    const stop = at + ctz(found);
    if (found && load<u8>(stop) == QUOTE) return stop + 1;
  }
  return endOfString(at, end);
}

/** The address behind the quote that ends the string whose text begins at `at`; 0 where it is cut or wrong. */
export function endOfString(at: usize, end: usize): usize {
  const stop = endOfText(at, end);
  return stop < end && load<u8>(stop) == QUOTE ? stop + 1 : 0;
}

/** Every bit with an odd number. */
const ODD_BITS: u64 = 0xaaaaaaaaaaaaaaaa;

/** The end of what [at, end) has of a string's text, whole escape sequences included: the address of the quote, of a byte that
 *  may not stand there, of the backslash of an escape sequence that is wrong or cut, or `end`. */
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
    // A run of backslashes is pairs from its start on (Langdale and Lemire 2019, section 3.1.1): the subtraction carries
    // through the run.
    const codes = (((slashes << 1) | ODD_BITS) - slashes) ^ ODD_BITS;
    const escaped = codes ^ slashes;
    stops &= ~(escaped & equalBytes(a, b, c, d, QUOTE));
    // The lowest bit of those that stop, and what is below; all where none does.
    for (let left = escaped & ((stops & -stops) - 1); left; left &= left - 1) {
      const letter = at + <usize>ctz(left);
      if (isEscape(load<u8>(letter))) continue;
      if (load<u8>(letter) != 0x75 || letter + 5 > end || !areHexDigits(letter + 1)) return letter - 1;
    }
    if (stops) return at + <usize>ctz(stops);
    // A last backslash is read together with its letter.
    at += codes & slashes & ((<u64>1) << 63) ? 63 : 64;
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

/** Whether this letter behind a backslash is an escape sequence of its own. */
@inline
export function isEscape(letter: u8): bool {
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

/** The address behind the literal; 0 where it is cut or none. */
function endOfLiteral(at: usize, end: usize): usize {
  if (at + 5 > end) return 0;
  const word = load<u32>(at);
  if (word == TRUE || word == NULL) return at + 4;
  return load<u8>(at) == 0x66 && load<u32>(at, 1) == ALSE ? at + 5 : 0;
}

/** The address behind the number; 0 where it is cut or wrong, or has an exponent, which is seldom. */
function endOfNumber(at: usize, end: usize): usize {
  if (load<u8>(at) == 0x2d) at++;
  if (at + 16 > end) return endOfCutNumber(at, end);
  const values = i8x16.sub(v128.load(at), i8x16.splat(0x30));
  const others = i8x16.bitmask(i8x16.eq(i8x16.max_u(values, i8x16.splat(10)), values));
  const digits = <usize>ctz(others);
  if (digits == 0 || (digits > 1 && load<u8>(at) == 0x30)) return 0;
  let behind = at + digits;
  let left = others;
  if (left && load<u8>(behind) == 0x2e) {
    left &= left - 1;
    behind = at + <usize>ctz(left);
    if (behind == at + digits + 1) return 0;
  }
  // Digits up to the last of these bytes: there may be more.
  if (!left) return endOfCutNumber(at, end);
  return (load<u8>(behind) | 0x20) == 0x65 ? 0 : behind;
}

/** {@link endOfNumber} byte for byte, for what is long or near the end. The sign has been read. */
function endOfCutNumber(first: usize, end: usize): usize {
  let at = endOfDigits(first, end);
  const hasLeadingZero = at > first + 1 && load<u8>(first) == 0x30;
  if (at == first || hasLeadingZero || at == end) return 0;
  if (load<u8>(at) == 0x2e) {
    const fraction = at + 1;
    at = endOfDigits(fraction, end);
    if (at == fraction || at == end) return 0;
  }
  return (load<u8>(at) | 0x20) == 0x65 ? 0 : at;
}

function endOfDigits(at: usize, end: usize): usize {
  while (at < end && isDigit(load<u8>(at))) at++;
  return at;
}
