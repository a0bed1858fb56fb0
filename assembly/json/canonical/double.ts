import { BigNumber } from "./big_number";
import { DIGITS, Decimal } from "./decimal";

/** The greatest and the least {@link Decimal.point} of doubles: those of 1.8e308 and 4.9e-324. */
const MAX_POINT: i32 = 309;
const MIN_POINT: i32 = -323;
/** The number of bits of a significand, and the least exponent of a number with all of them. */
const SIGNIFICAND_BITS: i32 = 53;
const MIN_EXPONENT: i32 = -1022;
const BIAS: i32 = 1023;
const FRACTION_BITS: i32 = 52;
const FRACTION: u64 = ((<u64>1) << FRACTION_BITS) - 1;
/** The bits of infinity. */
const INFINITY: u64 = (<u64>0x7ff) << FRACTION_BITS;
/** The decimal logarithm of 2. */
const LOG10_2: f64 = 0.30102999566398114;

const numerator = BigNumber.create();
const denominator = BigNumber.create();
/** Half the distances to the next larger and the next smaller double. */
const upper = BigNumber.create();
const lower = BigNumber.create();
const sum = BigNumber.create();

/** Finds the double nearest to a decimal number, ignoring its sign. Of two equally near doubles it chooses the even one.
 *  Writes its bits to {@link nearest}. Returns false if the number is too large for a double. */
export function findNearest(decimal: Decimal): bool {
  nearest = 0;
  if (!decimal.count || decimal.point < MIN_POINT) return true;
  if (decimal.point > MAX_POINT) return false;
  numerator.set(0);
  for (let i = 0; i < decimal.count; i++) numerator.multiplyAdd(10, load<u8>(DIGITS + i));
  denominator.set(1);
  const exponent = decimal.point - decimal.count;
  if (exponent > 0) numerator.multiplyByTenTo(exponent);
  else denominator.multiplyByTenTo(-exponent);
  nearest = quotient();
  return nearest < INFINITY;
}

/** The bits of the double that {@link findNearest} found. */
export let nearest: u64 = 0;

/** The bits of numerator ÷ denominator, rounded. */
function quotient(): u64 {
  let exponent = numerator.bits - denominator.bits;
  if (exponent > 0) denominator.shiftLeft(exponent);
  else numerator.shiftLeft(-exponent);
  if (numerator.compare(denominator) < 0) {
    numerator.shiftLeft(1);
    exponent--;
  }
  // The number is now (numerator ÷ denominator) × 2^exponent, with a quotient in [1, 2).
  let bits = SIGNIFICAND_BITS;
  if (exponent < MIN_EXPONENT) bits -= MIN_EXPONENT - exponent;
  if (bits < 0) return 0;
  let significand: u64 = 0;
  for (let i = 0; i < bits; i++) {
    significand <<= 1;
    if (numerator.compare(denominator) >= 0) {
      numerator.subtract(denominator);
      significand |= 1;
    }
    numerator.shiftLeft(1);
  }
  const rest = numerator.compare(denominator);
  if (rest > 0 || (rest == 0 && significand & 1)) significand++;
  // Rounding up may add a bit to the significand. The addition then increments the exponent.
  if (exponent < MIN_EXPONENT) return significand;
  return ((<u64>(exponent + BIAS)) << FRACTION_BITS) + (significand - ((<u64>1) << FRACTION_BITS));
}

/** Finds the shortest decimal number whose nearest double has these bits, which must not be those of 0. Of several it chooses
 *  the one nearest to the double (Burger and Dybvig, "Printing Floating-Point Numbers Quickly and Accurately", 1996). Writes
 *  the result to `decimal`, whose sign is unchanged. */
export function shorten(bits: u64, decimal: Decimal): void {
  const field = <i32>(bits >> FRACTION_BITS);
  const fraction = bits & FRACTION;
  const significand = field ? fraction | (FRACTION + 1) : fraction;
  const exponent = max(field, 1) - BIAS - FRACTION_BITS;
  const isEven = !(significand & 1);
  // Below a power of two, doubles are half as far apart.
  const isPower = !fraction && field > 1;
  numerator.set(significand);
  denominator.set(1);
  upper.set(1);
  lower.set(1);
  numerator.shiftLeft((isPower ? 2 : 1) + max(exponent, 0));
  denominator.shiftLeft((isPower ? 2 : 1) + max(-exponent, 0));
  upper.shiftLeft((isPower ? 1 : 0) + max(exponent, 0));
  lower.shiftLeft(max(exponent, 0));
  const logarithm = <f64>(exponent + 63 - <i32>clz(significand)) * LOG10_2;
  let point = <i32>Math.ceil(logarithm - 1e-10);
  if (point >= 0) {
    denominator.multiplyByTenTo(point);
  } else {
    numerator.multiplyByTenTo(-point);
    upper.multiplyByTenTo(-point);
    lower.multiplyByTenTo(-point);
  }
  sum.setSum(numerator, upper);
  const isBeyond = sum.compare(denominator);
  if (isBeyond > 0 || (isBeyond == 0 && isEven)) {
    point++;
  } else {
    multiplyByTen();
  }
  decimal.point = point;
  decimal.count = 0;
  while (true) {
    let digit: u8 = 0;
    while (numerator.compare(denominator) >= 0) {
      numerator.subtract(denominator);
      digit++;
    }
    const toLower = numerator.compare(lower);
    const isLow = toLower < 0 || (toLower == 0 && isEven);
    sum.setSum(numerator, upper);
    const toUpper = sum.compare(denominator);
    const isHigh = toUpper > 0 || (toUpper == 0 && isEven);
    if (!isLow && !isHigh) {
      store<u8>(DIGITS + decimal.count++, digit);
      multiplyByTen();
      continue;
    }
    if (isHigh && isLow) {
      numerator.shiftLeft(1);
      const half = numerator.compare(denominator);
      if (half > 0 || (half == 0 && digit & 1)) digit++;
    } else if (isHigh) {
      digit++;
    }
    store<u8>(DIGITS + decimal.count++, digit);
    return;
  }
}

function multiplyByTen(): void {
  numerator.multiplyAdd(10, 0);
  upper.multiplyAdd(10, 0);
  lower.multiplyAdd(10, 0);
}
