/** Computes with times. Times are unsigned and the clocks of workers differ, so all differences and comparisons of times use
 *  these functions. */

export const NANOSECONDS_PER_MILLISECOND: u64 = 1_000_000;
export const NANOSECONDS_PER_SECOND: u64 = 1_000_000_000;

/** The time from `start` to `end`, in the unit of both; 0 if `end` is before `start`. */
@inline
export function elapsed(start: u64, end: u64): u64 {
  return <u64>max<i64>(end - start, 0);
}

/** Whether the time `at` is not after `now`. */
@inline
export function hasCome(at: u64, now: u64): bool {
  return <i64>(now - at) >= 0;
}

/** Whether two times are less than `span` apart, in either order. All three have the same unit. */
export function isWithin(span: u64, one: u64, other: u64): bool {
  return elapsed(one, other) < span && elapsed(other, one) < span;
}
