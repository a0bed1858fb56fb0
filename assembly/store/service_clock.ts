import { elapsed, isWithin } from "../memory/elapsed";
import { Store } from "./primitives/store";
import { alignClock } from "./steady_clock";

/** Offsets in the value, u64 each: the elapsed time, and the time of {@link SteadyClock} at the latest advance. */
const ELAPSED_AT_MS: usize = 0;
const CLOCK_AT_MS: usize = 8;
const SIZE: i32 = 16;
/** The minimum time between two advances, in milliseconds. */
const MIN_STEP_MS: u64 = 250;
/** The maximum step of one advance, in milliseconds. */
const MAX_STEP_MS: u64 = 2000;

/**
 * The service time: the time in which this process has served plugin instances, in milliseconds, shared by all workers. It
 * stops while the process is suspended, and a clock that is set forward or back moves it by at most two seconds. An instance
 * that misses a deadline by this clock therefore had every opportunity to meet it.
 */
export class ServiceClock {
  constructor(private shared: Store) {}

  /** Advances the clock to `nowMs` of {@link SteadyClock}, after aligning that with the other workers. Returns the elapsed
   *  service time in milliseconds. Called on ticks. */
  advance(nowMs: u64): u64 {
    const shared = this.shared;
    shared.load("clock");
    let elapsedMs: u64 = 1;
    if (shared.length == SIZE) {
      const lastMs = load<u64>(shared.page, CLOCK_AT_MS);
      elapsedMs = load<u64>(shared.page, ELAPSED_AT_MS);
      nowMs = alignClock(nowMs, lastMs);
      const stepMs = elapsed(lastMs, nowMs);
      // Workers' clocks interleave, so a small step back is not a change of the clock.
      if (stepMs < MIN_STEP_MS && isWithin(MAX_STEP_MS, lastMs, nowMs)) return elapsedMs;
      elapsedMs += min(stepMs, MAX_STEP_MS);
    }
    store<u64>(shared.page, elapsedMs, ELAPSED_AT_MS);
    store<u64>(shared.page, nowMs, CLOCK_AT_MS);
    shared.length = SIZE;
    // If the write fails, another worker has advanced the clock to about the same time.
    shared.save();
    return elapsedMs;
  }
}
