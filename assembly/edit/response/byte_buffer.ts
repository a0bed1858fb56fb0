const MIN_CAPACITY: i32 = 512;
/** Maximum capacity in bytes that is kept when the buffer is cleared: enough for an ordinary definition. */
const KEPT: i32 = 4096;

/** A growing buffer of bytes in unmanaged memory. It is part of another block, and its fields must start as zeros. */
@unmanaged
export class ByteBuffer {
  at: usize;
  length: i32;
  private capacity: i32;

  append(at: usize, size: i32): void {
    const needed = this.length + size;
    if (needed > this.capacity) this.grow(needed);
    memory.copy(this.at + this.length, at, size);
    this.length = needed;
  }

  /** Empties the buffer, and frees its memory only if that is large. */
  clear(): void {
    this.length = 0;
    if (this.capacity > KEPT) this.free();
  }

  /** Empties the buffer and frees its memory. */
  free(): void {
    if (this.at) heap.free(this.at);
    this.at = 0;
    this.length = 0;
    this.capacity = 0;
  }

  private grow(needed: i32): void {
    let capacity = max(this.capacity, MIN_CAPACITY);
    while (capacity < needed) capacity *= 2;
    const larger = heap.alloc(capacity);
    memory.copy(larger, this.at, this.length);
    if (this.at) heap.free(this.at);
    this.at = larger;
    this.capacity = capacity;
  }
}

export const BYTE_BUFFER_SIZE: usize = (offsetof<ByteBuffer>() + 7) & ~7;
