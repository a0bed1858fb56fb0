import { Attribute } from "./attribute";

/** SpanKind (opentelemetry-proto, trace.proto). */
export enum SpanKind {
  Internal = 1,
  Server = 2,
  Client = 3,
}

/** The events of a span. */
export enum SpanEvent {
  /** The first byte of the response body passed. */
  FirstByte,
  Progress,
  /** A limit makes the request wait. */
  LimitQueued,
  /** The request stops waiting and goes to the server. */
  LimitAdmitted,
  Denied,
  Limited,
}

/** The names, in the order of {@link SpanEvent}. */
export const SPAN_EVENT_NAMES: string[] = [
  "mcp.response.first_byte",
  "mcp.progress",
  "mcp.limit.queued",
  "mcp.limit.admitted",
  "mcp.denied",
  "mcp.limited",
];

/** Maximum number of bytes written of a text. Longer texts are truncated. */
export const SPAN_TEXT_LIMIT: i32 = 256;

/** Number of bytes left free before a span, for what delimits it in a request. */
const FRAME_ROOM: i32 = 16;
/**
 * Maximum number of bytes that one call of a writer writes: a text of {@link SPAN_TEXT_LIMIT} bytes, each as `\u00xx`,
 * and a name.
 */
const CALL_ROOM: i32 = 4096;

/**
 * Writes one span at a time as an OTLP `Span` (opentelemetry-proto, trace.proto) in one encoding, into its own memory.
 * Call {@link begin}, then add attributes, then events, then links, then call {@link end}. Texts are UTF-8 and are
 * truncated to 256 bytes; invalid and truncated sequences are replaced. Times are in nanoseconds since 1970. Allocates
 * only if a span is longer than all before it.
 */
export abstract class SpanWriter {
  /** The written bytes: `length` bytes, valid until the next write. */
  at: usize = 0;
  length: i32 = 0;
  private capacity: i32 = 0;

  /** Begins a span. `parentId` is 0 if it has no parent. `isError`: the status is Error, otherwise unset. The name
   *  has the `methodLength` bytes of the method and, if there are any, a space and the `targetLength` bytes of the
   *  target. */
  abstract begin(
    traceHigh: u64,
    traceLow: u64,
    spanId: u64,
    parentId: u64,
    kind: SpanKind,
    isError: bool,
    startedAt: u64,
    endedAt: u64,
    method: usize,
    methodLength: i32,
    target: usize,
    targetLength: i32,
  ): void;

  /** Writes an attribute whose value is a text. */
  abstract text(attribute: Attribute, at: usize, length: i32): void;

  /** Writes an attribute whose value is an integer. */
  abstract integer(attribute: Attribute, value: i64): void;

  /** Writes an event at this time. */
  abstract event(event: SpanEvent, at: u64): void;

  /** Writes the number of dropped events. */
  abstract droppedEvents(count: u32): void;

  /** Writes a link to a span. `type` is the value of the attribute `mcp.link.type`, in ASCII. */
  abstract link(traceHigh: u64, traceLow: u64, spanId: u64, type: usize, typeLength: i32): void;

  /** Completes the span, for `Exporter.add`. Before this call, a copy of the written bytes may be kept and continued
   *  later: see {@link resume}. */
  abstract end(): void;

  /** Continues a span from a copy, at `at`, of everything written before {@link end}. Only {@link link} and {@link
   *  end} may follow. `hasLinks`: the copy has links. */
  resume(at: usize, length: i32, _hasLinks: bool): void {
    this.clear();
    this.makeRoom(length);
    memory.copy(this.at, at, length);
    this.length = length;
  }

  /** Discards the written bytes, so that the next write begins a span. */
  protected clear(): void {
    // Leaves room for the frame. The frame of the previous span may have moved `at`.
    if (this.capacity) this.at = this.base + FRAME_ROOM;
    this.length = 0;
    this.makeRoom(0);
  }

  /** Reserves room for the bytes of one call, and `more` bytes. */
  @inline
  protected makeRoom(more: i32): void {
    if (this.length + more + CALL_ROOM > this.capacity) this.grow(this.length + more + CALL_ROOM);
  }

  private base: usize = 0;

  private grow(needed: i32): void {
    let capacity = 2 * CALL_ROOM;
    while (capacity < needed) capacity *= 2;
    const base = heap.alloc(FRAME_ROOM + capacity);
    if (this.base) {
      memory.copy(base + FRAME_ROOM, this.at, this.length);
      heap.free(this.base);
    }
    this.base = base;
    this.at = base + FRAME_ROOM;
    this.capacity = capacity;
  }
}
