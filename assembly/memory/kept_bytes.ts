import { Pool } from "./pool";

const MIN_CAPACITY: usize = 512;

/** A growing copy of bytes in unmanaged memory. The object is pooled; its bytes are freed. */
@unmanaged
export class KeptBytes {
  /** The address of the bytes. */
  at: usize;
  length: usize;
  private capacity: usize;

  static acquire(): KeptBytes {
    return changetype<KeptBytes>(pool.acquire());
  }

  /** Frees the bytes. The object must not be used afterwards. */
  release(): void {
    if (this.at) heap.free(this.at);
    pool.release(changetype<usize>(this));
  }

  append(at: usize, size: usize): void {
    const needed = this.length + size;
    if (needed > this.capacity) this.grow(needed);
    memory.copy(this.at + this.length, at, size);
    this.length = needed;
  }

  private grow(needed: usize): void {
    let capacity = max(this.capacity, MIN_CAPACITY);
    while (capacity < needed) capacity *= 2;
    const larger = heap.alloc(capacity);
    memory.copy(larger, this.at, this.length);
    if (this.at) heap.free(this.at);
    this.at = larger;
    this.capacity = capacity;
  }
}

const pool = new Pool(offsetof<KeptBytes>());
