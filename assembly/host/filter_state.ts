/** Values on a stream that other parts of the proxy can read, such as its access log. */
export abstract class FilterState {
  /** Sets a value of the current stream: `length` bytes at `value` under a name (ASCII). */
  abstract set(name: string, value: usize, length: i32): void;
}
