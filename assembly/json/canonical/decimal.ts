import { isDigit } from "../characters";

/** The maximum number of significant digits that are kept. No double, and no midpoint between two doubles, has more than
 *  768. */
export const DIGIT_LIMIT: i32 = 800;
/** The maximum exponent that is computed. It exceeds the range of doubles, whatever the digits. */
const EXPONENT_LIMIT: i32 = 1_000_000;

/** The digits of a {@link Decimal}, one byte each, from 0 to 9. */
export const DIGITS: usize = heap.alloc(DIGIT_LIMIT + 1);

/** The exact value of a JSON number: 0.DIGITS × 10^point. */
export class Decimal {
  isNegative: bool = false;
  /** The number of significant digits, without zeros at either end; 0 for the number 0. */
  count: i32 = 0;
  point: i32 = 0;

  /** Reads a number. It must follow JSON's grammar. */
  read(at: usize, length: i32): void {
    const end = at + length;
    this.isNegative = load<u8>(at) == 0x2d;
    this.count = 0;
    this.point = 0;
    if (this.isNegative) at++;
    let hasPoint = false;
    for (; at < end; at++) {
      const byte = load<u8>(at);
      if (byte == 0x2e) hasPoint = true;
      else if (isDigit(byte)) this.append(byte - 0x30, hasPoint);
      else break;
    }
    while (this.count && !load<u8>(DIGITS + this.count - 1)) this.count--;
    if (at < end) this.point += exponentOf(at + 1, end);
  }

  private append(digit: u8, isFraction: bool): void {
    if (!this.count && !digit) {
      if (isFraction) this.point--;
      return;
    }
    if (!isFraction) this.point++;
    if (this.count < DIGIT_LIMIT) store<u8>(DIGITS + this.count++, digit);
    // Digits beyond the limit only decide on which side of a midpoint the number is.
    else if (digit) store<u8>(DIGITS + DIGIT_LIMIT - 1, load<u8>(DIGITS + DIGIT_LIMIT - 1) | 1);
  }
}

/** The exponent in the bytes after the `e`. Reading stops at {@link EXPONENT_LIMIT}. */
function exponentOf(at: usize, end: usize): i32 {
  const isNegative = load<u8>(at) == 0x2d;
  if (!isDigit(load<u8>(at))) at++;
  let value: i32 = 0;
  for (; at < end && value < EXPONENT_LIMIT; at++) value = value * 10 + (load<u8>(at) - 0x30);
  return isNegative ? -value : value;
}
