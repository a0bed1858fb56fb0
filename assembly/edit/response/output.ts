/** The bytes that the client gets in place of those of the current callback. There is one per worker. */
export class Output {
  at: usize = 0;
  length: usize = 0;
  private capacity: usize = 0;

  /** Begins another callback. */
  clear(): void {
    this.length = 0;
    if (this.capacity <= KEPT) return;
    heap.free(this.at);
    this.at = 0;
    this.capacity = 0;
  }

  append(at: usize, size: usize): void {
    const needed = this.length + size;
    if (needed > this.capacity) this.grow(needed);
    memory.copy(this.at + this.length, at, size);
    this.length = needed;
  }

  private grow(needed: usize): void {
    let capacity = max(this.capacity, KEPT / 4);
    while (capacity < needed) capacity *= 2;
    const larger = heap.alloc(capacity);
    memory.copy(larger, this.at, this.length);
    if (this.at) heap.free(this.at);
    this.at = larger;
    this.capacity = capacity;
  }
}

/** Maximum capacity in bytes that is kept for later callbacks. */
const KEPT: usize = 262144;

export const output: Output = new Output();
