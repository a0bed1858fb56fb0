import { mix } from "./bytes";

const EMPTY: u64 = 0;
const SLOT: usize = 16;

/**
 * A hash table from non-zero 64-bit keys to 64-bit values, with open addressing and linear probing. A deletion shifts later
 * entries back, so there are no tombstones. The table allocates only when it grows past its largest size so far.
 */
export class Table {
  /** Pairs of key and value; key 0 marks an empty slot. */
  private block: StaticArray<u64>;
  private mask: usize;
  private used: usize = 0;

  /** @param capacity the number of entries before the table first grows; a power of two. */
  constructor(capacity: usize = 64) {
    this.mask = capacity * 2 - 1;
    this.block = new StaticArray<u64>(<i32>capacity * 4);
  }

  /** The number of entries. */
  get size(): i32 {
    return <i32>this.used;
  }

  /** The value of `key`; 0 if it is missing. */
  get(key: u64): u64 {
    const slot = this.find(key);
    return load<u64>(slot) == key ? load<u64>(slot, 8) : 0;
  }

  /** Sets the value of `key`. */
  set(key: u64, value: u64): void {
    let slot = this.find(key);
    if (load<u64>(slot) == EMPTY) {
      if ((this.used + 1) * 2 > this.mask + 1) {
        this.grow();
        slot = this.find(key);
      }
      this.used++;
      store<u64>(slot, key);
    }
    store<u64>(slot, value, 8);
  }

  /** Removes `key`, if it exists. */
  delete(key: u64): void {
    let hole = (this.find(key) - this.slots) / SLOT;
    if (load<u64>(this.slots + hole * SLOT) != key) return;
    this.used--;
    for (let next = (hole + 1) & this.mask; ; next = (next + 1) & this.mask) {
      const at = this.slots + next * SLOT;
      const other = load<u64>(at);
      if (other == EMPTY) break;
      const home = (<usize>mix(other)) & this.mask;
      // An entry may move back to the hole unless its home slot is between the hole and the entry.
      if (((next - home) & this.mask) < ((next - hole) & this.mask)) continue;
      memory.copy(this.slots + hole * SLOT, at, SLOT);
      hole = next;
    }
    store<u64>(this.slots + hole * SLOT, EMPTY);
  }

  /** Removes all entries and keeps the memory. */
  clear(): void {
    if (!this.used) return;
    this.used = 0;
    memory.fill(this.slots, 0, (this.mask + 1) * SLOT);
  }

  private find(key: u64): usize {
    let index = (<usize>mix(key)) & this.mask;
    while (true) {
      const slot = this.slots + index * SLOT;
      const other = load<u64>(slot);
      if (other == key || other == EMPTY) return slot;
      index = (index + 1) & this.mask;
    }
  }

  @inline
  private get slots(): usize {
    return changetype<usize>(this.block);
  }

  private grow(): void {
    const old = this.block;
    const first = changetype<usize>(old);
    const end = first + (this.mask + 1) * SLOT;
    this.mask = this.mask * 2 + 1;
    this.block = new StaticArray<u64>(<i32>(this.mask + 1) * 2);
    for (let slot = first; slot < end; slot += SLOT) {
      const key = load<u64>(slot);
      if (key == EMPTY) continue;
      const target = this.find(key);
      store<u64>(target, key);
      store<u64>(target, load<u64>(slot, 8), 8);
    }
  }
}
