import { Method, TargetKind, targetKind } from "./methods";

const QUESTION_MARK: u8 = 0x3f;
const NUMBER_SIGN: u8 = 0x23;
const AT_SIGN: u8 = 0x40;
const SLASH: u8 = 0x2f;

/** Bytes of a request's target, `length` at `at`, that logs may show: a URI's query and fragment can hold what a user typed,
 *  or a secret. */
export function shownLength(method: Method, at: usize, length: i32): i32 {
  if (targetKind(method) != TargetKind.None) return length;
  let slashes = 0;
  for (let i = 0; i < length; i++) {
    const byte = load<u8>(at + i);
    if (byte == QUESTION_MARK || byte == NUMBER_SIGN) return i;
    if (byte == SLASH) slashes++;
    // In an authority, what stands before it may be a password.
    if (byte == AT_SIGN && slashes < 3) return 0;
  }
  return length;
}
