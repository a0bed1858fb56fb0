import { HEX_SIZE, writeHex } from "../memory/hex";

const ROOM: i32 = 64;
const text: usize = heap.alloc(ROOM);

/** Values of a stream that other parts of the proxy can read, such as its access log. */
export abstract class FilterState {
  /** Sets a value of the current stream: `length` bytes at `value`, with an ASCII name. */
  abstract set(name: string, value: usize, length: i32): void;

  /** Declares that the values with this name (ASCII, fewer than 128 characters) are text and last as long as their requests,
   *  for readers that distinguish text from bytes. Values that are already set stay bytes. Must be called in a callback of
   *  the plugin instance itself. */
  abstract declareText(name: string): void;

  /** Sets a value of the current stream to ASCII text of at most 64 characters. */
  setText(name: string, value: string): void {
    const from = changetype<usize>(value);
    const length = value.length;
    for (let i = 0; i < length; i++) store<u8>(text + i, load<u8>(from + (i << 1)));
    this.set(name, text, length);
  }

  /** Sets a value of the current stream to the decimal digits of a number. */
  setNumber(name: string, value: u64): void {
    let at = text + ROOM;
    do {
      store<u8>(--at, <u8>(0x30 + (value % 10)));
      value /= 10;
    } while (value);
    this.set(name, at, <i32>(text + ROOM - at));
  }

  /** Sets a value of the current stream to the 16 hexadecimal digits of a number. */
  setHash(name: string, value: u64): void {
    writeHex(text, value);
    this.set(name, text, HEX_SIZE);
  }
}

/** Sets nothing. For a configuration without filter-state values. */
export class NoFilterState extends FilterState {
  set(_name: string, _value: usize, _length: i32): void {}

  declareText(_name: string): void {}

  setText(_name: string, _value: string): void {}

  setNumber(_name: string, _value: u64): void {}

  setHash(_name: string, _value: u64): void {}
}
