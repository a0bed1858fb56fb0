/** Draws what nobody can guess. */
export abstract class Random {
  /** 64 random bits. */
  abstract next(): u64;
}
