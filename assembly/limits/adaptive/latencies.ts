/** Bits of a bucket's number behind those of the exponent: 32 buckets for each power of two, 2 to 3 % wide. */
const FRACTION_BITS: u32 = 5;
const SHIFT: u32 = 23 - FRACTION_BITS;
/** Three powers of two on each side of the value that is expected. */
const BUCKETS: i32 = 192;
/** More than this a bucket cannot count. */
const COUNT_LIMIT: i32 = 60_000;

/** The latencies of some calls as a histogram, whose quantiles cost no sorting. Latencies that are more than eight times what is
 *  expected, or less than an eighth, count in the outermost buckets. */
export class Latencies {
  /** Calls that have begun, but for those whose latency says nothing; and how many of them have ended. */
  begun: i32 = 0;
  ended: i32 = 0;
  private counts: StaticArray<u16> = new StaticArray<u16>(BUCKETS);
  /** The number of the first bucket; 0 until that is known. */
  private first: i32 = 0;

  /** Forgets all. `expected`: about what will be added, in any unit; 0 where that is not known: then it is the first value. */
  clear(expected: f64): void {
    this.counts.fill(0);
    this.begun = 0;
    this.ended = 0;
    this.first = expected > 0 ? bucketOf(expected) - BUCKETS / 2 : 0;
  }

  /** A call that has begun has ended. `isAnswered`: its latency counts. */
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

  /** Of all that have begun, those that have not ended being the longest: so nothing favours short ones. 0 where more than half have
   *  not ended. */
  get median(): f64 {
    return this.quantile(0.5 * <f64>this.begun);
  }

  /** The median of those that have ended. */
  get medianOfEnded(): f64 {
    return this.quantile(0.5 * <f64>this.ended);
  }

  /** The distance between the quartiles, as a part of the median: if the upper quartile is as far from it as the lower one. */
  get spread(): f64 {
    return 2 * (1 - this.quantile(0.25 * <f64>this.begun) / this.median);
  }

  /** The value of a rank; 0 where there are not as many. */
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

/** The exponent and the first bits of the fraction. */
@inline
function bucketOf(value: f64): i32 {
  return <i32>(reinterpret<u32>(<f32>max(value, 1)) >> SHIFT);
}

/** The least value of a bucket. */
@inline
function startOf(bucket: i32): f64 {
  return <f64>reinterpret<f32>((<u32>bucket) << SHIFT);
}
