/** What a stream carries for others in the proxy to read, its access log among them. */
export abstract class FilterState {
  /** Leaves the bytes under a name (ASCII) on the stream being served. */
  abstract set(name: string, value: usize, length: i32): void;
}
