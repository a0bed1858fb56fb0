import { NANOSECONDS_PER_MILLISECOND, NANOSECONDS_PER_SECOND } from "../memory/elapsed";

/** Intervals of at least this length are rounded up to whole nanoseconds, which reduces the rate by at most a thousandth. */
const WHOLE_FROM_NS: u64 = 1000;
/** The longest time, 146 years. The sum of two such times and a time of day fits in a u64. */
const MAX_NS: u64 = 1 << 62;

/** How fast an allowance refills, and how much it holds. All computed times are whole nanoseconds, rounded up. */
export class Rate {
  /** The time in which an empty allowance refills. */
  readonly toleranceNs: u64;
  /** The period in which `amount` units refill. */
  readonly perNs: u64;
  /** The longest time that an allowance in debt needs to refill: {@link toleranceNs} and one period, in seconds. */
  readonly longestSeconds: u32;
  /** One unit refills in `wholeNs` + `partNs` / `divisor` nanoseconds. */
  private wholeNs: u64;
  private partNs: u64;
  private divisor: u64;

  /**
   * @param amount the number of units that refill in `perMs`; 0 counts as 1.
   * @param perMs at most 30 days; 0 counts as 1.
   * @param burst the maximum that the allowance holds; less if that would take more than 146 years to refill.
   */
  constructor(
    amount: u32,
    perMs: u64,
    readonly burst: u32,
  ) {
    const perNs = max<u64>(perMs, 1) * NANOSECONDS_PER_MILLISECOND;
    this.perNs = perNs;
    this.divisor = max<u64>(amount, 1);
    this.wholeNs = perNs / this.divisor;
    this.partNs = perNs % this.divisor;
    if (this.partNs && this.wholeNs >= WHOLE_FROM_NS) {
      this.wholeNs++;
      this.partNs = 0;
    }
    this.toleranceNs = this.timeFor(burst);
    const longestSeconds = (this.toleranceNs + perNs) / NANOSECONDS_PER_SECOND + 1;
    this.longestSeconds = <u32>min<u64>(longestSeconds, u32.MAX_VALUE);
  }

  /** The time in which `count` units refill, at most 146 years. */
  timeFor(count: u32): u64 {
    if (this.wholeNs && <u64>count > MAX_NS / this.wholeNs) return MAX_NS;
    let time = <u64>count * this.wholeNs;
    if (this.partNs) time += (<u64>count * this.partNs + this.divisor - 1) / this.divisor;
    return min(time, MAX_NS);
  }

  /** The number of whole units that refill in this time, at most `burst`. */
  countIn(timeNs: u64): u32 {
    if (!this.partNs) return this.wholeNs ? <u32>min<u64>(timeNs / this.wholeNs, this.burst) : this.burst;
    // The rate is above a million a second, so the last unit need not be exact.
    return <u32>min<f64>((<f64>timeNs * <f64>this.divisor) / <f64>this.perNs, this.burst);
  }
}
