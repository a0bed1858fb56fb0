import { Method, TargetKind, targetKind } from "./methods";

const QUESTION_MARK: u8 = 0x3f;
const NUMBER_SIGN: u8 = 0x23;
const AT_SIGN: u8 = 0x40;
const SLASH: u8 = 0x2f;

/** The number of leading bytes of a request's target (`length` bytes at `at`) that logs may show. The query and fragment of
 *  a URI may contain user input or a secret. */
export function shownLength(method: Method, at: usize, length: i32): i32 {
  if (targetKind(method) != TargetKind.None) return length;
  let slashes = 0;
  for (let i = 0; i < length; i++) {
    const byte = load<u8>(at + i);
    if (byte == QUESTION_MARK || byte == NUMBER_SIGN) return i;
    if (byte == SLASH) slashes++;
    // In an authority, the text before `@` may be a password.
    if (byte == AT_SIGN && slashes < 3) return 0;
  }
  return length;
}
