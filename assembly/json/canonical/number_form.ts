import { DIGITS, Decimal } from "./decimal";
import { findNearest, nearest, shorten } from "./double";

/** The number of decimal digits that every double with a full significand can distinguish: a number written with at most this
 *  many digits is the shortest form of the double nearest to it. */
const EXACT_DIGITS: i32 = 15;
/** The range of {@link Decimal.point} in which all doubles have a full significand. */
const MIN_EXACT_POINT: i32 = -306;
const MAX_EXACT_POINT: i32 = 308;
/** The range of {@link Decimal.point} in which ECMAScript writes no exponent (Number::toString). */
const MIN_PLAIN_POINT: i32 = -5;
const MAX_PLAIN_POINT: i32 = 21;

/** The buffer of {@link writeNumberForm}. The longest form has the length of `-1.2345678901234567e-300`. */
const FORM: usize = memory.data(32);

const decimal = new Decimal();

/** The address of the form that {@link writeNumberForm} writes. */
export const numberFormAt: usize = FORM;

/** The last number needed long arithmetic, which takes several microseconds. */
export let wasHard: bool = false;

/** Writes the form that ECMAScript gives a JSON number (RFC 8785, section 3.2.2.3) to {@link numberFormAt}. Returns its length
 *  in bytes; 0 if the number is too large for a double. */
export function writeNumberForm(at: usize, length: i32): i32 {
  decimal.read(at, length);
  const point = decimal.point;
  const isInRange = point >= MIN_EXACT_POINT && point <= MAX_EXACT_POINT;
  wasHard = decimal.count > 0 && (decimal.count > EXACT_DIGITS || !isInRange);
  if (wasHard) {
    if (!findNearest(decimal)) return 0;
    if (nearest) shorten(nearest, decimal);
    else decimal.count = 0;
  }
  return write();
}

function write(): i32 {
  const count = decimal.count;
  const point = decimal.point;
  let to = FORM;
  if (!count) {
    store<u8>(to, 0x30);
    return 1;
  }
  if (decimal.isNegative) store<u8>(to++, 0x2d);
  if (point < MIN_PLAIN_POINT || point > MAX_PLAIN_POINT) {
    to = writeDigits(to, 0, 1);
    if (count > 1) to = writeDigits(writePoint(to), 1, count);
    to = writeExponent(to, point - 1);
  } else if (point <= 0) {
    store<u8>(to++, 0x30);
    to = writeDigits(writeZeros(writePoint(to), -point), 0, count);
  } else {
    to = writeDigits(to, 0, min(point, count));
    to = writeZeros(to, point - count);
    if (count > point) to = writeDigits(writePoint(to), point, count);
  }
  return <i32>(to - FORM);
}

/** Writes the digits with the indexes in [from, end). Returns the address after them. */
function writeDigits(to: usize, from: i32, end: i32): usize {
  for (let i = from; i < end; i++) store<u8>(to++, 0x30 + load<u8>(DIGITS + i));
  return to;
}

function writePoint(to: usize): usize {
  store<u8>(to, 0x2e);
  return to + 1;
}

function writeZeros(to: usize, count: i32): usize {
  for (; count > 0; count--) store<u8>(to++, 0x30);
  return to;
}

function writeExponent(to: usize, exponent: i32): usize {
  store<u8>(to++, 0x65);
  store<u8>(to++, exponent < 0 ? 0x2d : 0x2b);
  const value = abs(exponent);
  if (value >= 100) store<u8>(to++, <u8>(0x30 + value / 100));
  if (value >= 10) store<u8>(to++, <u8>(0x30 + ((value / 10) % 10)));
  store<u8>(to++, <u8>(0x30 + (value % 10)));
  return to;
}
