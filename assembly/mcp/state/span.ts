import { ID_TEXT_LIMIT } from "../../jsonrpc/message_reader";
import { Pool } from "../../memory/pool";
import { StreamTrace } from "./stream_trace";

/** The kind of context that a span links to besides its parent. */
export enum OtherContext {
  None,
  /** The context of the application, in `_meta`. */
  Meta,
  /** The context of the mesh, in the request's headers. */
  Transport,
}

/** The kind of rule that rejected an operation. */
export enum RejectingRule {
  None,
  /** A rule of the access policy, or a `SpecialRule`. */
  Access,
  /** A rule of the limits, or a `SpecialLimit`. */
  Limit,
  /** Several rules rejected messages of the request. */
  Several,
}

/** The maximum number of progress times that a span records. */
export const PROGRESS_LIMIT: u32 = 16;

/**
 * The trace data of an open operation. Only traces read and change it. If the operation waits for its response, the first
 * {@link PACKED_SPAN} bytes and the id move to the store with it: a change of their layout requires another FORMAT. Pooled.
 */
@unmanaged
export class Span {
  /** The trace id; 0 if that depends on the operation's end. */
  traceHigh: u64;
  traceLow: u64;
  spanId: u64;
  /** The id of the parent span; 0 if there is none. */
  parentId: u64;
  /** The span of the context that is not the parent. Its kind is in `other`. */
  otherHigh: u64;
  otherLow: u64;
  otherId: u64;
  /** The trace id of the session if it differs from this trace; 0 for none. */
  sessionHigh: u64;
  sessionLow: u64;
  /** Times in nanoseconds, 0 for never: the arrival of the request, the first byte of the response body, the start of a wait
   *  for limits, and the end of that wait. */
  startedAt: u64;
  firstByteAt: u64;
  queuedAt: u64;
  admittedAt: u64;
  /** The number of progress reports. */
  progress: u32;
  /** The index of the rule that rejected the operation, and its {@link RejectingRule}. */
  rule: i32;
  ruleKind: u8;
  /** An {@link OtherContext}. */
  other: u8;
  /** Whether the span is exported regardless of the operation's outcome. */
  isSampled: bool;
  /** The length of the request's JSON-RPC id as text, in bytes. */
  idLength: u8;
  /** Padding, always 0. */
  unused: u32;

  /** The number of recorded progress times. */
  progressTimes: u32;
  /** Whether the span was selected for export at its end. */
  isKept: bool;
  /** The trace flags of the context that is not the parent. */
  otherFlags: u8;
  /** The list of `open_spans.ts` that contains the span: the key of its session (0 for none), and the addresses of its
   *  neighbours (0 for none). */
  listedUnder: u64;
  older: usize;
  newer: usize;

  static acquire(): Span {
    return changetype<Span>(pool.acquire());
  }

  /** Returns the object to the pool. It must not be used afterwards. */
  release(): void {
    pool.release(changetype<usize>(this));
  }

  /** The address of the request's JSON-RPC id as text. */
  get idText(): usize {
    return changetype<usize>(this) + offsetof<Span>();
  }

  keepId(at: usize, length: u32): void {
    this.idLength = <u8>length;
    memory.copy(this.idText, at, length);
  }

  /** Copies the times of the operation's own stream. Must be called before that stream ends. */
  keepTimes(trace: StreamTrace): void {
    this.queuedAt = trace.queuedAt;
    this.firstByteAt = trace.firstByteAt;
  }

  /** The time of a progress report in nanoseconds. `index` is below {@link progressTimes}. */
  progressAt(index: u32): u64 {
    return load<u64>(this.times + index * sizeof<u64>());
  }

  /** Records `count` progress reports at this time (nanoseconds). */
  addProgress(now: u64, count: u32): void {
    for (let i: u32 = 0; i < count && this.progressTimes < PROGRESS_LIMIT; i++) {
      store<u64>(this.times + this.progressTimes++ * sizeof<u64>(), now);
    }
    this.progress += count;
  }

  private get times(): usize {
    return this.idText + ID_TEXT_LIMIT;
  }
}

const pool = new Pool(offsetof<Span>() + ID_TEXT_LIMIT + PROGRESS_LIMIT * sizeof<u64>());

/** The number of leading bytes of a span that are stored unchanged. */
export const PACKED_SPAN: usize = 120;

if (
  offsetof<Span>("traceHigh") != 0 ||
  offsetof<Span>("spanId") != 16 ||
  offsetof<Span>("otherHigh") != 32 ||
  offsetof<Span>("sessionHigh") != 56 ||
  offsetof<Span>("startedAt") != 72 ||
  offsetof<Span>("progress") != 104 ||
  offsetof<Span>("ruleKind") != 112 ||
  offsetof<Span>("idLength") != 115 ||
  offsetof<Span>("progressTimes") != PACKED_SPAN
)
  ERROR("The layout of Span has changed: see FORMAT.");
