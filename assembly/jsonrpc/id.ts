import { Token } from "../json/token";
import { TEXT_LIMIT } from "../json/text";
import { keyedHash, keyedTextHash } from "../memory/keyed_hash";

/** A number in the form in which equal ones are the same bytes: the exponent (4 bytes), the sign, the significant digits
 *  without zeros at either end. */
const HEAD: usize = 5;
const canonical: usize = heap.alloc(HEAD + <usize>TEXT_LIMIT);
/** An exponent with more digits is not computed. */
const EXPONENT_DIGITS: i32 = 9;

/** What kind of value a JSON-RPC id is (JSON-RPC 2.0, section 4). */
export enum IdKind {
  Absent,
  Null,
  String,
  Number,
  /** A value that no id may have. */
  Invalid,
}

/** The kind of the id whose value begins with `value`. */
export function idKind(value: Token): IdKind {
  switch (value) {
    case Token.String:
      return IdKind.String;
    case Token.Number:
      return IdKind.Number;
    case Token.Null:
      return IdKind.Null;
    default:
      return IdKind.Invalid;
  }
}

/**
 * The keyed hash of an id, equal for two ids if they are the same: `"1"` and `1` differ, `1`, `1.0` and `10e-1` do not.
 * Nobody who lacks the key can choose two ids with one hash, except two of more than 256 bytes: of these the beginning and
 * the `total` length count.
 */
export function idHash(kind: IdKind, at: usize, kept: i32, total: u32): u64 {
  if (kind == IdKind.Number) return numberHash(at, kept) ^ (<u64>kind);
  // `null` has no text: what stands there is that of an earlier token, whose bytes may be gone.
  if (kind != IdKind.String) return <u64>kind;
  return keyedTextHash(at, kept, total) ^ (<u64>kind);
}

/** Hashes a number by exponent, sign and significant digits. */
function numberHash(at: usize, length: i32): u64 {
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
      // Zeros count only once a digit follows them: those at the end belong to the exponent.
      for (; zeros > 0; zeros--) store<u8>(canonical + size++, 0x30);
      store<u8>(canonical + size++, byte);
    }
  }
  if (size == HEAD) {
    exponent = 0;
    negative = false;
  } else if (isHuge(at + i, length - i)) {
    // No parser can compute it: as it is written, which no canonical form begins like.
    return keyedHash(at, length);
  } else {
    exponent += zeros + writtenExponent(at + i, length - i);
  }
  store<i32>(canonical, exponent);
  store<u8>(canonical, negative ? 1 : 0, 4);
  return keyedHash(canonical, size);
}

/** Whether `e±digits` has more digits, zeros in front apart, than an i32 holds. */
function isHuge(at: usize, length: i32): bool {
  let digits = 0;
  for (let i = 1; i < length; i++) {
    const byte = load<u8>(at + i);
    if (byte > 0x30 || (byte == 0x30 && digits > 0)) digits++;
  }
  return digits > EXPONENT_DIGITS;
}

/** The value of `e±digits`, of at most nine digits. */
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
