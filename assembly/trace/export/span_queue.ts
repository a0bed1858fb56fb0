/** Receives spans that are complete. */
export abstract class SpanQueue {
  /** Keeps a span, in the encoding of the collector, until it is sent. The bytes may be overwritten afterwards. */
  abstract add(at: usize, length: i32): void;
}
