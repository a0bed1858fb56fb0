import { FINAL_ROUNDS, ROUNDS, hashKey0, hashKey1, neverZero } from "./keyed_hash";
import { sipAbsorb, sipBegin, sipEnd } from "./siphash";

/** The {@link keyedHash} of a byte stream, fed in chunks. The chunk boundaries do not affect the hash. */
@unmanaged
export class StreamHash {
  /** The state of SipHash: four words. They come first, so the address of this object is the address of the state. */
  private v0: u64;
  private v1: u64;
  private v2: u64;
  private v3: u64;
  /** The bytes that do not fill a word yet; the first one is the lowest byte. */
  private rest: u64;
  private length: u64;

  reset(): void {
    sipBegin(this.state, hashKey0(), hashKey1());
    this.rest = 0;
    this.length = 0;
  }

  feed(at: usize, length: usize): void {
    const end = at + length;
    const held = <u32>(this.length & 7);
    this.length += length;
    if (held) {
      let count = held;
      while (at < end && count < 8) this.rest |= (<u64>load<u8>(at++)) << (count++ * 8);
      if (count < 8) return;
      const word = this.restAt;
      sipAbsorb(this.state, word, word + sizeof<u64>(), ROUNDS);
      this.rest = 0;
    }
    const words = at + ((end - at) & ~7);
    sipAbsorb(this.state, at, words, ROUNDS);
    for (let count = 0; words + count < end; count++) this.rest |= (<u64>load<u8>(words + count)) << (count * 8);
  }

  /** The hash of all bytes since {@link reset}. Never 0. */
  get value(): u64 {
    return neverZero(sipEnd(this.state, this.rest | (this.length << 56), ROUNDS, FINAL_ROUNDS));
  }

  private get state(): usize {
    return changetype<usize>(this);
  }

  private get restAt(): usize {
    return changetype<usize>(this) + offsetof<StreamHash>("rest");
  }
}
