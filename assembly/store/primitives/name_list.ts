import { ATTEMPTS, PAGE_CAPACITY, Store } from "./store";

/** Longest name that fits, in bytes. */
export const NAME_LIMIT: i32 = 250;
/** Before each name: whether it is known (1) or came by success alone (0), and its length. */
const HEAD: i32 = 2;

/**
 * A list of names in the store, in the order of their coming, that only grows. Every worker reads the same names under
 * the same indices (from 1 on).
 */
export class NameList {
  /** The entry that {@link next} found: `length` bytes at `at`, until the store is asked for something else. */
  at: usize = 0;
  length: i32 = 0;
  isKnown: bool = false;
  private offset: i32 = 0;

  constructor(
    private shared: Store,
    private name: string,
    private number: i32,
  ) {}

  /** Takes the list into hand, to be read from its first name on. */
  open(): void {
    this.shared.load(this.name, this.number);
    this.offset = 0;
  }

  /** Goes on to the next name of the list in hand. */
  next(): bool {
    const page = this.shared.page;
    if (this.offset + HEAD > this.shared.length) return false;
    this.isKnown = load<u8>(page + this.offset) != 0;
    this.length = load<u8>(page + this.offset + 1);
    this.at = page + this.offset + HEAD;
    this.offset += HEAD + this.length;
    return true;
  }

  /** Whether a name of this length fits behind the list in hand. */
  hasRoom(length: i32): bool {
    return this.shared.length + HEAD + length <= PAGE_CAPACITY;
  }

  /** Adds a name, for which there is room, behind the list in hand. False where somebody was faster: then read it again. */
  append(at: usize, length: i32, isKnown: bool): bool {
    const end = this.shared.page + this.shared.length;
    store<u8>(end, isKnown ? 1 : 0);
    store<u8>(end + 1, <u8>length);
    memory.copy(end + HEAD, at, length);
    this.shared.length += HEAD + length;
    return this.shared.save();
  }

  /** Marks the name that was found last as known. False where somebody was faster. */
  setKnown(): bool {
    store<u8>(this.at - HEAD, 1);
    return this.shared.save();
  }
}

/** A set of numbers in the store that only grows, up to a limit. */
export class NumberSet {
  constructor(
    private shared: Store,
    private name: string,
    private limit: i32,
  ) {}

  /** Whether the number is in the set, after adding it if there is room. */
  add(number: u64): bool {
    const shared = this.shared;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      shared.load(this.name);
      const count = shared.length / sizeof<u64>();
      for (let i = 0; i < <i32>count; i++) {
        if (load<u64>(shared.page + i * sizeof<u64>()) == number) return true;
      }
      if (<i32>count >= this.limit) return false;
      store<u64>(shared.page + shared.length, number);
      shared.length += sizeof<u64>();
      if (shared.save()) return true;
    }
    shared.conflicts++;
    return false;
  }

  /** The numbers in the set, in the order of their coming. */
  values(): StaticArray<u64> {
    this.shared.load(this.name);
    const values = new StaticArray<u64>(this.shared.length / sizeof<u64>());
    memory.copy(changetype<usize>(values), this.shared.page, this.shared.length);
    return values;
  }
}
