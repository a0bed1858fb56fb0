/**
 * The kinds of numbers that a worker publishes in its slot, by the highest bits of a number's name. The names of gauges
 * have none of these bits and are their indices.
 */

/** The age of an operation. */
export const IS_AGE: u32 = 0x80000000;
/** The number of requests that wait for a rule of `limits`. */
export const IS_QUEUE: u32 = 0x40000000;
/** The number of a tool's calls in flight, or the maximum number of them. */
export const IS_CONCURRENCY: u32 = 0x20000000;
