import { EMPTY_HASH, extendHash } from "./vocabulary";

/** ASCII letters of a word that are hashed at once: a number of 64 bits, the first letter lowest. */
export const PACK: u32 = 8;

/** The hash of a word, letter by letter. */
@unmanaged
export class WordHash {
  /** The hash of the word without its last ASCII letters, which are in `pack`. */
  private hash: u64;
  /** The last ASCII letters, fewer than {@link PACK}, the first letter lowest. */
  private pack: u64;
  /** How many letters `pack` contains. */
  private packed: u32;

  /** Ready for another word. */
  @inline
  clear(): void {
    this.hash = EMPTY_HASH;
    this.pack = 0;
    this.packed = 0;
  }

  /** Adds a letter, given as its code point. */
  @inline
  extend(letter: u32): void {
    if (letter >= 0x80) {
      this.hash = extendHash(extendHash(this.hash, this.pack), letter);
    } else {
      this.pack |= (<u64>letter) << (this.packed * 8);
      if (++this.packed < PACK) return;
      this.hash = extendHash(this.hash, this.pack);
    }
    this.pack = 0;
    this.packed = 0;
  }

  /** Continues after a word whose last `packed` letters are in `pack` and whose letters before have this hash. */
  @inline
  set(hash: u64, pack: u64, packed: u32): void {
    this.hash = hash;
    this.pack = pack;
    this.packed = packed;
  }

  /** The hash of all letters. */
  @inline
  get value(): u64 {
    return this.hash ^ this.pack;
  }
}
