/** Maximum number of bytes sent of a resource attribute's name or value. */
export const RESOURCE_TEXT_LIMIT: i32 = 1024;

/**
 * The parts around the spans in a request to the collector, an `ExportTraceServiceRequest` with one resource and one
 * scope. Call {@link prepare}, write the head, then the spans as `SpanWriter` produced them, then the tail.
 */
export abstract class Envelope {
  /** The `content-type` of a request. */
  abstract get contentType(): string;

  /** Number of bytes to omit at the beginning of the first span. */
  abstract get separatorLength(): i32;

  /** Prepares for spans of `length` bytes in total, without the omitted separator. Returns the size of the head in
   *  bytes. */
  abstract prepare(length: i32): i32;

  /** Writes the head. */
  abstract writeHead(at: usize): void;

  abstract get tailLength(): i32;

  abstract writeTail(at: usize): void;
}
