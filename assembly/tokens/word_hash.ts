import { EMPTY_HASH, extendHash } from "./vocabulary";

/** ASCII letters of a word that are hashed at once: a number of 64 bits, the first letter lowest. */
export const PACK: u32 = 8;

/** The hash of a word, letter by letter. */
@unmanaged
export class WordHash {
  /** Of the word without its last ASCII letters, which are in `pack`. */
  protected hash: u64;
  protected pack: u64;
  /** How many they are. */
  protected packed: u32;

  /** Ready for another word. */
  @inline
  clearWord(): void {
    this.hash = EMPTY_HASH;
    this.pack = 0;
    this.packed = 0;
  }

  /** Adds a letter, given as its code point. */
  @inline
  extendWord(letter: u32): void {
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

  /** The hash of all letters. */
  @inline
  get wordHash(): u64 {
    return this.hash ^ this.pack;
  }
}
