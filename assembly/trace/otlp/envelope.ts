/** The most bytes of a resource attribute's name or value that are sent. */
export const RESOURCE_TEXT_LIMIT: i32 = 1024;

/**
 * What stands around spans in a request to the collector, an `ExportTraceServiceRequest` of one resource and one scope: call
 * {@link prepare}, write the head, then the spans as `SpanWriter` has left them, then the tail.
 */
export abstract class Envelope {
  /** The `content-type` of a request. */
  abstract get contentType(): string;

  /** Bytes at the beginning of the first span that are left out. */
  abstract get separatorLength(): i32;

  /** Spans of `length` bytes in all follow, without what is left out. Returns the bytes of the head. */
  abstract prepare(length: i32): i32;

  /** Writes the head. */
  abstract writeHead(at: usize): void;

  abstract get tailLength(): i32;

  abstract writeTail(at: usize): void;
}
