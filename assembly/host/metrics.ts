/** The proxy's metrics. Each has an id, which is looked up by name once. */
export abstract class Metrics {
  /** The id of the counter of this name (bytes), created if it does not exist. */
  abstract counter(name: usize, length: i32): u32;
  /** The id of the gauge of this name (bytes), created if it does not exist. */
  abstract gauge(name: usize, length: i32): u32;
  /** The id of the histogram of this name (bytes), created if it does not exist. */
  abstract histogram(name: usize, length: i32): u32;
  /** Adds to a counter. */
  abstract add(id: u32, amount: u64): void;
  /** Adds a value to a histogram, or sets a gauge. */
  abstract record(id: u32, value: u64): void;
}
