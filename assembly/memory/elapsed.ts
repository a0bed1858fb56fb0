/** Times are unsigned, and clocks of workers differ: whatever is computed of two of them goes through these. */

export const NANOSECONDS_PER_MILLISECOND: u64 = 1_000_000;

/** The time from `start` to `end`, in the unit of both; 0 where `end` is the earlier one. */
@inline
export function elapsed(start: u64, end: u64): u64 {
  return <u64>max<i64>(end - start, 0);
}

/** Whether the time `at` has come. */
@inline
export function hasCome(at: u64, now: u64): bool {
  return <i64>(now - at) >= 0;
}

/** Whether two times, in one unit, are less than `span` apart, whichever is the earlier one. */
export function isWithin(span: u64, one: u64, other: u64): bool {
  return elapsed(one, other) < span && elapsed(other, one) < span;
}
