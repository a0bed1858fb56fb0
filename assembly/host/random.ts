/** Random numbers that cannot be predicted. */
export abstract class Random {
  /** 64 random bits. */
  abstract next(): u64;
}
