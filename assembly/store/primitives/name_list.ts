import { ATTEMPTS, PAGE_CAPACITY, Store } from "./store";

/** The maximum length of a name, in bytes. */
export const NAME_LIMIT: i32 = 250;
/** Offsets in the head of each name, one byte each: whether the name is known (1) or was only seen in a success (0), and its
 *  length. */
const IS_KNOWN_AT: i32 = 0;
const LENGTH_AT: i32 = 1;
const HEAD: i32 = 2;

/**
 * A list of names in the store, in the order of their arrival. It only grows. All workers read the same names at the same
 * indices (from 1).
 */
export class NameList {
  /** The name that {@link next} found: `length` bytes at `at`, valid until the store loads another value. */
  at: usize = 0;
  length: i32 = 0;
  isKnown: bool = false;
  private offset: i32 = 0;

  constructor(
    private shared: Store,
    private name: string,
    private number: i32,
  ) {}

  /** Loads the list and moves before its first name. */
  open(): void {
    this.shared.load(this.name, this.number);
    this.offset = 0;
  }

  /** Reads the next name of the loaded list. False at its end. An invalid entry ends the list. */
  next(): bool {
    const shared = this.shared;
    const entry = shared.page + this.offset;
    const left = shared.length - this.offset;
    const length: i32 = left < HEAD ? left : load<u8>(entry + LENGTH_AT);
    if (length > NAME_LIMIT || HEAD + length > left) {
      shared.length = this.offset;
      return false;
    }
    this.isKnown = load<u8>(entry + IS_KNOWN_AT) != 0;
    this.length = length;
    this.at = entry + HEAD;
    this.offset += HEAD + length;
    return true;
  }

  /** Whether the loaded list has room for a name of this length. */
  hasRoom(length: i32): bool {
    return this.shared.length + HEAD + length <= PAGE_CAPACITY;
  }

  /** Appends a name to the loaded list, which must have been read to its end and have room. False if another worker has
   *  changed the list since; then read it again. */
  append(at: usize, length: i32, isKnown: bool): bool {
    const end = this.shared.page + this.shared.length;
    store<u8>(end + IS_KNOWN_AT, isKnown ? 1 : 0);
    store<u8>(end + LENGTH_AT, <u8>length);
    memory.copy(end + HEAD, at, length);
    this.shared.length += HEAD + length;
    return this.shared.save();
  }

  /** Marks the name that {@link next} found as known. False if another worker has changed the list since. */
  setKnown(): bool {
    store<u8>(this.at - HEAD + IS_KNOWN_AT, 1);
    return this.shared.save();
  }
}

const NUMBER_SIZE: i32 = 8;

/** A set of u64 numbers in the store, with a maximum size. */
export class NumberSet {
  constructor(
    private shared: Store,
    private name: string,
    private limit: i32,
  ) {}

  /** Whether the number is in the set. Adds it if there is room. */
  add(number: u64): bool {
    const shared = this.shared;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (this.find(number)) return true;
      if (shared.length == this.limit * NUMBER_SIZE) return false;
      store<u64>(shared.page + shared.length, number);
      shared.length += NUMBER_SIZE;
      if (shared.save()) return true;
    }
    shared.conflicts++;
    return false;
  }

  /** Removes the number, if it is in the set. */
  remove(number: u64): void {
    const shared = this.shared;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const found = this.find(number);
      if (!found) return;
      shared.length -= NUMBER_SIZE;
      store<u64>(found, load<u64>(shared.page + shared.length));
      if (shared.save()) return;
    }
    shared.conflicts++;
  }

  has(number: u64): bool {
    return this.find(number) != 0;
  }

  /** The number of elements. */
  get count(): i32 {
    this.load();
    return this.shared.length / NUMBER_SIZE;
  }

  /** Loads the set. Returns the address of the number there; 0 if it is missing. */
  private find(number: u64): usize {
    this.load();
    const end = this.shared.page + this.shared.length;
    for (let at = this.shared.page; at < end; at += NUMBER_SIZE) {
      if (load<u64>(at) == number) return at;
    }
    return 0;
  }

  /** The numbers in the set, in the order of their arrival if none was removed. */
  values(): StaticArray<u64> {
    this.load();
    const values = new StaticArray<u64>(this.shared.length / NUMBER_SIZE);
    memory.copy(changetype<usize>(values), this.shared.page, this.shared.length);
    return values;
  }

  private load(): void {
    this.shared.loadRecords(this.name, 0, 0, NUMBER_SIZE, this.limit);
  }
}
