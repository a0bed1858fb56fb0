import { TEXT_LIMIT } from "./string_decoder";

/** Layout of the canonical form: the exponent (4 bytes) and the sign (1 byte) precede the digits. */
const EXPONENT_AT: usize = 0;
const SIGN_AT: usize = 4;
const HEAD: usize = 5;
const canonical: usize = heap.alloc(HEAD + <usize>TEXT_LIMIT);
/** The maximum number of digits of an exponent that is computed. */
const EXPONENT_DIGITS: i32 = 9;
/** The number of significant digits that always fit an i64. */
const INTEGER_DIGITS: i32 = 18;

/** The address of the form that {@link canonicalNumber} writes. */
export const canonicalAt: usize = canonical;

/**
 * Writes the canonical form of a JSON number of at most {@link TEXT_LIMIT} bytes to {@link canonicalAt}: the exponent (i32),
 * the sign, and the significant digits without zeros at either end. Equal numbers have the same bytes. Returns the size in
 * bytes; 0 if the exponent has more than {@link EXPONENT_DIGITS} digits.
 */
export function canonicalNumber(at: usize, length: i32): usize {
  let size = HEAD;
  let exponent: i32 = 0;
  let zeros: i32 = 0;
  let fraction = false;
  let negative = false;
  let i = 0;
  for (; i < length; i++) {
    const byte = load<u8>(at + i);
    if (byte == 0x2d) negative = true;
    else if (byte == 0x2e) fraction = true;
    else if ((byte | 0x20) == 0x65) break;
    else {
      if (fraction) exponent--;
      if (byte == 0x30) {
        if (size > HEAD) zeros++;
        continue;
      }
      // Zeros are written only once another digit follows. Trailing zeros belong to the exponent.
      for (; zeros > 0; zeros--) store<u8>(canonical + size++, 0x30);
      store<u8>(canonical + size++, byte);
    }
  }
  if (size == HEAD) {
    exponent = 0;
    negative = false;
  } else if (isHuge(at + i, length - i)) {
    return 0;
  } else {
    exponent += zeros + writtenExponent(at + i, length - i);
  }
  store<i32>(canonical, exponent, EXPONENT_AT);
  store<u8>(canonical, negative ? 1 : 0, SIGN_AT);
  return size;
}

/** The value of a JSON number as a 32-bit integer, in any notation: `-32602`, `-32602.0`, `-3.2602e4`. `i32.MIN_VALUE` if it
 *  is no such integer. */
export function integerOf(at: usize, length: i32): i32 {
  const size = canonicalNumber(at, length);
  const digits = <i32>(size - HEAD);
  const exponent = load<i32>(canonical, EXPONENT_AT);
  if (size == 0 || exponent < 0 || exponent > INTEGER_DIGITS || digits + exponent > INTEGER_DIGITS)
    return i32.MIN_VALUE;
  let value: i64 = 0;
  for (let i = 0; i < digits; i++) value = value * 10 + (load<u8>(canonical + HEAD + i) - 0x30);
  for (let i = 0; i < exponent; i++) value *= 10;
  if (load<u8>(canonical, SIGN_AT)) value = -value;
  return value > i32.MAX_VALUE || value < i32.MIN_VALUE ? i32.MIN_VALUE : <i32>value;
}

/** Whether `e±digits` has more than {@link EXPONENT_DIGITS} digits after its leading zeros. */
function isHuge(at: usize, length: i32): bool {
  let digits = 0;
  for (let i = 1; i < length; i++) {
    const byte = load<u8>(at + i);
    if (byte > 0x30 || (byte == 0x30 && digits > 0)) digits++;
  }
  return digits > EXPONENT_DIGITS;
}

/** The value of `e±digits` with at most {@link EXPONENT_DIGITS} digits; 0 for an empty text. */
function writtenExponent(at: usize, length: i32): i32 {
  let value: i32 = 0;
  let negative = false;
  for (let i = 1; i < length; i++) {
    const byte = load<u8>(at + i);
    if (byte == 0x2d) negative = true;
    else if (byte != 0x2b) value = value * 10 + (byte - 0x30);
  }
  return negative ? -value : value;
}
