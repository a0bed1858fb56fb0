/** The maximum number of open containers. Each needs one bit. */
export const DEPTH_LIMIT: u32 = 512;

/** The maximum number of containers in {@link Nesting.word}. */
export const WORD_DEPTH: u64 = 64;

/** The open containers, and which of them are objects. */
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

  /** Whether the innermost container is an object. At least one container must be open. */
  get inObject(): bool {
    const innermost = this.depth - 1;
    return (load<u8>(this.bits + (innermost >> 3)) & (1 << (innermost & 7))) != 0;
  }

  /** The outermost {@link WORD_DEPTH} containers, the outermost in the lowest bit: 1 for an object, 0 for an array. Bits from
   *  the depth on are undefined. */
  get word(): u64 {
    return load<u64>(this.bits);
  }

  /** Replaces the open containers by at most {@link WORD_DEPTH} others. */
  setWord(word: u64, depth: u32): void {
    store<u64>(this.bits, word);
    this.depth = depth;
  }

  /** The address of the bits, one per container (1 for an object). They follow this object in memory. */
  private get bits(): usize {
    return changetype<usize>(this) + offsetof<Nesting>();
  }
}

/** The size in bytes of a {@link Nesting} and its bits. */
@inline
export const NESTING_SIZE: usize = offsetof<Nesting>() + <usize>DEPTH_LIMIT / 8;
