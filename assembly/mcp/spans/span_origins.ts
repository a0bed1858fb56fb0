import { TraceConfig, TraceParent } from "../../config/trace_config";
import { TraceContext } from "../../http/trace_context";
import { SessionKey } from "../../identity/keys";
import { SessionTraces, rootSpanId } from "../../identity/session_traces";
import { IdKind } from "../../jsonrpc/id";
import { Bytes, mix } from "../../memory/bytes";
import { neverZero } from "../../memory/keyed_hash";
import { operationKey } from "../operations/operation_key";
import { OtherContext } from "../state/span";
import { Stream } from "../state/stream";

/** 2 to the power of 64. */
const ALL_IDS: f64 = 18446744073709551616.0;

/** Chooses the trace and the parent of spans, and gives them their ids: the same for logs of a request, which are written before
 *  its span begins, and for the span. */
export class SpanOrigins {
  /** Of the span that {@link choose} was called for: its trace, the span of its parent (0 for none), and whether it is sampled. */
  traceHigh: u64 = 0;
  traceLow: u64 = 0;
  parentId: u64 = 0;
  isSampled: bool = false;
  /** It is in the trace of its session, which has found no other one. */
  isInSession: bool = false;
  /** The context that is not its parent; null where there is none. */
  other: TraceContext | null = null;
  otherKind: OtherContext = OtherContext.None;
  /** The name of this proxy's role, by which root spans have their ids. */
  readonly role: Bytes;
  /** Trace ids whose lower half is less than this are sampled; all where the ratio is 1. */
  private threshold: u64;
  private samplesAll: bool;
  private traces: SessionTraces;

  /** @param role `client` or `server`. */
  constructor(
    readonly config: TraceConfig,
    role: string,
    traces: SessionTraces,
  ) {
    const ratio = config.sampleRatio;
    this.role = Bytes.of(role);
    this.traces = traces;
    this.samplesAll = ratio >= 1;
    this.threshold = ratio <= 0 || ratio >= 1 ? 0 : <u64>(ratio * ALL_IDS);
  }

  /** Chooses for a request of the client. `meta`: the context in its `_meta`. `session`: what it belongs to, or 0. */
  choose(stream: Stream, meta: TraceContext, session: SessionKey): void {
    const config = this.config;
    const header = stream.headerTrace;
    const prefersMeta = config.parent == TraceParent.Meta;
    const preferred = prefersMeta ? meta : header;
    const other = prefersMeta ? header : meta;
    this.isInSession = false;
    this.other = null;
    this.otherKind = OtherContext.None;
    if (preferred.isThere) {
      this.follow(preferred);
    } else if (session && config.sessions) {
      this.enterSession(stream, session);
    } else if (other.isThere) {
      return this.follow(other);
    } else {
      this.traceHigh = neverZero(mix(stream.spanSeed ^ 1));
      this.traceLow = neverZero(mix(stream.spanSeed ^ 2));
      this.parentId = 0;
      this.isSampled = this.samples(this.traceLow);
    }
    if (!other.isThere || (preferred.isThere && other.isSame(preferred))) return;
    this.other = other;
    this.otherKind = prefersMeta ? OtherContext.Transport : OtherContext.Meta;
  }

  /** Chooses the root of this session's trace as the parent. `stream`: one that belongs to it, or one that has none of its
   *  own. */
  enterSession(stream: Stream, session: SessionKey): void {
    const traces = this.traces;
    this.findTrace(stream, session);
    this.isInSession = true;
    this.traceHigh = traces.high;
    this.traceLow = traces.low;
    this.parentId = this.rootId(traces.high, traces.low);
    this.isSampled = this.samples(traces.low);
  }

  /** Finds the trace of a session: `high` and `low` of what this returns. `stream`: as in {@link enterSession}. */
  findTrace(stream: Stream, session: SessionKey): SessionTraces {
    const link = stream.session;
    const traces = this.traces;
    if (link.id && link.traceHigh) {
      traces.high = link.traceHigh;
      traces.low = link.traceLow;
    } else {
      traces.find(session);
    }
    return traces;
  }

  /** The same of a session in the store, with the trace that is kept there or 0. */
  findStoredTrace(session: SessionKey, traceHigh: u64, traceLow: u64): SessionTraces {
    const traces = this.traces;
    if (traceHigh) {
      traces.high = traceHigh;
      traces.low = traceLow;
    } else {
      traces.find(session);
    }
    return traces;
  }

  /** The id of the root span of a session's trace, of this proxy's role. */
  rootId(traceHigh: u64, traceLow: u64): u64 {
    return rootSpanId(traceHigh, traceLow, this.role);
  }

  /** Whether traces of this id are sampled where no parent says it. */
  samples(traceLow: u64): bool {
    return this.samplesAll || traceLow < this.threshold;
  }

  /** The id of the span of a client's request of this JSON-RPC id. */
  spanOf(stream: Stream, kind: IdKind, idHash: u64): u64 {
    return neverZero(mix(stream.spanSeed ^ operationKey(kind, idHash, false)));
  }

  /** The id of the span of a request that the server sent at `now`. One stream may bring several under one id. */
  spanOfServer(stream: Stream, kind: IdKind, idHash: u64, now: u64): u64 {
    return neverZero(mix(stream.spanSeed ^ operationKey(kind, idHash, true) ^ mix(now)));
  }

  private follow(parent: TraceContext): void {
    this.traceHigh = parent.traceHigh;
    this.traceLow = parent.traceLow;
    this.parentId = parent.spanId;
    this.isSampled = this.config.sampleParent ? parent.isSampled : this.samples(parent.traceLow);
  }
}
