import { BRACE_CLOSE, BRACE_OPEN, COLON, COMMA, NULL, QUOTE, TRUE, isDigit, isSpace, specials } from "./characters";
import { Expect } from "./expect";
import { DEPTH_LIMIT, Nesting } from "./nesting";
import { BLOCK_READ, expectedBehind, skipBlocks } from "./skip_block";
import { endOfString } from "./string_end";

/** The last four letters of `false`, little-endian. */
const ALSE: u32 = 0x65736c61;

/** The number of bytes that are read value by value before each attempt to use {@link skipBlocks}. */
const BLOCK: usize = 64;

/** What JSON's grammar allows at the address where {@link skipInside} stopped. */
export let expected: Expect = Expect.Value;

/**
 * Skips the contents of containers as far as they are complete in [at, end), faster than {@link Tokenizer}, which reads byte
 * by byte. Returns the address where it stopped: before the end of the outermost skipped container, which is at
 * `outerDepth`, or before a byte that only the tokenizer handles (a value that the end cuts, an exponent, or an error).
 */
export function skipInside(nesting: Nesting, outerDepth: u32, expect: Expect, at: usize, end: usize): usize {
  let inObject = nesting.inObject;
  // Short containers and uncommon values are read value by value.
  let blocksFrom = at + BLOCK;
  // Each iteration reads up to the next value, unless white space comes between.
  while (at < end) {
    if (at >= blocksFrom && at + BLOCK_READ <= end) {
      const behind = skipBlocks(nesting, outerDepth, expect, at, end);
      blocksFrom = behind + BLOCK;
      if (behind != at) {
        at = behind;
        inObject = nesting.inObject;
        expect = expectedBehind;
        continue;
      }
    }
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

/** The address after the string, number or literal that begins at `at`; 0 if none begins there, or if it is cut or has an
 *  exponent. */
@inline
export function endOfScalar(at: usize, end: usize): usize {
  const byte = load<u8>(at);
  if (byte == QUOTE) return behindString(at + 1, end);
  return byte >= 0x61 ? endOfLiteral(at, end) : endOfNumber(at, end);
}

/** The address after the string whose text begins at `at`; 0 if it is cut or invalid. Inline for texts of up to 15 bytes. */
@inline
function behindString(at: usize, end: usize): usize {
  if (at + 16 <= end) {
    const found = i8x16.bitmask(specials(v128.load(at)));
    const stop = at + ctz(found);
    if (found && load<u8>(stop) == QUOTE) return stop + 1;
  }
  return endOfString(at - 1, end);
}

/** The address after the literal that begins at `at`; 0 if there is none or it is cut. */
function endOfLiteral(at: usize, end: usize): usize {
  if (at + 5 > end) return 0;
  const word = load<u32>(at);
  if (word == TRUE || word == NULL) return at + 4;
  return load<u8>(at) == 0x66 && load<u32>(at, 1) == ALSE ? at + 5 : 0;
}

/** The address after the number that begins at `at`; 0 if it is cut or invalid, or has an exponent (rare). */
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
  // The digits reach the end of these 16 bytes, and more may follow.
  if (!left) return endOfCutNumber(at, end);
  return (load<u8>(behind) | 0x20) == 0x65 ? 0 : behind;
}

/** {@link endOfNumber} byte by byte, for numbers that are long or near the end. `first` is the address after the sign. */
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
