import { Envelope } from "../otlp/envelope";
import { SpanRing } from "./span_ring";

/** Maximum size in bytes of the spans in one request. A single larger span is sent alone. */
export const BATCH_LIMIT: i32 = 256 * 1024;

/** The request that is sent, or that will be sent again. */
export class Batch {
  /** The body of the request: `length` bytes. */
  at: usize = 0;
  length: i32 = 0;
  /** The number of spans; 0 if there is no request. */
  count: u32 = 0;
  /** When the request was made, in milliseconds. */
  madeAtMs: u64 = 0;

  /** Makes a request of the oldest spans of the ring, which must not be empty. */
  fill(ring: SpanRing, envelope: Envelope, nowMs: u64): void {
    const count = ring.countUpTo(BATCH_LIMIT);
    const separator = envelope.separatorLength;
    const spansLength = ring.countedLength - separator;
    const headLength = envelope.prepare(spansLength);
    this.length = headLength + spansLength + envelope.tailLength;
    this.at = heap.alloc(this.length);
    // The head overwrites the separator of the first span.
    let at = this.at + headLength - separator;
    for (let i = 0; i < count; i++) at += ring.shift(at);
    envelope.writeHead(this.at);
    envelope.writeTail(at);
    this.count = count;
    this.madeAtMs = nowMs;
  }

  /** Drops the request. Returns the number of spans in it. */
  clear(): u32 {
    const count = this.count;
    if (this.at) heap.free(this.at);
    this.at = 0;
    this.length = 0;
    this.count = 0;
    return count;
  }
}
