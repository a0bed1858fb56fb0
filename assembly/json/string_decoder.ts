import { hexValue, unescaped } from "./characters";

/** The maximum number of bytes that are kept of a key, string or number. Of a longer one, its beginning and its length are
 *  kept. */
export const TEXT_LIMIT: u32 = 256;

const REPLACEMENT: u32 = 0xfffd;

/** What an unfinished escape sequence expects next. */
enum Escape {
  None,
  /** The letter after a backslash. */
  Letter,
  /** The four hexadecimal digits after `\u`. */
  Hex,
}

/**
 * Decodes the escape sequences of a string (RFC 8259, section 7) to UTF-8, from chunks that may be cut anywhere. A surrogate
 * without its partner becomes U+FFFD, as in JavaScript's TextEncoder.
 */
@unmanaged
export class StringDecoder {
  /** The length in bytes of the whole text, including bytes beyond {@link TEXT_LIMIT}, which are not kept. */
  length: u32;
  /** The text contained escape sequences. */
  hasEscapes: bool;
  /** A surrogate without its partner was replaced. */
  isLossy: bool;
  private escape: Escape;
  private digits: u32;
  private codeUnit: u32;
  private highSurrogate: u32;

  /** The address of the kept bytes. They follow this object in memory. */
  get bytes(): usize {
    return changetype<usize>(this) + offsetof<StringDecoder>();
  }

  /** Whether an escape sequence is unfinished. */
  get escaping(): bool {
    return this.escape != Escape.None;
  }

  /** Whether a surrogate waits for its partner. */
  get hasSurrogate(): bool {
    return this.highSurrogate != 0;
  }

  clear(): void {
    this.length = 0;
    this.hasEscapes = false;
    this.isLossy = false;
    this.escape = Escape.None;
    this.highSurrogate = 0;
  }

  /** Appends bytes without escape sequences. */
  append(at: usize, size: usize): void {
    if (size == 0) return;
    if (this.highSurrogate) this.loneSurrogate();
    if (this.length < TEXT_LIMIT) {
      const room = <usize>(TEXT_LIMIT - this.length);
      memory.copy(this.bytes + this.length, at, size < room ? size : room);
    }
    this.length += <u32>size;
  }

  /** Called when a backslash has been read. */
  beginEscape(): void {
    this.hasEscapes = true;
    this.escape = Escape.Letter;
  }

  /** Reads the next byte of an escape sequence. Returns false if JSON does not allow it. */
  continueEscape(byte: u8): bool {
    if (this.escape == Escape.Letter) {
      if (byte == 0x75 /* u */) {
        this.escape = Escape.Hex;
        this.digits = 0;
        this.codeUnit = 0;
        return true;
      }
      this.escape = Escape.None;
      const plain = unescaped(byte);
      if (plain < 0) return false;
      if (this.highSurrogate) this.loneSurrogate();
      this.appendCodePoint(plain);
      return true;
    }
    const value = hexValue(byte);
    if (value > 15) return false;
    this.codeUnit = (this.codeUnit << 4) | value;
    if (++this.digits == 4) {
      this.escape = Escape.None;
      this.appendCodeUnit(this.codeUnit);
    }
    return true;
  }

  /** Called when the closing quote has been read. */
  finish(): void {
    if (this.highSurrogate) this.loneSurrogate();
  }

  private appendCodeUnit(codeUnit: u32): void {
    const isLow = (codeUnit & 0xfc00) == 0xdc00;
    if (this.highSurrogate) {
      if (isLow) {
        const high = this.highSurrogate;
        this.highSurrogate = 0;
        this.appendCodePoint(0x10000 + ((high - 0xd800) << 10) + (codeUnit - 0xdc00));
        return;
      }
      this.loneSurrogate();
    }
    if ((codeUnit & 0xfc00) == 0xd800) this.highSurrogate = codeUnit;
    else if (isLow) this.loneSurrogate();
    else this.appendCodePoint(codeUnit);
  }

  private loneSurrogate(): void {
    this.isLossy = true;
    this.highSurrogate = 0;
    this.appendCodePoint(REPLACEMENT);
  }

  private appendCodePoint(point: u32): void {
    if (point < 0x80) {
      this.appendByte(point);
    } else if (point < 0x800) {
      this.appendByte(0xc0 | (point >> 6));
      this.appendByte(0x80 | (point & 0x3f));
    } else if (point < 0x10000) {
      this.appendByte(0xe0 | (point >> 12));
      this.appendByte(0x80 | ((point >> 6) & 0x3f));
      this.appendByte(0x80 | (point & 0x3f));
    } else {
      this.appendByte(0xf0 | (point >> 18));
      this.appendByte(0x80 | ((point >> 12) & 0x3f));
      this.appendByte(0x80 | ((point >> 6) & 0x3f));
      this.appendByte(0x80 | (point & 0x3f));
    }
  }

  private appendByte(byte: u32): void {
    if (this.length < TEXT_LIMIT) store<u8>(this.bytes + this.length, byte);
    this.length++;
  }
}

/** The size in bytes of a {@link StringDecoder} and its bytes. */
@inline
export const STRING_DECODER_SIZE: usize = offsetof<StringDecoder>() + <usize>TEXT_LIMIT;
