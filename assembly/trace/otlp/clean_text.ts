/** The most bytes of a text that {@link cleanText} reads. */
const LIMIT: i32 = 1024;
/** Bytes of U+FFFD, which stands for each bad sequence. */
const REPLACEMENT_SIZE: i32 = 3;
const scratch: usize = memory.data(3072);

/** The text that {@link cleanText} has cleaned, `cleanLength` bytes. Valid until it cleans another. */
export let cleanAt: usize = 0;
export let cleanLength: i32 = 0;

/**
 * Makes UTF-8 that any collector accepts of at most `limit` (up to 1024) of `length` bytes, which may be any: of each
 * sequence that is bad or cut (as decoders of the WHATWG's Encoding Standard delimit them), and of each NUL, which some
 * databases refuse, it makes U+FFFD. So it is at most three times as long. Sets {@link cleanAt} and {@link cleanLength}.
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

/** Whether all bytes are ASCII, and none is NUL. */
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

/** Whether the sequence that {@link endOfSequence} passed over is kept. */
let isGood: bool = false;

/** The end of the sequence that begins at `at`, or of as much of it as could begin one. Sets {@link isGood}. */
function endOfSequence(at: usize, end: usize): usize {
  const first = load<u8>(at++);
  isGood = false;
  if (first < 0x80) {
    isGood = first != 0;
    return at;
  }
  if (first < 0xc2 || first > 0xf4) return at;
  // The second byte's range excludes overlong forms, surrogates and what is above U+10FFFF (RFC 3629, section 4).
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
