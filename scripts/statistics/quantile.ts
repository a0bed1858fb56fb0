/** Computes quantiles from a histogram's buckets, as Prometheus's `histogram_quantile` does. */

/** The number of observations at or below each upper bound. The last bound is Infinity, with all observations. */
export type Buckets = Map<number, number>;

/** Adds a bucket's `amount` to the bucket with the same upper bound. */
export function count(buckets: Buckets, bound: number, amount: number): void {
  buckets.set(bound, (buckets.get(bound) ?? 0) + amount);
}

/** The value below which a share of the observations lies, in the unit of the bounds, as far as the histogram shows it. */
export interface Quantile {
  /** The bounds of the quantile's bucket. The upper bound of the last bucket is Infinity. */
  lower: number;
  upper: number;
  /** The interpolated value: assumes that observations are spread evenly within the bucket. Infinity in the last bucket. */
  value: number;
  /** The number of all observations. */
  count: number;
}

/** The quantile for the share `q` (0 to 1); undefined if there are no observations. */
export function histogramQuantile(q: number, buckets: Buckets): Quantile | undefined {
  const sorted = [...buckets].sort(([a], [b]) => a - b);
  const total = sorted.at(-1)?.[1] ?? 0;
  if (total === 0) return undefined;
  const rank = q * total;
  let lower = 0;
  let below = 0;
  for (const [upper, count] of sorted) {
    if (count >= rank) {
      const share = count === below ? 1 : (rank - below) / (count - below);
      return { lower, upper, value: upper === Infinity ? Infinity : lower + (upper - lower) * share, count: total };
    }
    lower = upper;
    below = count;
  }
  return undefined;
}
