import { Clock } from "../host/clock";
import { NANOSECONDS_PER_MILLISECOND } from "../memory/elapsed";

/** A larger step of the host's clock is not elapsed time: the clock was set, or the process was suspended. */
const JUMP_NS: i64 = 60_000_000_000;

/** The correction of the host's clock on this worker, modulo 2^64. */
let correctionNs: u64 = 0;
/** The latest corrected time; 0 if none was read. */
let lastNs: u64 = 0;

/**
 * The host's clock without its jumps: it does not go back when the clock is set back, nor ahead when it is set forward. All
 * workers of a process agree on it, since {@link ServiceClock} stores it in shared data: see {@link alignClock}.
 */
export class SteadyClock extends Clock {
  constructor(private host: Clock) {
    super();
  }

  now(): u64 {
    const now = this.host.now() + correctionNs;
    const stepNs = <i64>(now - lastNs);
    if (lastNs && stepNs < -JUMP_NS) {
      correctionNs -= stepNs;
      return lastNs;
    }
    lastNs = now;
    return now;
  }

  wallNow(): u64 {
    return this.host.now();
  }
}

/** Corrects this worker's clock if it shows `nowMs` when another worker, or this one, has just read `sharedMs`. Returns the
 *  corrected time in milliseconds. */
export function alignClock(nowMs: u64, sharedMs: u64): u64 {
  const stepNs = <i64>((nowMs - sharedMs) * NANOSECONDS_PER_MILLISECOND);
  if (stepNs >= -JUMP_NS && stepNs <= JUMP_NS) return nowMs;
  correctionNs -= stepNs;
  lastNs -= stepNs;
  return sharedMs;
}
