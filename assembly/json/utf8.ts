/**
 * Tells whether bytes that come in pieces are UTF-8 (RFC 3629 section 4): no overlong forms, no surrogates, nothing above
 * U+10FFFF. Sixteen bytes of ASCII at a time.
 */
@unmanaged
export class Utf8Check {
  /** Bytes that the current sequence still lacks. */
  private lacking: u32;
  /** The least and the most that its next byte may be. */
  private least: u8;
  private most: u8;

  reset(): void {
    this.lacking = 0;
  }

  /** Whether what came so far is UTF-8 and cut nowhere. */
  get isComplete(): bool {
    return this.lacking == 0;
  }

  /** The next bytes. False where they cannot be UTF-8: then it must not be fed any more. */
  feed(at: usize, length: usize): bool {
    const end = at + length;
    while (at < end) {
      if (this.lacking == 0) {
        at = endOfAscii(at, end);
        if (at == end) return true;
        if (!this.begin(load<u8>(at++))) return false;
        continue;
      }
      const byte = load<u8>(at++);
      if (byte < this.least || byte > this.most) return false;
      this.lacking--;
      this.least = 0x80;
      this.most = 0xbf;
    }
    return true;
  }

  /** The first byte of a sequence. */
  private begin(byte: u8): bool {
    this.least = 0x80;
    this.most = 0xbf;
    if (byte >= 0xc2 && byte <= 0xdf) {
      this.lacking = 1;
    } else if (byte >= 0xe0 && byte <= 0xef) {
      this.lacking = 2;
      if (byte == 0xe0) this.least = 0xa0;
      else if (byte == 0xed) this.most = 0x9f;
    } else if (byte >= 0xf0 && byte <= 0xf4) {
      this.lacking = 3;
      if (byte == 0xf0) this.least = 0x90;
      else if (byte == 0xf4) this.most = 0x8f;
    } else {
      return false;
    }
    return true;
  }
}

/** The first byte in [at, end) that is not ASCII; `end` where there is none. */
function endOfAscii(at: usize, end: usize): usize {
  while (at + 16 <= end) {
    const found = i8x16.bitmask(v128.load(at));
    if (found) return at + ctz(found);
    at += 16;
  }
  while (at < end && load<u8>(at) < 0x80) at++;
  return at;
}

/** Bytes of UTF-8 without a sequence that is cut at the end. */
export function wholeLength(at: usize, length: i32): i32 {
  let start = length - 1;
  while (start >= 0 && start > length - 4 && (load<u8>(at + start) & 0xc0) == 0x80) start--;
  if (start < 0) return length;
  const first = load<u8>(at + start);
  const size = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  return start + size > length ? start : length;
}
