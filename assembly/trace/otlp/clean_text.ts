/** Maximum number of bytes that {@link cleanText} reads. */
const LIMIT: i32 = 1024;
/** Size in bytes of U+FFFD, which replaces each invalid sequence. */
const REPLACEMENT_SIZE: i32 = 3;
const scratch: usize = memory.data(3072);

/** The result of {@link cleanText}: `cleanLength` bytes. Valid until the next call. */
export let cleanAt: usize = 0;
export let cleanLength: i32 = 0;

/**
 * Converts any bytes to UTF-8 that every collector accepts. Reads at most `limit` (up to 1024) of the `length` bytes.
 * Replaces by U+FFFD each invalid or truncated sequence (as delimited by decoders of the WHATWG's Encoding Standard),
 * and each NUL, which some databases reject. The result is at most three times as long. Sets {@link cleanAt} and {@link
 * cleanLength}.
 */
export function cleanText(at: usize, length: i32, limit: i32): void {
  length = min(length, min(limit, LIMIT));
  cleanAt = at;
  cleanLength = length;
  if (isPlain(at, length)) return;
  const end = at + length;
  let to = scratch;
  while (at < end) {
    const next = endOfSequence(at, end);
    if (isGood) {
      memory.copy(to, at, next - at);
      to += next - at;
    } else {
      store<u16>(to, 0xbfef);
      store<u8>(to + 2, 0xbd);
      to += REPLACEMENT_SIZE;
    }
    at = next;
  }
  cleanAt = scratch;
  cleanLength = <i32>(to - scratch);
}

/** Whether all bytes are ASCII and none is NUL. */
function isPlain(at: usize, length: i32): bool {
  const end = at + length;
  while (at + 16 <= end) {
    if (!i8x16.all_true(i8x16.gt_s(v128.load(at), i8x16.splat(0)))) return false;
    at += 16;
  }
  while (at < end) {
    if (load<i8>(at++) <= 0) return false;
  }
  return true;
}

/** Whether the last sequence that {@link endOfSequence} read is kept. */
let isGood: bool = false;

/**
 * The end of the sequence that begins at `at`, or of its longest prefix that could begin a valid one. Sets {@link
 * isGood}.
 */
function endOfSequence(at: usize, end: usize): usize {
  const first = load<u8>(at++);
  isGood = false;
  if (first < 0x80) {
    isGood = first != 0;
    return at;
  }
  if (first < 0xc2 || first > 0xf4) return at;
  // The second byte's range excludes overlong forms, surrogates and code points above U+10FFFF (RFC 3629, section 4).
  let least: u8 = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  let most: u8 = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  let lacking = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
  while (lacking && at < end) {
    const byte = load<u8>(at);
    if (byte < least || byte > most) return at;
    least = 0x80;
    most = 0xbf;
    lacking--;
    at++;
  }
  isGood = lacking == 0;
  return at;
}
