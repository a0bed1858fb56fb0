/** The measured trace configurations. */

/** The cluster of the collector. */
export const COLLECTOR_CLUSTER = "collector";

const NO_ESTIMATES = { tokens: { estimate: false } };

/** No traces. */
export const UNTRACED = NO_ESTIMATES;

/** The span of each operation is exported, and belongs to the trace of its session. */
export const SAMPLED = traced({ ratio: 1 });

/** Nothing is sampled, but failures would be kept. */
export const UNSAMPLED = traced({ ratio: 0, errors: true });

function traced(sample: object): object {
  return { ...NO_ESTIMATES, trace: { cluster: COLLECTOR_CLUSTER, sample } };
}
