import {
  BACKSLASH,
  BRACE_CLOSE,
  BRACE_OPEN,
  BRACKET_CLOSE,
  BRACKET_OPEN,
  COLON,
  COMMA,
  QUOTE,
  endOfPlainText,
  hexValue,
  isDigit,
  isSpace,
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
  while (at < end) {
    const byte = load<u8>(at);
    if (byte == COMMA) {
      if (expect != Expect.CommaOrEnd) break;
      expect = inObject ? Expect.Key : Expect.Value;
      at++;
    } else if (byte == QUOTE) {
      const isKey = expect == Expect.Key || expect == Expect.KeyOrEnd;
      if (!isKey && expect > Expect.ValueOrEnd) break;
      const behind = endOfString(at + 1, end);
      if (!behind) break;
      at = behind;
      expect = isKey ? Expect.Colon : Expect.CommaOrEnd;
    } else if (byte == COLON) {
      if (expect != Expect.Colon) break;
      expect = Expect.Value;
      at++;
    } else if (isSpace(byte)) {
      at++;
    } else if (byte == BRACE_CLOSE || byte == BRACKET_CLOSE) {
      const isEmpty = expect == (inObject ? Expect.KeyOrEnd : Expect.ValueOrEnd);
      const isOver = expect == Expect.CommaOrEnd || isEmpty;
      if (!isOver || inObject != (byte == BRACE_CLOSE) || nesting.depth == outerDepth) break;
      nesting.close();
      inObject = nesting.inObject;
      expect = Expect.CommaOrEnd;
      at++;
    } else {
      if (expect > Expect.ValueOrEnd) break;
      if (byte == BRACE_OPEN || byte == BRACKET_OPEN) {
        if (nesting.depth == DEPTH_LIMIT) break;
        inObject = byte == BRACE_OPEN;
        nesting.open(inObject);
        expect = inObject ? Expect.KeyOrEnd : Expect.ValueOrEnd;
        at++;
      } else {
        const behind = byte >= 0x61 ? endOfLiteral(at, end) : endOfNumber(at, end);
        if (!behind) break;
        at = behind;
        expect = Expect.CommaOrEnd;
      }
    }
  }
  expected = expect;
  return at;
}

/** The address behind the quote that ends the string whose text begins at `at`; 0 where it is cut or wrong. */
export function endOfString(at: usize, end: usize): usize {
  while (true) {
    at = endOfPlainText(at, end);
    if (at == end) return 0;
    const byte = load<u8>(at);
    if (byte == QUOTE) return at + 1;
    if (byte != BACKSLASH || at + 1 == end) return 0;
    const letter = load<u8>(at + 1);
    if (isEscape(letter)) at += 2;
    else if (letter == 0x75 && at + 6 <= end && areHexDigits(at + 2)) at += 6;
    else return 0;
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
  const first = at;
  at = endOfDigits(at, end);
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
