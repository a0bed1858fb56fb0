const NANOSECONDS_PER_MILLISECOND: u64 = 1_000_000;

/** Tells the time. */
export abstract class Clock {
  /** Nanoseconds since the Unix epoch, for what is computed with times. */
  abstract now(): u64;

  /** Nanoseconds since the Unix epoch, for what shows the time: the same, unless an implementation corrects {@link now}. */
  wallNow(): u64 {
    return this.now();
  }

  /** {@link now} in milliseconds. */
  get milliseconds(): u64 {
    return this.now() / NANOSECONDS_PER_MILLISECOND;
  }
}
