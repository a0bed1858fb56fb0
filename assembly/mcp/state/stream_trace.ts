import { TRACE_CONTEXT_SIZE, TraceContext } from "../../http/trace_context";
import { Pool } from "../../memory/pool";

/** The trace data of a stream, if traces are recorded. Pooled. */
@unmanaged
export class StreamTrace {
  /** The number from which span ids are derived. Never 0. */
  spanSeed: u64;
  /** The trace ids of the sessions in the request and in the response if proxies share a key for them; otherwise 0. */
  sessionHigh: u64;
  sessionLow: u64;
  newSessionHigh: u64;
  newSessionLow: u64;
  /** The time when the first byte of the response body passed, in nanoseconds; 0 until then, and if no span needs it. */
  firstByteAt: u64;
  /** The time when a limit began to hold the request, in nanoseconds; 0 for never. */
  queuedAt: u64;
  /** The index of the rule that rejected a message, and its {@link RejectingRule}. */
  rejectingRule: i32;
  rejectingKind: u8;
  /** Whether a span of the stream may be exported. */
  hasSpans: bool;
  /** The address of the first ended span that waits for the end of the stream; 0 for none. */
  endedSpans: usize;

  static acquire(): StreamTrace {
    return changetype<StreamTrace>(pool.acquire());
  }

  /** Returns the object to the pool. It must not be used afterwards. */
  release(): void {
    pool.release(changetype<usize>(this));
  }

  /** The trace context in the request headers, empty if there is none. */
  @inline
  get header(): TraceContext {
    return changetype<TraceContext>(changetype<usize>(this) + HEADER_AT);
  }

  /** The trace context in the `_meta` of the client's latest message, empty if there is none. */
  @inline
  get meta(): TraceContext {
    return changetype<TraceContext>(changetype<usize>(this) + META_AT);
  }
}

const HEADER_AT: usize = (offsetof<StreamTrace>() + 7) & ~7;
const META_AT: usize = HEADER_AT + TRACE_CONTEXT_SIZE;
const pool = new Pool(META_AT + TRACE_CONTEXT_SIZE);

/** The trace data of streams without traces: all zeros. It must not be changed. */
export const NO_TRACE = StreamTrace.acquire();
