/** Number of fraction bits in a bucket's number: 32 buckets for each power of two, each 2 to 3 % wide. */
const FRACTION_BITS: u32 = 5;
const SHIFT: u32 = 23 - FRACTION_BITS;
/** Three powers of two on each side of the expected value. */
const BUCKETS: i32 = 192;
/** Maximum number of calls, because a bucket counts in 16 bits. */
const COUNT_LIMIT: i32 = 60_000;

/**
 * A histogram of the latencies of calls, which gives quantiles without sorting. Latencies above eight times the
 * expected value, or below an eighth of it, count in the outermost buckets.
 */
export class Latencies {
  /** Number of calls that have begun, without those whose latency does not count; and the number of those that have
   *  ended. */
  begun: i32 = 0;
  ended: i32 = 0;
  private counts: StaticArray<u16> = new StaticArray<u16>(BUCKETS);
  /** The number of the first bucket; 0 until it is known. */
  private first: i32 = 0;

  /** Clears the histogram. `expected` is an approximate value in any unit; 0 if unknown, and then the first value is
   *  used. */
  clear(expected: f64): void {
    this.counts.fill(0);
    this.begun = 0;
    this.ended = 0;
    this.first = expected > 0 ? bucketOf(expected) - BUCKETS / 2 : 0;
  }

  /** Ends a call that has begun. `isAnswered`: its latency counts. */
  end(latency: f64, isAnswered: bool): void {
    if (!isAnswered || this.ended >= COUNT_LIMIT) {
      this.begun--;
      return;
    }
    const bucket = bucketOf(latency);
    if (!this.first) this.first = bucket - BUCKETS / 2;
    this.counts[max(0, min(BUCKETS - 1, bucket - this.first))]++;
    this.ended++;
  }

  /** The median of all calls that have begun. Unfinished ones count as the longest, so that short ones are not
   *  favoured. 0 if more than half have not ended. */
  get median(): f64 {
    return this.quantile(0.5 * <f64>this.begun);
  }

  /** The median of the calls that have ended. */
  get medianOfEnded(): f64 {
    return this.quantile(0.5 * <f64>this.ended);
  }

  /** The interquartile range relative to the median, assuming that both quartiles have the same distance from it. */
  get spread(): f64 {
    return 2 * (1 - this.quantile(0.25 * <f64>this.begun) / this.median);
  }

  /** The value at a rank; 0 if there are fewer values. */
  private quantile(rank: f64): f64 {
    let before: f64 = 0;
    for (let i = 0; i < BUCKETS; i++) {
      const here = <f64>this.counts[i];
      if (here && before + here >= rank) {
        const low = startOf(this.first + i);
        return low + (startOf(this.first + i + 1) - low) * ((rank - before) / here);
      }
      before += here;
    }
    return 0;
  }
}

/** The number of a value's bucket: its exponent and the first bits of its fraction. */
@inline
function bucketOf(value: f64): i32 {
  return <i32>(reinterpret<u32>(<f32>max(value, 1)) >> SHIFT);
}

/** The lowest value of a bucket. */
@inline
function startOf(bucket: i32): f64 {
  return <f64>reinterpret<f32>((<u32>bucket) << SHIFT);
}
