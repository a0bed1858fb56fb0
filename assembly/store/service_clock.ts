import { elapsed, isWithin } from "../memory/elapsed";
import { Store } from "./primitives/store";
import { alignClock } from "./steady_clock";

/** The value, u64 each: the elapsed time, and what {@link SteadyClock} read when it was advanced last. */
const ELAPSED_AT_MS: usize = 0;
const CLOCK_AT_MS: usize = 8;
const SIZE: i32 = 16;
/** The clock is not advanced again within this many milliseconds. */
const LEAST_STEP_MS: u64 = 250;
/** One advance counts at most this many milliseconds. */
const MOST_STEP_MS: u64 = 2000;

/**
 * The time in which this process served plugin instances, in milliseconds: all workers share it. It stands still while the
 * process is suspended, and a clock that is set forward or back moves it by at most two seconds, so an instance
 * that misses a deadline by this clock had every opportunity to meet it.
 */
export class ServiceClock {
  constructor(private shared: Store) {}

  /** Advances the clock to the time `nowMs` of {@link SteadyClock}, which is aligned with that of the other workers. Returns
   *  the elapsed time in milliseconds. To be called on ticks. */
  advance(nowMs: u64): u64 {
    const shared = this.shared;
    shared.load("clock");
    let elapsedMs: u64 = 1;
    if (shared.length == SIZE) {
      const lastMs = load<u64>(shared.page, CLOCK_AT_MS);
      elapsedMs = load<u64>(shared.page, ELAPSED_AT_MS);
      nowMs = alignClock(nowMs, lastMs);
      const stepMs = elapsed(lastMs, nowMs);
      // Workers' clocks interleave, so a small step back is none.
      if (stepMs < LEAST_STEP_MS && isWithin(MOST_STEP_MS, lastMs, nowMs)) return elapsedMs;
      elapsedMs += min(stepMs, MOST_STEP_MS);
    }
    store<u64>(shared.page, elapsedMs, ELAPSED_AT_MS);
    store<u64>(shared.page, nowMs, CLOCK_AT_MS);
    shared.length = SIZE;
    // Where the write fails, another worker has advanced it to about the same time.
    shared.save();
    return elapsedMs;
  }
}
