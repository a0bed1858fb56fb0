import { highBits, prefixXor, sameBytes } from "../memory/byte_masks";
import { hexDigit } from "../memory/hex";
import { BACKSLASH, QUOTE, endOfPlainText, isSpace, specials, unescaped } from "./characters";
import { escapedBytes } from "./string_end";
import { StringDecoder } from "./string_decoder";

/** Bytes that follow the {@link StringDecoder} of an escape sequence: for a replacement character and the longest UTF-8 sequence. */
const ROOM: usize = 8;
/** U+FFFD as UTF-8. */
const REPLACEMENT: usize = memory.data<u8>([0xef, 0xbf, 0xbd]);
const REPLACEMENT_SIZE: usize = 3;
/** A quote, a backslash and a space, for {@link sameBytes}. */
const BYTES: usize = memory.data<u8>([QUOTE, BACKSLASH, 0x20]);
/** The number of bytes that are read together by masks. */
const BLOCK: usize = 64;
/** The minimum number of bytes for which reading by masks is faster. */
const FAST: usize = 16;
/** A run of a string with its escape sequences decoded: valid until the next run. */
const UNESCAPED_SIZE: usize = 2048;
const UNESCAPED: usize = memory.data(2048);
/** An escape sequence that was written: valid until the next one. */
const ESCAPE: usize = memory.data<u8>([BACKSLASH, 0x75, 0x30, 0x30, 0, 0]);

/** The number of bytes at the end of a skip that are read one by one. An escape sequence that begins before them ends in
 *  them: at least five. */
const LAST: usize = 8;
/** The number of hexadecimal digits in an escape sequence that begins with `\u`. */
const UNICODE_DIGITS: u32 = 4;
const LETTER_U: u8 = 0x75;

/**
 * Converts the bytes of a JSON value, from chunks that may be cut anywhere, to text. The text of a string is its content. The
 * text of any other value is JSON without white space between tokens and without unnecessary escape sequences, as
 * `JSON.stringify` writes it. The bytes must be valid JSON: the tokenizer has checked them. Parts of a value can be skipped
 * by their length.
 */
@unmanaged
export class ValueText {
  /** The address of the text that was found, valid until the next call. */
  at: usize;
  /** The length in bytes of the text; 0 if white space was read. */
  length: usize;
  /** The number of bytes of the value that the last call read or skipped. The quotes around a string count only if they were
   *  skipped. */
  wireBytes: usize;
  private source: usize;
  private end: usize;
  /** The number of bytes of the current escape sequence in earlier chunks. */
  private pending: usize;
  /** The number of digits of the skipped escape sequence that are still to come. */
  private digitsLeft: u32;
  private hasBegun: bool;
  /** The value is a string. */
  private isString: bool;
  private inString: bool;
  /** The next byte is the quote that ends a string. */
  private atQuote: bool;
  /** The next byte is escaped by a backslash that was skipped. */
  private isEscaped: bool;

  static create(): ValueText {
    const self = changetype<ValueText>(heap.alloc(offsetof<ValueText>() + offsetof<StringDecoder>() + ROOM));
    self.reset();
    return self;
  }

  /** Prepares for another value. */
  reset(): void {
    memory.fill(changetype<usize>(this), 0, offsetof<ValueText>());
    this.escape.clear();
  }

  /** Sets the next bytes of the value. Earlier bytes must be used up. */
  feed(at: usize, length: usize): void {
    this.source = at;
    this.end = at + length;
  }

  /** Reads the next run of text, from at most `limit` bytes of the value, or from one escape sequence if that is longer.
   *  Returns false if the bytes are used up. */
  next(limit: usize = usize.MAX_VALUE): bool {
    this.begin();
    const from = this.source;
    while (this.source < this.end) {
      const used = this.source - from;
      const isInsideEscape = this.isInsideEscape;
      // White space has used up the limit.
      if (used >= limit && !isInsideEscape) break;
      const to = used < limit ? this.source + min(this.end - this.source, limit - used) : this.source;
      if (this.source + FAST <= to && !isInsideEscape) {
        if (this.isString ? this.readEscapedText(to) : this.readVerbatim(to)) return this.count(from);
      }
      if (this.inString ? this.readString(to) : this.readStructure(to)) return this.count(from);
    }
    if (this.source == from) return false;
    if (!this.isInsideEscape) return !this.isOver && this.count(from);
    this.pending += this.source - from;
    return false;
  }

