import { hexDigit } from "../memory/hex";
import { BACKSLASH, QUOTE } from "./characters";
import { wholeLength } from "./utf8";

const OBJECT_START: u8 = 0x7b;

/** Writes JSON text (RFC 8259) as UTF-8, for texts that are written rarely. A managed object: its buffer grows as needed. */
export class JsonWriter {
  private buffer: StaticArray<u8> = new StaticArray<u8>(512);
  length: i32 = 0;

  /** The address of the text so far, valid until the next write. */
  get at(): usize {
    return changetype<usize>(this.buffer);
  }

  clear(): void {
    this.length = 0;
  }

  /** Writes ASCII text unchanged. */
  raw(text: string): void {
    this.makeRoom(text.length);
    for (let i = 0; i < text.length; i++) this.put(<u8>text.charCodeAt(i));
  }

  /** Writes bytes unchanged. */
  bytes(at: usize, length: i32): void {
    this.makeRoom(length);
    memory.copy(this.at + this.length, at, length);
    this.length += length;
  }

  /** Writes a string with these bytes of UTF-8. Omits a sequence that is cut at their end. */
  text(at: usize, length: i32): void {
    length = wholeLength(at, length);
    this.makeRoom(length * 6 + 2);
    this.put(QUOTE);
    for (let i = 0; i < length; i++) {
      const byte = load<u8>(at + i);
      if (byte == QUOTE || byte == BACKSLASH) {
        this.put(BACKSLASH);
        this.put(byte);
      } else if (byte < 0x20 || byte == 0x7f) {
        this.raw("\\u00");
        this.put(hexDigit(byte >> 4));
        this.put(hexDigit(byte & 15));
      } else {
        this.put(byte);
      }
    }
    this.put(QUOTE);
  }

  /** Writes a number with at least `width` digits (at most 20), padded with leading zeros. */
  number(value: u64, width: i32 = 1): void {
    let digits = 1;
    for (let rest = value / 10; rest; rest /= 10) digits++;
    const size = max(digits, width);
    this.makeRoom(size);
    for (let i = size - 1; i >= 0; i--) {
      store<u8>(this.at + this.length + i, <u8>(0x30 + (value % 10)));
      value /= 10;
    }
    this.length += size;
  }

  /** Begins another member of an object that already has one: writes a comma and the name, in ASCII. */
  member(name: string): void {
    this.raw(',"');
    this.raw(name);
    this.raw('":');
  }

  /** Writes another member of an object: an ASCII text that needs no escape sequences. */
  textMember(name: string, value: string): void {
    this.member(name);
    this.raw('"');
    this.raw(value);
    this.raw('"');
  }

  /** Writes another member of an object: a string of bytes of UTF-8. Writes nothing if `length` is 0. */
  bytesMember(name: string, at: usize, length: i32): void {
    if (length == 0) return;
    this.member(name);
    this.text(at, length);
  }

  /** Writes another member of an object: a number. */
  numberMember(name: string, value: u64): void {
    this.member(name);
    this.number(value);
  }

  /** Whether the text so far ends with the opening brace of an object. */
  get endsOpen(): bool {
    return this.length > 0 && load<u8>(this.at + this.length - 1) == OBJECT_START;
  }

  private put(byte: u8): void {
    store<u8>(this.at + this.length++, byte);
  }

  /** Makes room for `more` further bytes. */
  private makeRoom(more: i32): void {
    const needed = this.length + more;
    let capacity = this.buffer.length;
    if (needed <= capacity) return;
    while (capacity < needed) capacity *= 2;
    const larger = new StaticArray<u8>(capacity);
    memory.copy(changetype<usize>(larger), this.at, this.length);
    this.buffer = larger;
  }
}
