import { TRACE_CONTEXT_SIZE, TraceContext } from "../../http/trace_context";
import { Pool } from "../../memory/pool";

/** What traces keep of a stream, where they are recorded. Pooled. */
@unmanaged
export class StreamTrace {
  /** What the ids of its spans are made of; never 0. */
  spanSeed: u64;
  /** The traces of the sessions that its request and its response name, where proxies share a key for them; 0 elsewhere. */
  sessionHigh: u64;
  sessionLow: u64;
  newSessionHigh: u64;
  newSessionLow: u64;
  /** When the first byte of its response's body passed, in nanoseconds; 0 until then, and where no span needs it. */
  firstByteAt: u64;
  /** When a limit began to hold its request, in nanoseconds; 0 for never. */
  queuedAt: u64;
  /** The rule that rejected a message of it, and what kind of rule it is: see {@link RejectingRule}. */
  rejectingRule: i32;
  rejectingKind: u8;
  /** A span of it may be exported. */
  hasSpans: bool;
  /** The address of the first of its spans that have ended and wait for its end; 0 for none. */
  endedSpans: usize;

  static take(): StreamTrace {
    return changetype<StreamTrace>(pool.take());
  }

  /** It must not be used any more. */
  release(): void {
    pool.release(changetype<usize>(this));
  }

  /** The trace context in the request's headers, or none. */
  @inline
  get header(): TraceContext {
    return changetype<TraceContext>(changetype<usize>(this) + HEADER_AT);
  }

  /** The trace context in the `_meta` of the client's message that was read last, or none. */
  @inline
  get meta(): TraceContext {
    return changetype<TraceContext>(changetype<usize>(this) + META_AT);
  }
}

const HEADER_AT: usize = (offsetof<StreamTrace>() + 7) & ~7;
const META_AT: usize = HEADER_AT + TRACE_CONTEXT_SIZE;
const pool = new Pool(META_AT + TRACE_CONTEXT_SIZE);

/** That of streams of which no traces are recorded: all zeros, which nobody changes. */
export const NO_TRACE = StreamTrace.take();
