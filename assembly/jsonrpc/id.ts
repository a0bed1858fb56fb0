import { canonicalAt, canonicalNumber } from "../json/canonical_number";
import { isDigit } from "../json/characters";
import { NumberState, isCompleteNumber, nextNumberState } from "../json/number";
import { Token } from "../json/token";
import { keyedHash, keyedTextHash } from "../memory/keyed_hash";

/** The type of a JSON-RPC id (JSON-RPC 2.0, section 4). */
export enum IdKind {
  Absent,
  Null,
  String,
  Number,
  /** A value of a type that is not allowed for ids. */
  Invalid,
}

/** The kind of the id whose value begins with this token. */
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
 * The keyed hash of an id. Equal ids have equal hashes: `1`, `1.0` and `10e-1` are equal, while `"1"` and `1` differ. Nobody
 * without the key can construct a collision, except between ids of more than 256 bytes: of these, only the beginning (`kept`
 * bytes) and the length (`total` bytes) are hashed. The hashes of an integer and of its text differ by {@link asNumber}
 * only.
 */
export function idHash(kind: IdKind, at: usize, kept: i32, total: u32): u64 {
  if (kind == IdKind.Number) return numberHash(at, kept) ^ (<u64>kind);
  // `null` has no text: `at` refers to an earlier token, whose bytes may be gone.
  if (kind != IdKind.String) return <u64>kind;
  const hash = <u32>kept == total && isInteger(at, kept) ? numberHash(at, kept) : keyedTextHash(at, kept, total);
  return hash ^ (<u64>kind);
}

/** The hash of the number that an id stands for. If the id is the text of an integer as JSON writes it, this is the hash of
 *  that integer; for other texts, a hash that no number has. For a number, it is `hash` itself. */
export function asNumber(kind: IdKind, hash: u64): u64 {
  return kind == IdKind.String ? hash ^ (<u64>IdKind.String) ^ (<u64>IdKind.Number) : hash;
}

/**
 * The hash of the id of the other type that clients treat as equal; 0 if there is none. Clients accept `"7"` for `7` (as the
 * TypeScript, Python and Rust SDKs do) or the reverse. For a number, it is the hash of its text; for the text of a number,
 * the hash of that number. `hash` is the hash of the id itself.
 */
export function alikeHash(kind: IdKind, hash: u64, at: usize, kept: i32, total: u32): u64 {
  if (kind == IdKind.Number) return hash ^ (<u64>IdKind.Number) ^ (<u64>IdKind.String);
  if (kind != IdKind.String || <u32>kept != total || !isNumber(at, kept)) return 0;
  return numberHash(at, kept) ^ (<u64>IdKind.Number);
}

/** The kind of the id whose hash {@link alikeHash} returns. */
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

/** Whether the text is a JSON number. */
function isNumber(at: usize, length: i32): bool {
  let state = NumberState.Start;
  for (let i = 0; i < length; i++) {
    state = nextNumberState(state, load<u8>(at + i));
    if (state == NumberState.Over || state == NumberState.Wrong) return false;
  }
  return isCompleteNumber(state);
}

/** The hash of a number's {@link canonicalNumber}. No text can be chosen so that it has the same hash. */
function numberHash(at: usize, length: i32): u64 {
  const size = canonicalNumber(at, length);
  // Parsers cannot evaluate a number without a canonical form. It is hashed as written; no canonical form begins like it.
  return ~(size ? keyedHash(canonicalAt, size) : keyedHash(at, length));
}
