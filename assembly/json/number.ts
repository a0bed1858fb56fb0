import { isDigit } from "./characters";

/** The part of a JSON number (RFC 8259, section 6) that was read last. */
export enum NumberState {
  Start,
  Minus,
  /** A leading zero: no digit may follow. */
  Zero,
  Integer,
  Point,
  Fraction,
  ExponentMark,
  ExponentSign,
  Exponent,
  /** The number is complete, and the byte is not part of it. */
  Over,
  /** The bytes including this one are not a number. */
  Wrong,
}

/** Whether a number in this state may end. */
export function isCompleteNumber(state: NumberState): bool {
  return (
    state == NumberState.Zero ||
    state == NumberState.Integer ||
    state == NumberState.Fraction ||
    state == NumberState.Exponent
  );
}

/** The state of a number after another byte. */
export function nextNumberState(state: NumberState, byte: u8): NumberState {
  const digit = isDigit(byte);
  switch (state) {
    case NumberState.Start:
      if (byte == 0x2d) return NumberState.Minus;
    // falls through
    case NumberState.Minus:
      if (!digit) return NumberState.Wrong;
      return byte == 0x30 ? NumberState.Zero : NumberState.Integer;
    case NumberState.Integer:
      if (digit) return state;
    // falls through
    case NumberState.Zero:
      if (byte == 0x2e) return NumberState.Point;
      if ((byte | 0x20) == 0x65) return NumberState.ExponentMark;
      return digit ? NumberState.Wrong : NumberState.Over;
    case NumberState.Point:
      return digit ? NumberState.Fraction : NumberState.Wrong;
    case NumberState.Fraction:
      if (digit) return state;
      return (byte | 0x20) == 0x65 ? NumberState.ExponentMark : NumberState.Over;
    case NumberState.ExponentMark:
      if (byte == 0x2b || byte == 0x2d) return NumberState.ExponentSign;
    // falls through
    case NumberState.ExponentSign:
      return digit ? NumberState.Exponent : NumberState.Wrong;
    default:
      return digit ? NumberState.Exponent : NumberState.Over;
  }
}