  /** Passes over `count` bytes of the value, of any number of chunks, and on to where no escape sequence is cut. False when the
   *  bytes are used up before that. */
  skip(count: u64): bool {
    this.begin();
    // The rest of an escape sequence is not returned.
    this.escape.clear();
    if (this.atQuote) this.inString = true;
    this.atQuote = false;
    const from = this.source;
    const end = this.end;
    const to = from + <usize>min<u64>(end - from, count);
    let at = this.isString ? this.passText(to) : this.passBlocks(to);
    let digitsLeft = at == from ? this.digitsLeft : 0;
    let isEscaped = this.isEscaped;
    while (at < to || (at < end && (isEscaped || digitsLeft > 0))) {
      const byte = load<u8>(at++);
      if (digitsLeft > 0) {
        digitsLeft--;
      } else if (isEscaped) {
        isEscaped = false;
        if (byte == LETTER_U) digitsLeft = UNICODE_DIGITS;
      } else if (byte == BACKSLASH) {
        isEscaped = true;
      } else if (byte == QUOTE) {
        this.inString = this.isString || !this.inString;
      }
    }
    this.digitsLeft = digitsLeft;
    this.isEscaped = isEscaped;
    this.source = at;
    this.wireBytes = at - from;
    return this.wireBytes >= count && !isEscaped && digitsLeft == 0;
  }

  /** Finds the kind of the value by its first byte. */
  @inline
  private begin(): void {
    if (this.hasBegun || this.source == this.end) return;
    this.hasBegun = true;
    if (load<u8>(this.source) != QUOTE) return;
    this.isString = true;
    this.inString = true;
    this.source++;
  }

  /** Sets {@link wireBytes} to the number of bytes read since `from` and in earlier chunks. Always returns true. */
  private count(from: usize): bool {
    this.wireBytes = this.pending + this.source - from;
    this.pending = 0;
    return true;
  }

  /** Whether the value is a string whose closing quote has been read. */
  private get isOver(): bool {
    return this.isString && !this.inString;
  }

  /** Whether an escape sequence has begun whose text has not been returned. */
  private get isInsideEscape(): bool {
    const escape = this.escape;
    return escape.escaping || escape.hasSurrogate || escape.length > 0;
  }

  /** Skips a string up to {@link LAST} bytes before `to`, and records whether the next byte is escaped. Returns its address. */
  private passText(to: usize): usize {
    const from = this.source;
    if (to - from <= LAST) return from;
    const at = to - LAST;
    let run = at;
    while (run > from && load<u8>(run - 1) == BACKSLASH) run--;
    // In a run of backslashes, every second one is escaped.
    const isFirstEscaped = run == from && this.isEscaped;
    this.isEscaped = (((at - run) & 1) != 0) != isFirstEscaped;
    return at;
  }

  /** Skips whole blocks of a value that is not a string, and records whether they end inside a string. Returns the end of the
   *  last block, at most `to` minus {@link LAST}. */
  private passBlocks(to: usize): usize {
    let at = this.source;
    let quotes: u64 = 0;
    let isEscaped: u64 = this.isEscaped ? 1 : 0;
    const quote = v128.load_splat<u8>(BYTES);
    const backslash = v128.load_splat<u8>(BYTES, 1);
    while (at + BLOCK + LAST <= to) {
      const first = v128.load(at);
      const second = v128.load(at, 16);
      const third = v128.load(at, 32);
      const fourth = v128.load(at, 48);
      // An escaped backslash escapes nothing.
      const slashes = sameBytes(first, second, third, fourth, backslash) & ~isEscaped;
      const escaped = escapedBytes(slashes) | isEscaped;
      isEscaped = (slashes & ~escaped) >> 63;
      quotes += popcnt(sameBytes(first, second, third, fourth, quote) & ~escaped);
      at += BLOCK;
    }
    if (quotes & 1) this.inString = !this.inString;
    this.isEscaped = isEscaped != 0;
    return at;
  }

  /** Reads a run of a value that is not a string, up to the next escape sequence or white space between tokens: many small
   *  strings and numbers at once. Returns false if the run is empty or no whole block is available. */
  private readVerbatim(to: usize): bool {
    const from = this.source;
    let at = from;
    // A closing quote that is the next byte has not been read yet.
    let inside: u64 = this.inString || this.atQuote ? u64.MAX_VALUE : 0;
    const quote = v128.load_splat<u8>(BYTES);
    const backslash = v128.load_splat<u8>(BYTES, 1);
    const space = v128.load_splat<u8>(BYTES, 2);
    while (at < to && at + BLOCK <= this.end) {
      const first = v128.load(at);
      const second = v128.load(at, 16);
      const third = v128.load(at, 32);
      const fourth = v128.load(at, 48);
      // A bit for each byte inside a string, including its opening quote.
      const strings = prefixXor(sameBytes(first, second, third, fourth, quote)) ^ inside;
      const escapes = sameBytes(first, second, third, fourth, backslash);
      let stops = escapes | (blanks(first, second, third, fourth, space) & ~strings);
      if (to - at < BLOCK) stops |= (<u64>1) << (to - at);
      if (stops) {
        const count = ctz(stops);
        if (count) inside = <u64>((<i64>(strings << (64 - count))) >> 63);
        at += <usize>count;
        break;
      }
      inside = <u64>((<i64>strings) >> 63);
      at += BLOCK;
    }
    if (at == from) return false;
    this.inString = inside != 0;
    this.atQuote = false;
    this.source = at;
    return this.found(from, at - from);
  }

