import { hashBytes, mix } from "../memory/bytes";
import { Token } from "../json/token";

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
 * What two ids have in common if they are the same: `"1"` and `1` differ, `1`, `1.0` and `10e-1` do not. Of an id longer
 * than the tokenizer keeps, its beginning and `total` length.
 */
export function idHash(kind: IdKind, at: usize, kept: i32, total: u32): u64 {
  if (kind == IdKind.Number) return numberHash(at, kept);
  // `null` has no text: what stands there is that of an earlier token, whose bytes may be gone.
  if (kind != IdKind.String) return <u64>kind;
  return mix(hashBytes(at, kept) ^ total) ^ (<u64>kind);
}

/** Hashes a number by sign, significant digits and exponent. */
function numberHash(at: usize, length: i32): u64 {
  let hash: u64 = 0xcbf29ce484222325;
  let exponent: i32 = 0;
  let zeros: i32 = 0;
  let significant = false;
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
        if (significant) zeros++;
        continue;
      }
      // Zeros count only once a digit follows them: those at the end belong to the exponent.
      for (; zeros > 0; zeros--) hash = (hash ^ 0x30) * 0x100000001b3;
      hash = (hash ^ byte) * 0x100000001b3;
      significant = true;
    }
  }
  if (!significant) return mix(<u64>IdKind.Number);
  exponent += zeros + writtenExponent(at + i, length - i);
  return mix(hash ^ ((<u64>exponent) << 32) ^ (negative ? 0x80 : 0)) ^ (<u64>IdKind.Number);
}

/** The value of `e±digits`, within what an i32 holds. */
function writtenExponent(at: usize, length: i32): i32 {
  let value: i32 = 0;
  let negative = false;
  for (let i = 1; i < length; i++) {
    const byte = load<u8>(at + i);
    if (byte == 0x2d) negative = true;
    else if (byte != 0x2b && value < 100_000_000) value = value * 10 + (byte - 0x30);
  }
  return negative ? -value : value;
}
