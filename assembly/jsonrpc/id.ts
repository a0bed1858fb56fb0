import { canonicalAt, canonicalNumber } from "../json/canonical_number";
import { isDigit } from "../json/characters";
import { NumberState, isCompleteNumber, nextNumberState } from "../json/number";
import { Token } from "../json/token";
import { keyedHash, keyedTextHash } from "../memory/keyed_hash";

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
 * the `total` length count. The hashes of an integer and of its text differ by {@link asNumber} alone.
 */
export function idHash(kind: IdKind, at: usize, kept: i32, total: u32): u64 {
  if (kind == IdKind.Number) return numberHash(at, kept) ^ (<u64>kind);
  // `null` has no text: what stands there is that of an earlier token, whose bytes may be gone.
  if (kind != IdKind.String) return <u64>kind;
  const hash = <u32>kept == total && isInteger(at, kept) ? numberHash(at, kept) : keyedTextHash(at, kept, total);
  return hash ^ (<u64>kind);
}

/** The hash of an id's number where it is the text of an integer as JSON writes it; of any other text one that no number
 *  has. That of a number is `hash` itself. */
export function asNumber(kind: IdKind, hash: u64): u64 {
  return kind == IdKind.String ? hash ^ (<u64>IdKind.String) ^ (<u64>IdKind.Number) : hash;
}

/**
 * The hash of the id of the other kind that stands for the same request to clients, which take `"7"` for `7` (as the
 * TypeScript, Python and Rust SDKs do) or the reverse: of a number its text's, of a text that is a number the number's. 0
 * where there is none. `hash`: that of the id itself.
 */
export function alikeHash(kind: IdKind, hash: u64, at: usize, kept: i32, total: u32): u64 {
  if (kind == IdKind.Number) return hash ^ (<u64>IdKind.Number) ^ (<u64>IdKind.String);
  if (kind != IdKind.String || <u32>kept != total || !isNumber(at, kept)) return 0;
  return numberHash(at, kept) ^ (<u64>IdKind.Number);
}

/** The kind of the id that {@link alikeHash} is of. */
export function alikeKind(kind: IdKind): IdKind {
  return kind == IdKind.Number ? IdKind.String : IdKind.Number;
}

/** Whether the text is an integer as `JSON.stringify` writes it. */
function isInteger(at: usize, length: i32): bool {
  let digits = at;
  const end = at + length;
  if (length > 1 && load<u8>(at) == 0x2d) digits++;
  if (digits == end || (load<u8>(digits) == 0x30 && length > 1)) return false;
  while (digits < end && isDigit(load<u8>(digits))) digits++;
  return digits == end;
}

/** Whether the text is a number as JSON has them. */
function isNumber(at: usize, length: i32): bool {
  let state = NumberState.Start;
  for (let i = 0; i < length; i++) {
    state = nextNumberState(state, load<u8>(at + i));
    if (state == NumberState.Over || state == NumberState.Wrong) return false;
  }
  return isCompleteNumber(state);
}

/** Hashes a number by its {@link canonicalNumber}; no text that could be chosen for it has the same hash. */
function numberHash(at: usize, length: i32): u64 {
  const size = canonicalNumber(at, length);
  // No parser can compute one without: as it is written, which no canonical form begins like.
  return ~(size ? keyedHash(canonicalAt, size) : keyedHash(at, length));
}
