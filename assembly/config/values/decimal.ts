import { skipDigits } from "./digits";

const MINUS: i32 = 0x2d;
const PLUS: i32 = 0x2b;
const POINT: i32 = 0x2e;
const ZERO: i32 = 0x30;
/** Larger exponents make any number infinite or 0. */
const MAX_EXPONENT: i32 = 400;

/**
 * The value of a decimal number in JSON syntax (RFC 8259, section 6), or of digits alone. It is exact for up to 15
 * digits with an exponent of at most 22; otherwise each step rounds once. The library's parseFloat would make the
 * module 1 % larger.
 */
export function parseDecimal(text: string): f64 {
  const isNegative = text.length > 0 && text.charCodeAt(0) == MINUS;
  const start = isNegative ? 1 : 0;
  const point = skipDigits(text, start);
  let value = append(0, text, start, point);
  let end = point;
  let exponent = 0;
  if (end < text.length && text.charCodeAt(end) == POINT) {
    end = skipDigits(text, point + 1);
    value = append(value, text, point + 1, end);
    exponent = point + 1 - end;
  }
  if (end < text.length) {
    const sign = text.charCodeAt(end + 1);
    const from = sign == MINUS || sign == PLUS ? end + 2 : end + 1;
    const written = <i32>min<f64>(append(0, text, from, text.length), MAX_EXPONENT);
    exponent += sign == MINUS ? -written : written;
  }
  let power: f64 = 1;
  for (let i = 0; i < abs(exponent); i++) power *= 10;
  value = exponent < 0 ? value / power : value * power;
  return isNegative ? -value : value;
}

/** Appends the digits in [from, to) of the text to the number `value`. */
function append(value: f64, text: string, from: i32, to: i32): f64 {
  for (let i = from; i < to; i++) value = value * 10 + <f64>(text.charCodeAt(i) - ZERO);
  return value;
}
