import { BACKSLASH, QUOTE } from "./characters";
import { wholeLength } from "./utf8";

const OBJECT_START: u8 = 0x7b;
const HEX = "0123456789abcdef";

/** Writes JSON text (RFC 8259) as UTF-8, for what is written now and then. It grows as needed, and is collected as any
 *  managed object. */
export class JsonWriter {
  private buffer: StaticArray<u8> = new StaticArray<u8>(512);
  length: i32 = 0;

  /** What has been written: valid until more is. */
  get at(): usize {
    return changetype<usize>(this.buffer);
  }

  clear(): void {
    this.length = 0;
  }

  /** ASCII text as it is. */
  raw(text: string): void {
    this.makeRoom(text.length);
    for (let i = 0; i < text.length; i++) this.put(<u8>text.charCodeAt(i));
  }

  /** Bytes as they are. */
  bytes(at: usize, length: i32): void {
    this.makeRoom(length);
    memory.copy(this.at + this.length, at, length);
    this.length += length;
  }

  /** A string of these bytes of UTF-8. A sequence that is cut at the end is left out. */
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
        this.put(<u8>HEX.charCodeAt(byte >> 4));
        this.put(<u8>HEX.charCodeAt(byte & 15));
      } else {
        this.put(byte);
      }
    }
    this.put(QUOTE);
  }

  /** A number, with zeros before it up to `width` digits, at most 20. */
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

  /** The beginning of another member of an object, which has one already: a comma and the name, in ASCII. */
  member(name: string): void {
    this.raw(',"');
    this.raw(name);
    this.raw('":');
  }

  /** Another member of an object: a text that needs no escapes. */
  textMember(name: string, value: string): void {
    this.member(name);
    this.raw('"');
    this.raw(value);
    this.raw('"');
  }

  /** Another member of an object: bytes of UTF-8; nothing where they are none. */
  bytesMember(name: string, at: usize, length: i32): void {
    if (length == 0) return;
    this.member(name);
    this.text(at, length);
  }

  /** Another member of an object: a number. */
  numberMember(name: string, value: u64): void {
    this.member(name);
    this.number(value);
  }

  /** Whether the text so far ends with the beginning of an object. */
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
