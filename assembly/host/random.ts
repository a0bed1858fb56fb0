/** A source of unpredictable random numbers. */
export abstract class Random {
  /** Returns 64 random bits. */
  abstract next(): u64;
}
