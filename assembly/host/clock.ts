/** The wall clock. */
export abstract class Clock {
  /** Nanoseconds since the Unix epoch. */
  abstract now(): u64;
}
