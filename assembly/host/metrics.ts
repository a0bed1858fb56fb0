/** The proxy's metrics. Each metric has an id; look it up by name once and keep it. */
export abstract class Metrics {
  /** The id of the counter with this name (bytes). Creates the counter if it does not exist. */
  abstract counter(name: usize, length: i32): u32;
  /** The id of the gauge with this name (bytes). Creates the gauge if it does not exist. */
  abstract gauge(name: usize, length: i32): u32;
  /** The id of the histogram with this name (bytes). Creates the histogram if it does not exist. */
  abstract histogram(name: usize, length: i32): u32;
  /** Adds to a counter. */
  abstract add(id: u32, amount: u64): void;
  /** Adds a value to a histogram, or sets a gauge. */
  abstract record(id: u32, value: u64): void;
}

/** Records nothing. For a host without metrics. */
export class NoMetrics extends Metrics {
  counter(_name: usize, _length: i32): u32 {
    return 0;
  }

  gauge(_name: usize, _length: i32): u32 {
    return 0;
  }

  histogram(_name: usize, _length: i32): u32 {
    return 0;
  }

  add(_id: u32, _amount: u64): void {}

  record(_id: u32, _value: u64): void {}
}
