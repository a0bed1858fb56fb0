import { SharedData } from "../../host/shared_data";

/** The version of the layout of all values. It is part of every key, so values of another version are not read. Increment it
 *  with each change of a layout, and update the bytes in test/fixtures/shared-data.json. */
const FORMAT = "10";
const KEY_CAPACITY: i32 = 1024;
/** The maximum size of a value in bytes: more than the longest list of names needs. */
export const PAGE_CAPACITY: i32 = 131072;

/** The buffer for the loaded value. A worker loads one value at a time, from any store. */
const PAGE: usize = heap.alloc(PAGE_CAPACITY);

/** The maximum number of attempts for a change with which other workers interfere. */
export const ATTEMPTS: i32 = 16;

/**
 * State that workers share: a fixed set of keys `mcp/<format>/<space>/…` in the proxy's shared data, whose values are
 * changed by compare-and-swap. One value is loaded at a time, at `page`.
 */
export class Store {
  /** The address of the loaded value, `length` bytes, at most {@link PAGE_CAPACITY}. */
  readonly page: usize = PAGE;
  length: i32 = 0;
  /** The number of changes that were abandoned because other workers interfered with every attempt. */
  conflicts: u32 = 0;
  private keyBytes: StaticArray<u8> = new StaticArray<u8>(KEY_CAPACITY);
  private keyLength: i32 = 0;
  private prefixLength: i32 = 0;

  /**
   * @param self a random number that identifies this plugin instance on this worker.
   * @param space separates this state from other states: at most 700 bytes.
   */
  constructor(
    private data: SharedData,
    readonly self: u64,
    space: string,
  ) {
    const prefix = "mcp/" + FORMAT + "/" + space + "/";
    this.prefixLength = String.UTF8.byteLength(prefix);
    String.UTF8.encodeUnsafe(changetype<usize>(prefix), prefix.length, this.key);
  }

  private get key(): usize {
    return changetype<usize>(this.keyBytes);
  }

  /** Loads the value with this `name` (ASCII) and `number` (below 2^18). A value that does not exist counts as empty. The
   *  bytes must be validated, since another module may have written them. */
  load(name: string, number: i32 = 0): void {
    this.setKey(name, number);
    const length = this.data.read(this.key, this.keyLength, this.page, PAGE_CAPACITY);
    this.length = length < 0 ? 0 : length;
  }

  /** Loads a value of `head` bytes and at most `limit` records of `size` bytes. A value of another shape counts as empty. */
  loadRecords(name: string, number: i32, head: i32, size: i32, limit: i32): void {
    this.load(name, number);
    const rest = this.length - head;
    if (rest < 0 || rest % size != 0 || rest / size > limit) this.length = 0;
  }

  /** Writes the loaded value back. False if another worker has written it since; then load it again. */
  save(): bool {
    return this.data.write(this.key, this.keyLength, this.page, this.length, this.data.version);
  }

  private setKey(name: string, number: i32): void {
    let at = this.key + this.prefixLength;
    String.UTF8.encodeUnsafe(changetype<usize>(name), name.length, at);
    at += name.length;
    // Encodes the number as three characters of six bits each, without building a string.
    store<u8>(at, 0x2f);
    store<u8>(at + 1, <u8>(0x30 + ((number >> 12) & 63)));
    store<u8>(at + 2, <u8>(0x30 + ((number >> 6) & 63)));
    store<u8>(at + 3, <u8>(0x30 + (number & 63)));
    this.keyLength = <i32>(at + 4 - this.key);
  }
}
