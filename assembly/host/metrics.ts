/** Keeps metrics, each under an id that is asked for by name once. */
export abstract class Metrics {
  /** The id of the counter of this name (bytes), which is made if it is new. */
  abstract counter(name: usize, length: i32): u32;
  /** The id of the gauge of this name (bytes), which is made if it is new. */
  abstract gauge(name: usize, length: i32): u32;
  /** The id of the histogram of this name (bytes), which is made if it is new. */
  abstract histogram(name: usize, length: i32): u32;
  /** Adds to a counter. */
  abstract add(id: u32, amount: u64): void;
  /** Puts a value into a histogram, or sets a gauge. */
  abstract record(id: u32, value: u64): void;
}
