import { Attribute } from "./attribute";

/** SpanKind (opentelemetry-proto, trace.proto). */
export enum SpanKind {
  Internal = 1,
  Server = 2,
  Client = 3,
}

/** What happens during a span. */
export enum SpanEvent {
  /** The first byte of the answer's body passed. */
  FirstByte,
  Progress,
  /** A limit lets the request wait. */
  LimitQueued,
  /** It waits no longer: the server has it from now on. */
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

/** The most bytes of a text that are written: what is beyond them is cut off. */
export const SPAN_TEXT_LIMIT: i32 = 256;

/** Room before a span for what delimits it in a request. */
const FRAME_ROOM: i32 = 16;
/** What one call of a writer writes at most: a text of {@link SPAN_TEXT_LIMIT} bytes, each as `\u00xx`, and a name. */
const CALL_ROOM: i32 = 4096;

/**
 * Writes one span at a time as a `Span` of OTLP (opentelemetry-proto, trace.proto) in one encoding, into memory of its own:
 * call {@link begin}, then attributes, then events, then links, then {@link end}. Texts are UTF-8, and are cut at 256 bytes;
 * a sequence that is cut or bad is replaced. Times in nanoseconds since 1970. It allocates nothing, except where a span is
 * longer than all before it.
 */
export abstract class SpanWriter {
  /** What has been written, `length` bytes: valid until more is. */
  at: usize = 0;
  length: i32 = 0;
  private capacity: i32 = 0;

  /** Begins a span. `parentId` is 0 where it has no parent. `isError`: its status is Error, and else unset.
   *  The name is that of `methodLength` bytes, and behind a blank that of `targetLength` bytes, if any. */
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

  /** An attribute whose value is a text. */
  abstract text(attribute: Attribute, at: usize, length: i32): void;

  /** An attribute whose value is an integer. */
  abstract integer(attribute: Attribute, value: i64): void;

  /** An event at this time. The attributes come first. */
  abstract event(event: SpanEvent, at: u64): void;

  /** The number of events that were left out. */
  abstract droppedEvents(count: u32): void;

  /** A link to a span. `type`: the attribute `mcp.link.type`, in ASCII. */
  abstract link(traceHigh: u64, traceLow: u64, spanId: u64, type: usize, typeLength: i32): void;

  /** The span is complete: what has been written is what `Exporter.add` takes. Until then a copy of it may be kept, and gone
   *  on with later: see {@link resume}. */
  abstract end(): void;

  /** Goes on with a span of which a copy of all that was written before {@link end} is at `at`: only {@link link} and
   *  {@link end} may follow. `hasLinks`: it has links. */
  resume(at: usize, length: i32, _hasLinks: bool): void {
    this.clear();
    this.makeRoom(length);
    memory.copy(this.at, at, length);
    this.length = length;
  }

  /** Makes what is written next the beginning of a span. */
  protected clear(): void {
    // Behind the room for the frame of the span before, which may have moved `at`.
    if (this.capacity) this.at = this.base + FRAME_ROOM;
    this.length = 0;
    this.makeRoom(0);
  }

  /** Makes room for what one call writes, and `more` bytes beside it. */
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
