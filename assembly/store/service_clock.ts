import { Store } from "./primitives/store";

/** The elapsed time and the host's clock when it was advanced last, both in milliseconds. */
const ELAPSED_AT_MS: usize = 0;
const CLOCK_AT_MS: usize = 8;
const SIZE: i32 = 16;
/** The clock is not advanced again within this many milliseconds. */
const LEAST_STEP: i64 = 250;
/** One advance counts at most this many milliseconds. */
const MOST_STEP: i64 = 2000;

/**
 * The time in which this process served plugin instances, in milliseconds: all workers share it. It stands still while the
 * process is suspended, and a host's clock that is set forward or back moves it by at most two seconds, so an instance
 * that misses a deadline by this clock had every opportunity to meet it.
 */
export class ServiceClock {
  constructor(private shared: Store) {}

  /** Advances the clock to the host's time `now` (milliseconds), and returns the elapsed time. To be called on ticks. */
  advance(now: u64): u64 {
    const shared = this.shared;
    shared.load("clock");
    const isNew = shared.length != SIZE;
    let elapsed: u64 = isNew ? 1 : load<u64>(shared.page, ELAPSED_AT_MS);
    if (!isNew) {
      const step = <i64>(now - load<u64>(shared.page, CLOCK_AT_MS));
      // Workers' clocks interleave, so a small step back is none.
      if (step < LEAST_STEP && step > -MOST_STEP) return elapsed;
      elapsed += min<i64>(max<i64>(step, 0), MOST_STEP);
    }
    store<u64>(shared.page, elapsed, ELAPSED_AT_MS);
    store<u64>(shared.page, now, CLOCK_AT_MS);
    shared.length = SIZE;
    // Where the write fails, another worker has advanced it to about the same time.
    shared.save();
    return elapsed;
  }
}
