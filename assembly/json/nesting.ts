/** Containers that may be open at once: a bit is kept for each. */
export const DEPTH_LIMIT: u32 = 512;

/** The number of containers that {@link Nesting.word} describes. */
export const WORD_DEPTH: u64 = 64;

/** The containers that are open, and which of them are objects. */
@unmanaged
export class Nesting {
  depth: u32;

  /** Opens a container inside the innermost one. The depth must be below {@link DEPTH_LIMIT}. */
  open(isObject: bool): void {
    const bits = this.bits + (this.depth >> 3);
    const bit: u32 = 1 << (this.depth & 7);
    const others = (<u32>load<u8>(bits)) & ~bit;
    store<u8>(bits, isObject ? others | bit : others);
    this.depth++;
  }

  /** Closes the innermost container. */
  close(): void {
    this.depth--;
  }

  /** Whether the innermost container is an object. There must be one. */
  get inObject(): bool {
    const innermost = this.depth - 1;
    return (load<u8>(this.bits + (innermost >> 3)) & (1 << (innermost & 7))) != 0;
  }

  /** The outermost {@link WORD_DEPTH} containers, the outermost in the lowest bit: set for an object. What is above the depth is
   *  undefined. */
  get word(): u64 {
    return load<u64>(this.bits);
  }

  /** Replaces the open containers by at most {@link WORD_DEPTH} others. */
  setWord(word: u64, depth: u32): void {
    store<u64>(this.bits, word);
    this.depth = depth;
  }

  /** A bit for each open container, set where it is an object: right behind this object. */
  private get bits(): usize {
    return changetype<usize>(this) + offsetof<Nesting>();
  }
}

/** Bytes that a {@link Nesting} and the bits behind it take. */
@inline
export const NESTING_SIZE: usize = offsetof<Nesting>() + <usize>DEPTH_LIMIT / 8;
