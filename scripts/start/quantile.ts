/** Quantiles out of a histogram's buckets, as Prometheus's `histogram_quantile` computes them. */

/** Observations at or below each upper bound; the last bound is Infinity and holds all. */
export type Buckets = Map<number, number>;

/**
 * The value below which the share `q` (0 to 1) of the observations lies, in the bounds' unit, taken as evenly spread
 * within their bucket; the highest finite bound where it lies above it; undefined where nothing was observed.
 */
export function histogramQuantile(q: number, buckets: Buckets): number | undefined {
  const sorted = [...buckets].sort(([a], [b]) => a - b);
  const total = sorted.at(-1)?.[1] ?? 0;
  if (total === 0) return undefined;
  const rank = q * total;
  let lower = 0;
  let below = 0;
  for (const [bound, count] of sorted) {
    if (count >= rank) {
      if (bound === Infinity) return lower;
      return count === below ? bound : lower + ((bound - lower) * (rank - below)) / (count - below);
    }
    lower = bound;
    below = count;
  }
  return undefined;
}
