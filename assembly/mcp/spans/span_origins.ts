import { TraceConfig, TraceParent } from "../../config/trace_config";
import { TraceContext } from "../../http/trace_context";
import { SessionKey } from "../../identity/keys";
import { SessionTraces, rootSpanId } from "../../identity/session_traces";
import { IdKind } from "../../jsonrpc/id";
import { Bytes, mix } from "../../memory/bytes";
import { neverZero } from "../../memory/keyed_hash";
import { SessionEntry, SessionKind } from "../../store/session_entry";
import { operationKey } from "../operations/operation_key";
import { SessionTracker } from "../sessions/session_tracker";
import { OtherContext, Span } from "../state/span";
import { Stream } from "../state/stream";

/** 2^64. */
const ALL_IDS: f64 = 18446744073709551616.0;

/** Chooses the trace and the parent of spans, and computes their ids. Logs of a request, which are written before its span
 *  starts, get the same ids. */
export class SpanOrigins {
  /** The chosen trace, its parent span (0 for none), and whether the trace is sampled. */
  traceHigh: u64 = 0;
  traceLow: u64 = 0;
  parentId: u64 = 0;
  isSampled: bool = false;
  /** The request's context that is not the parent; null if there is none. */
  other: TraceContext | null = null;
  otherKind: OtherContext = OtherContext.None;
  /** The name of this proxy's role, from which the ids of root spans are derived. */
  readonly role: Bytes;
  /** Trace ids whose lower half is below this number are sampled. If `samplesAll`, all are. */
  private threshold: u64;
  private samplesAll: bool;

  /** @param role `client` or `server`. */
  constructor(
    readonly config: TraceConfig,
    role: string,
    readonly traces: SessionTraces,
    private tracker: SessionTracker,
  ) {
    const ratio = config.sampleRatio;
    this.role = Bytes.of(role);
    this.samplesAll = ratio >= 1;
    this.threshold = ratio > 0 && ratio < 1 ? <u64>(ratio * ALL_IDS) : 0;
  }

  /** Chooses the trace and parent for a client's request. `meta` is the context in its `_meta`; `session` is its session, 0
   *  for none. */
  choose(stream: Stream, meta: TraceContext, session: SessionKey): void {
    const isMeta = this.config.parent == TraceParent.Meta;
    const preferred = isMeta ? meta : stream.trace.header;
    const other = isMeta ? stream.trace.header : meta;
    this.chooseNone(stream, meta);
    if (preferred.isThere) {
      this.follow(preferred);
    } else if (session && this.config.sessions && this.enterSession(stream, session)) {
      return;
    } else if (other.isThere) {
      this.follow(other);
      this.other = null;
    } else {
      this.begin(stream);
    }
  }

  /** Sets `other` to the request's context that is not the parent, if there is one. `meta` is the context in the request's
   *  `_meta`. */
  chooseNone(stream: Stream, meta: TraceContext): void {
    const isMeta = this.config.parent == TraceParent.Meta;
    const other = isMeta ? stream.trace.header : meta;
    this.other = other.isThere && !meta.isSame(stream.trace.header) ? other : null;
    this.otherKind = isMeta ? OtherContext.Transport : OtherContext.Meta;
  }

  /** Whether a request with this context in its `_meta` belongs to the trace of its session, if there is one. */
  mayEnterSession(stream: Stream, meta: TraceContext): bool {
    const preferred = this.config.parent == TraceParent.Meta ? meta : stream.trace.header;
    return this.config.sessions && !preferred.isThere;
  }

  /** Chooses this context as the parent. */
  follow(parent: TraceContext): void {
    this.traceHigh = parent.traceHigh;
    this.traceLow = parent.traceLow;
    this.parentId = parent.spanId;
    this.isSampled = this.config.sampleParent ? parent.isSampled : this.samples(parent.traceLow);
  }

  /** Chooses this span as the parent. */
  enterSpan(parent: Span): void {
    this.traceHigh = parent.traceHigh;
    this.traceLow = parent.traceLow;
    this.parentId = parent.spanId;
    this.isSampled = parent.isSampled;
  }

  /** Chooses the root of the session's trace as the parent. `stream` must be a stream of the session. False if the session
   *  has no trace. */
  enterSession(stream: Stream, session: SessionKey): bool {
    if (!this.findTrace(stream, session)) return false;
    const trace = this.traces;
    this.traceHigh = trace.high;
    this.traceLow = trace.low;
    this.parentId = this.rootId(trace.high, trace.low);
    this.isSampled = this.samples(trace.low);
    return true;
  }

  /** Starts a trace. All messages of a request get the same one. */
  begin(stream: Stream): void {
    this.traceHigh = neverZero(mix(stream.trace.spanSeed ^ 1));
    this.traceLow = neverZero(mix(stream.trace.spanSeed ^ 2));
    this.parentId = 0;
    this.isSampled = this.samples(this.traceLow);
  }

  /** Finds the trace id of a session, in `traces`. `stream` must be a stream of the session. False for an activity window
   *  that has not started. */
  findTrace(stream: Stream, session: SessionKey): bool {
    const trace = stream.trace;
    if (stream.session.id) {
      this.findNamedTrace(session, trace.sessionHigh, trace.sessionLow);
      return true;
    }
    const startedAtMs = this.tracker.startOf(session);
    if (startedAtMs) this.findWindowTrace(session, startedAtMs);
    return startedAtMs != 0;
  }

  /** Finds the trace id of a stored session, in `traces`. */
  findStoredTrace(entry: SessionEntry): void {
    if (entry.kind == <u8>SessionKind.Window) this.findWindowTrace(entry.hash, entry.startedAtMs);
    else this.findNamedTrace(entry.hash, entry.traceHigh, entry.traceLow);
  }

  /** Finds the trace id of a session with an id: the given one, which proxies share, unless it is 0. */
  private findNamedTrace(session: SessionKey, traceHigh: u64, traceLow: u64): void {
    const traces = this.traces;
    if (traceHigh) {
      traces.high = traceHigh;
      traces.low = traceLow;
    } else {
      traces.find(session);
    }
  }

  /** Finds the trace id of an activity window. It differs each time that the window starts. */
  private findWindowTrace(window: SessionKey, startedAtMs: u64): void {
    this.traces.find(neverZero(mix(window ^ mix(startedAtMs))));
  }

  /** The number that identifies the session in spans: its key or, if proxies share a key for session traces, the upper half
   *  of the trace id. */
  shownSession(session: SessionKey, traceHigh: u64): u64 {
    return this.config.sessionKey.length && traceHigh ? traceHigh : session;
  }

  /** The id of the root span of a session's trace, for this proxy's role. */
  rootId(traceHigh: u64, traceLow: u64): u64 {
    return rootSpanId(traceHigh, traceLow, this.role);
  }

  /** Whether the sampling ratio selects the trace with this id. */
  samples(traceLow: u64): bool {
    return this.samplesAll || traceLow < this.threshold;
  }

  /** The span id of the client's request with this JSON-RPC id. */
  spanOf(stream: Stream, kind: IdKind, idHash: u64): u64 {
    return neverZero(mix(stream.trace.spanSeed ^ operationKey(kind, idHash, false)));
  }

  /** The span id of a request that the server sent at `now` (nanoseconds), since one stream may deliver several with the
   *  same JSON-RPC id. */
  spanOfServer(stream: Stream, kind: IdKind, idHash: u64, now: u64): u64 {
    return neverZero(mix(stream.trace.spanSeed ^ operationKey(kind, idHash, true) ^ mix(now)));
  }
}
