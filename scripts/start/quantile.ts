/** Quantiles out of a histogram's buckets, as Prometheus's `histogram_quantile` computes them. */

/** Observations at or below each upper bound; the last bound is Infinity and holds all. */
export type Buckets = Map<number, number>;

/** What a histogram says of the value below which a share of the observations lies, in the bounds' unit. */
export interface Quantile {
  /** Bounds of its bucket; the upper one is Infinity in the last one. */
  lower: number;
  upper: number;
  /** Interpolated: taken as if the observations were spread evenly within the bucket. Infinity in the last one. */
  value: number;
  /** All observations. */
  count: number;
}

/** The quantile of the share `q` (0 to 1); undefined where nothing was observed. */
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
