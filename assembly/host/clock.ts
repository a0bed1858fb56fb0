import { NANOSECONDS_PER_MILLISECOND } from "../memory/elapsed";

/** The proxy's clock. */
export abstract class Clock {
  /** Nanoseconds since the Unix epoch, for computing durations and deadlines. */
  abstract now(): u64;

  /** Nanoseconds since the Unix epoch, for displayed timestamps. Equals {@link now} unless an implementation corrects that. */
  wallNow(): u64 {
    return this.now();
  }

  /** Milliseconds since the Unix epoch, from {@link now}. */
  get milliseconds(): u64 {
    return this.now() / NANOSECONDS_PER_MILLISECOND;
  }
}
