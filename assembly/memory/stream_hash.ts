import { mix } from "./bytes";

const FACTOR: u64 = 0x9e3779b97f4a7c15;

/**
 * A 64-bit hash of bytes that come in pieces, eight at a time; the same however they are cut. No defence against chosen
 * collisions.
 */
@unmanaged
export class StreamHash {
  private state: u64;
  /** The bytes that do not fill a word yet, the first lowest. */
  private rest: u64;
  private length: u64;

  reset(): void {
    this.state = FACTOR;
    this.rest = 0;
    this.length = 0;
  }

  feed(at: usize, length: usize): void {
    const end = at + length;
    let state = this.state;
    const held = <u32>(this.length & 7);
    this.length += length;
    if (held) {
      let count = held;
      while (at < end && count < 8) this.rest |= (<u64>load<u8>(at++)) << (count++ * 8);
      if (count < 8) return;
      state = step(state, this.rest);
      this.rest = 0;
    }
    for (; at + 8 <= end; at += 8) state = step(state, load<u64>(at));
    for (let count = 0; at < end; count++) this.rest |= (<u64>load<u8>(at++)) << (count * 8);
    this.state = state;
  }

  /** The hash of all bytes since {@link reset}. */
  get value(): u64 {
    return mix(step(this.state, this.rest) ^ this.length);
  }
}

@inline
function step(state: u64, word: u64): u64 {
  state = (state ^ word) * FACTOR;
  return state ^ (state >> 29);
}
