import { Clock } from "../host/clock";

/** Steps of the host's clock of more than this are no passing of time: it was set, or the process was suspended. */
const JUMP_NS: i64 = 60_000_000_000;
const NANOSECONDS_PER_MILLISECOND: i64 = 1_000_000;

/** What is added to the host's clock, modulo 2^64, on this worker. */
let correctionNs: u64 = 0;
/** The time that was read last; 0: none was. */
let lastNs: u64 = 0;

/**
 * The host's clock without its jumps: it neither runs back when that is set back, nor ahead with it. All workers of a
 * process agree on it, since {@link ServiceClock} keeps it in shared data: see {@link alignClock}.
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

/** Corrects the clock where it reads `nowMs` while another worker, or this one, has read `sharedMs` a moment ago. Returns the
 *  corrected time in milliseconds. */
export function alignClock(nowMs: u64, sharedMs: u64): u64 {
  const stepNs = <i64>(nowMs - sharedMs) * NANOSECONDS_PER_MILLISECOND;
  if (stepNs >= -JUMP_NS && stepNs <= JUMP_NS) return nowMs;
  correctionNs -= stepNs;
  lastNs -= stepNs;
  return sharedMs;
}