  /** Reads a run of a string up to `end`, and decodes escape sequences of two characters. Returns false if another byte comes
   *  next, or a long run without escape sequences, which needs no copy. */
  private readEscapedText(end: usize): bool {
    let at = this.source;
    if (at + 2 * BLOCK <= end && endOfPlainText(at, at + 2 * BLOCK) == at + 2 * BLOCK) return false;
    let to = UNESCAPED;
    while (at + 16 <= end && to + 17 <= UNESCAPED + UNESCAPED_SIZE) {
      const bytes = v128.load(at);
      v128.store(to, bytes);
      const found = i8x16.bitmask(specials(bytes));
      const count = <usize>ctz(found | 0x10000);
      at += count;
      to += count;
      if (!found) continue;
      if (load<u8>(at) != BACKSLASH || at + 1 == end) break;
      const letter = unescaped(load<u8>(at, 1));
      if (letter < 0) break;
      store<u8>(to++, <u8>letter);
      at += 2;
    }
    this.source = at;
    return this.found(UNESCAPED, to - UNESCAPED);
  }

  /** Reads a run between strings, including the quotes. Returns false if it was white space. */
  private readStructure(end: usize): bool {
    const from = this.source;
    let to = from;
    if (this.atQuote) to++;
    this.atQuote = false;
    while (to < end && !isSpace(load<u8>(to))) {
      if (load<u8>(to++) == QUOTE) {
        this.inString = true;
        break;
      }
    }
    this.source = to;
    if (to > from) return this.found(from, to - from);
    while (to < end && isSpace(load<u8>(to))) to++;
    this.source = to;
    return this.found(from, 0);
  }

  private readString(end: usize): bool {
    const escape = this.escape;
    if (escape.escaping) {
      escape.continueEscape(load<u8>(this.source++));
      return this.foundEscape();
    }
    if (this.foundEscape()) return true;
    const from = this.source;
    const byte = load<u8>(from);
    if (byte == BACKSLASH) {
      escape.beginEscape();
      this.source++;
      return false;
    }
    // The partner of a surrogate cannot follow any more.
    escape.finish();
    if (this.foundEscape()) return true;
    if (byte == QUOTE) {
      this.inString = false;
      if (this.isString) this.source = this.end;
      else this.atQuote = true;
      return false;
    }
    this.source = max(from + 1, endOfPlainText(from, end));
    return this.found(from, this.source - from);
  }

  /** Sets the text to the character of a complete escape sequence. Returns false if there is none. */
  private foundEscape(): bool {
    const escape = this.escape;
    const length = escape.length;
    if (length == 0) return false;
    const last = load<u8>(escape.bytes + length - 1);
    if (length > 1 && last < 0x80) {
      // The character after a surrogate without its partner may need an escape sequence. The next call handles it.
      store<u8>(escape.bytes, last);
      escape.length = 1;
      return this.found(REPLACEMENT, REPLACEMENT_SIZE);
    }
    escape.length = 0;
    const byte = load<u8>(escape.bytes);
    const mustEscape = byte < 0x20 || byte == QUOTE || byte == BACKSLASH;
    if (this.isString || length > 1 || !mustEscape) return this.found(escape.bytes, length);
    const letter = shortEscape(byte);
    store<u8>(ESCAPE, letter ? letter : 0x75, 1);
    if (letter) return this.found(ESCAPE, 2);
    store<u8>(ESCAPE, hexDigit(byte >> 4), 4);
    store<u8>(ESCAPE, hexDigit(byte & 15), 5);
    return this.found(ESCAPE, 6);
  }

  private found(at: usize, length: usize): bool {
    this.at = at;
    this.length = length;
    return length > 0;
  }

  private get escape(): StringDecoder {
    return changetype<StringDecoder>(changetype<usize>(this) + offsetof<ValueText>());
  }
}

/** The letter after the backslash in a character's short escape sequence; 0 if it has none. */
export function shortEscape(byte: u8): u8 {
  switch (byte) {
    case QUOTE:
    case BACKSLASH:
      return byte;
    case 0x08:
      return 0x62; // b
    case 0x09:
      return 0x74; // t
    case 0x0a:
      return 0x6e; // n
    case 0x0c:
      return 0x66; // f
    case 0x0d:
      return 0x72; // r
    default:
      return 0;
  }
}

/** A bit for each of 64 bytes up to the space. Between tokens, only white space is among them. */
@inline
function blanks(a: v128, b: v128, c: v128, d: v128, space: v128): u64 {
  return highBits(i8x16.le_u(a, space), i8x16.le_u(b, space), i8x16.le_u(c, space), i8x16.le_u(d, space));
}
