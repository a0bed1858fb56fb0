/**
 * Checks whether chunks of bytes are UTF-8 (RFC 3629, section 4): no overlong forms, no surrogates, nothing above U+10FFFF.
 * Reads sixteen ASCII bytes at a time.
 */
@unmanaged
export class Utf8Validator {
  /** The number of bytes that the current sequence still needs. */
  private lacking: u32;
  /** The smallest and the largest value that the next byte of the sequence may have. */
  private least: u8;
  private most: u8;

  reset(): void {
    this.lacking = 0;
  }

  /** Whether the bytes so far end with a complete sequence. */
  get isComplete(): bool {
    return this.lacking == 0;
  }

  /** Checks the next bytes. Returns false if they cannot be UTF-8; it must not be called again then. */
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

  /** Reads the first byte of a sequence beyond ASCII. Returns false if it is not valid. */
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

/** The address of the first byte in [at, end) that is not ASCII; `end` if there is none. */
function endOfAscii(at: usize, end: usize): usize {
  while (at + 16 <= end) {
    const found = i8x16.bitmask(v128.load(at));
    if (found) return at + ctz(found);
    at += 16;
  }
  while (at < end && load<u8>(at) < 0x80) at++;
  return at;
}

/** The length in bytes of UTF-8 text without a sequence that is cut at its end. */
export function wholeLength(at: usize, length: i32): i32 {
  let start = length - 1;
  while (start >= 0 && start > length - 4 && (load<u8>(at + start) & 0xc0) == 0x80) start--;
  if (start < 0) return length;
  const first = load<u8>(at + start);
  const size = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  return start + size > length ? start : length;
}
