/** Maximum size of the ring in bytes: a power of two. */
export const RING_LIMIT: i32 = 1 << 20;
const MIN_CAPACITY: i32 = 1 << 14;
/** Maximum memory in bytes that is kept when no span waits. */
const KEPT: i32 = 1 << 16;
const LENGTH_SIZE: i32 = 4;

/**
 * Waiting spans, the oldest first, each with its length before it. Uses no memory before the first span, and at most
 * {@link RING_LIMIT} bytes. A new span that finds no room evicts the oldest ones.
 */
export class SpanRing {
  /** Number of waiting spans. */
  count: i32 = 0;
  /** Total size of the waiting spans in bytes, without their lengths. */
  length: i32 = 0;
  private base: usize = 0;
  /** Capacity in bytes: a power of two, or 0. */
  private capacity: i32 = 0;
  /** Offset of the oldest span. */
  private head: i32 = 0;
  /** Number of used bytes from `head` on, wrapping around at the end. */
  private used: i32 = 0;

  /** Appends a span. Returns the number of spans dropped for it. A span that is too large to be sent is itself
   *  dropped, which returns 1. */
  push(at: usize, length: i32): i32 {
    const size = sizeOf(length);
    if (length > RING_LIMIT / 8) return 1;
    if (this.used + size > this.capacity && this.capacity < RING_LIMIT) this.grow(this.used + size);
    let gone = 0;
    while (this.used + size > this.capacity) {
      this.drop();
      gone++;
    }
    const tail = (this.head + this.used) & (this.capacity - 1);
    store<i32>(this.base + tail, length);
    const start = (tail + LENGTH_SIZE) & (this.capacity - 1);
    const first = min(length, this.capacity - start);
    memory.copy(this.base + start, at, first);
    memory.copy(this.base, at + first, length - first);
    this.used += size;
    this.count++;
    this.length += length;
    return gone;
  }

  /** The number of the oldest spans that together have at most `limit` bytes, or 1 if the oldest is larger. Sets
   *  {@link countedLength}. */
  countUpTo(limit: i32): i32 {
    let count = 0;
    let length = 0;
    let offset = this.head;
    while (count < this.count) {
      const next = load<i32>(this.base + offset);
      if (count && length + next > limit) break;
      length += next;
      count++;
      offset = (offset + sizeOf(next)) & (this.capacity - 1);
    }
    this.countedLength = length;
    return count;
  }

  /** Total size in bytes of the spans that {@link countUpTo} has counted. */
  countedLength: i32 = 0;

  /** Moves the oldest span to `to`. Returns its length. */
  shift(to: usize): i32 {
    const length = load<i32>(this.base + this.head);
    const start = (this.head + LENGTH_SIZE) & (this.capacity - 1);
    const first = min(length, this.capacity - start);
    memory.copy(to, this.base + start, first);
    memory.copy(to + first, this.base, length - first);
    this.drop();
    if (this.count == 0 && this.capacity > KEPT) this.clear();
    return length;
  }

  /** Drops all spans and frees the memory. Returns the number of spans. */
  clear(): i32 {
    const count = this.count;
    if (this.base) heap.free(this.base);
    this.base = 0;
    this.capacity = 0;
    this.head = 0;
    this.used = 0;
    this.count = 0;
    this.length = 0;
    return count;
  }

  /** Drops the oldest span. */
  private drop(): void {
    const length = load<i32>(this.base + this.head);
    const size = sizeOf(length);
    this.head = (this.head + size) & (this.capacity - 1);
    this.used -= size;
    this.count--;
    this.length -= length;
  }

  /** Grows the capacity to at least `needed` bytes, or to {@link RING_LIMIT}. */
  private grow(needed: i32): void {
    let capacity = max(this.capacity, MIN_CAPACITY);
    while (capacity < needed && capacity < RING_LIMIT) capacity *= 2;
    const base = heap.alloc(capacity);
    if (this.base) {
      const first = min(this.used, this.capacity - this.head);
      memory.copy(base, this.base + this.head, first);
      memory.copy(base + first, this.base, this.used - first);
      heap.free(this.base);
    }
    this.base = base;
    this.capacity = capacity;
    this.head = 0;
  }
}

/**
 * Size in bytes of a span with its length, rounded up to a multiple of {@link LENGTH_SIZE}, so that the ring's end
 * never splits a length.
 */
@inline
function sizeOf(length: i32): i32 {
  return LENGTH_SIZE + ((length + LENGTH_SIZE - 1) & ~(LENGTH_SIZE - 1));
}
