/** What a worker publishes in its slot, by the highest bits of a number's name. The names of gauges, without any of these bits,
 *  are their indices. */

/** The age of an operation. */
export const IS_AGE: u32 = 0x80000000;
/** Requests that wait for a rule of `limits`. */
export const IS_QUEUE: u32 = 0x40000000;
/** Calls of a tool: how many are in flight, or how many may be. */
export const IS_CONCURRENCY: u32 = 0x20000000;
