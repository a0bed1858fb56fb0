import { PluginConfig } from "../../config/plugin_config";
import { TraceConfig } from "../../config/trace_config";
import { Clock } from "../../host/clock";
import { HeaderMap } from "../../host/header_map";
import { TRACE_CONTEXT_SIZE, TraceContext } from "../../http/trace_context";
import { SessionKey } from "../../identity/keys";
import { Bytes } from "../../memory/bytes";
import { Event, EventKind } from "../../mcp/event";
import { EventSink } from "../../mcp/event_sink";
import { ExchangeServices } from "../../mcp/exchange/services";
import { McpMessage } from "../../mcp/message/message";
import { LimitDecision } from "../../mcp/protocol/limit_decision";
import { Method } from "../../mcp/protocol/methods";
import { isRejection } from "../../mcp/protocol/outcome";
import { UNKNOWN_REVISION } from "../../mcp/protocol/revisions";
import { StreamKind } from "../../mcp/protocol/stream_kinds";
import { SpanOrigins } from "../../mcp/spans/span_origins";
import { Operation } from "../../mcp/state/operation";
import { OtherContext, RejectingRule, Span } from "../../mcp/state/span";
import { Stream } from "../../mcp/state/stream";
import { Marks } from "../../store/primitives/marks";
import { LineBudget } from "../../rules/line_budget";
import { Exporter } from "../export/exporter";
import { SpanKind, SpanWriter } from "../otlp/span_writer";
import { keepUntilEnd, resumeKept } from "./ended_spans";
import { isSpanError } from "./error_type";
import { OpenSpans } from "./open_spans";
import { RuleNames } from "./rule_names";
import { ServerNames } from "./server_names";
import { SessionSpans } from "./session_spans";
import { SpanText } from "./span_text";

/** Maximum number of spans per second that are kept without being sampled. */
const KEPT_PER_SECOND: i32 = 100;

const ENVOY = Bytes.of("envoy");

/** The span named by the proxy's own tracer, or none. */
const injected = changetype<TraceContext>(heap.alloc(TRACE_CONTEXT_SIZE));
/** The context that becomes the parent of a span at its end. */
const lateParent = changetype<TraceContext>(heap.alloc(TRACE_CONTEXT_SIZE));

/**
 * Records a span for each operation (OpenTelemetry, semantic conventions for MCP), and one for each session.
 * docs/tracing.md explains them. Exported spans go to the queue when their streams end.
 */
export class SpanRecorder extends EventSink {
  private config: TraceConfig;
  private origins: SpanOrigins;
  private writer: SpanWriter;
  private open: OpenSpans = new OpenSpans();
  private servers: ServerNames;
  private text: SpanText;
  private sessionSpans: SessionSpans;
  private kept: LineBudget;
  /** Some spans are kept without being sampled. */
  private keepsAny: bool;
  private isServer: bool;

  /**
   * @param role `client` or `server`
   * @param services the services whose events this sink receives, with tracing enabled
   * @param roots see {@link SessionSpans}
   * @param requestHeaders the request headers of the current stream, at its end
   */
  constructor(
    config: PluginConfig,
    role: string,
    private services: ExchangeServices,
    private exporter: Exporter,
    roots: Marks,
    private requestHeaders: HeaderMap,
    private clock: Clock,
  ) {
    super();
    const origins = services.origins!;
    const writer = exporter.writer;
    const trace = origins.config;
    const servers = new ServerNames();
    this.origins = origins;
    this.writer = writer;
    this.config = trace;
    this.isServer = role == "server";
    this.servers = servers;
    this.keepsAny = trace.keepErrors || trace.keepSlowerMs > 0;
    this.kept = new LineBudget(clock, KEPT_PER_SECOND);
    this.text = new SpanText(writer, origins, new RuleNames(config), servers, clock);
    this.sessionSpans = new SessionSpans(exporter, origins, servers, roots, clock);
  }

  receive(event: Event): void {
    switch (event.kind) {
      case EventKind.ServerResolved:
        return this.servers.add(event.stream.server, event.name, event.nameLength);
      case EventKind.OperationRead:
        return this.read(event.stream, event.operation!, event.message, event.isDenied);
      case EventKind.OperationWaiting:
        return this.waits(event.stream, event.operation!);
      case EventKind.OperationEnded:
        return this.ended(event.stream, event.operation!);
      case EventKind.Progress:
        return this.progressed(event.operation, event.count);
      case EventKind.Decided:
        if (event.isDenied && !event.isShadow) reject(event.stream, RejectingRule.Access, event.rule);
        return;
      case EventKind.LimitDecided:
        return this.limited(event.stream, event.rule, event.decision);
      case EventKind.StreamEnded:
        return this.streamEnded(event.stream);
      case EventKind.SessionSettled:
        return this.sessionSpans.settled(event.entry);
    }
  }

  private read(stream: Stream, operation: Operation, message: McpMessage, isRejected: bool): void {
    const span = operation.fromServer
      ? this.beginOfServer(stream, operation, message)
      : this.beginOfClient(stream, operation, message, isRejected);
    if (!span) return;
    span.keepId(message.idText, message.idLength);
    operation.span = changetype<usize>(span);
    // A span whose trace is determined only at its end may turn out to be sampled.
    if (span.isSampled || !span.traceHigh) stream.trace.hasSpans = true;
  }

  /** The span of a client request; null if it will not be exported. */
  private beginOfClient(stream: Stream, operation: Operation, message: McpMessage, isRejected: bool): Span | null {
    const origins = this.origins;
    const session = isRejected ? this.sessionOfRejected(stream, operation) : operation.begunIn;
    // A request without a session begins one, or belongs to its caller's activity window. That is known only at its
    // end.
    const isKnown = isRejected || hasOwnSession(stream, operation);
    const isLate = !isKnown && origins.mayEnterSession(stream, message.trace);
    if (isLate) origins.chooseNone(stream, message.trace);
    else origins.choose(stream, message.trace, isKnown ? session : 0);
    if (!isLate && !origins.isSampled && !this.keepsAny) return null;
    const span = Span.acquire();
    span.spanId = origins.spanOf(stream, operation.idKind, operation.idHash);
    span.startedAt = stream.startedAt;
    if (!isLate) this.place(span);
    const other = origins.other;
    if (other) keepOther(span, other, origins.otherKind);
    if (isKnown && session) {
      this.keepSession(span, stream, session);
      if (!stream.session.isHttpSse && !isRejected) this.open.add(span, session);
    }
    return span;
  }

  /** The span of a server request; null if it will not be exported. */
  private beginOfServer(stream: Stream, operation: Operation, message: McpMessage): Span | null {
    const origins = this.origins;
    const session = operation.session;
    const waiting = stream.session.isHttpSse ? this.services.pairing.onlyWaiting(session) : null;
    const isOnGet = stream.kind == StreamKind.Get;
    const around = waiting ? waiting : isOnGet ? null : stream.operations.only;
    const parent = around ? spanOf(around) : isOnGet ? this.open.only(session) : null;
    if (around && !parent) {
      // The server request belongs to an operation that is not sampled.
      if (waiting) waiting.release();
      return null;
    }
    if (parent && parent.traceHigh) origins.enterSpan(parent);
    else if (!this.config.sessions || !origins.enterSession(stream, session)) origins.begin(stream);
    if (waiting) waiting.release();
    if (!origins.isSampled && !this.keepsAny) return null;
    const span = Span.acquire();
    span.startedAt = operation.startedAt;
    span.spanId = origins.spanOfServer(stream, operation.idKind, operation.idHash, operation.startedAt);
    this.place(span);
    if (message.trace.isThere) keepOther(span, message.trace, OtherContext.Meta);
    this.keepSession(span, stream, session);
    return span;
  }

  /** Sets the chosen trace, parent and sampling of a span. */
  private place(span: Span): void {
    const origins = this.origins;
    span.traceHigh = origins.traceHigh;
    span.traceLow = origins.traceLow;
    span.parentId = origins.parentId;
    span.isSampled = origins.isSampled;
  }

  private keepSession(span: Span, stream: Stream, session: SessionKey): void {
    const origins = this.origins;
    if (!this.config.sessions || !origins.findTrace(stream, session)) return;
    const trace = origins.traces;
    span.sessionHigh = trace.high;
    span.sessionLow = trace.low;
  }

  /** The session, as shown in logs, of a request that the gate keeps from the server. */
  private sessionOfRejected(stream: Stream, operation: Operation): SessionKey {
    if (operation.session) return operation.session;
    const client = operation.clientName;
    return this.services.sessions.sessionOfRequest(stream, UNKNOWN_REVISION, client, operation.clientNameLength);
  }

  private progressed(operation: Operation | null, count: u32): void {
    const span = operation ? spanOf(operation) : null;
    if (span) span.addProgress(this.clock.now(), count);
  }

  private limited(stream: Stream, rule: i32, decision: LimitDecision): void {
    if (decision == LimitDecision.Limited) reject(stream, RejectingRule.Limit, rule);
    else if (decision == LimitDecision.Queued && !stream.trace.queuedAt) stream.trace.queuedAt = this.clock.now();
  }

  /** Handles an operation whose stream has ended, and whose response comes on another stream. */
  private waits(stream: Stream, operation: Operation): void {
    const span = spanOf(operation);
    if (!span) return;
    this.open.remove(span);
    span.keepTimes(stream.trace);
  }

  private ended(stream: Stream, operation: Operation): void {
    const span = spanOf(operation);
    if (!span) return;
    this.open.remove(span);
    const isOwn = this.isOwn(stream, operation, span);
    if (isOwn) span.keepTimes(stream.trace);
    let session = operation.session;
    if (!session && isOwn && isRejection(operation.outcome)) session = this.sessionOfRejected(stream, operation);
    if (!span.traceHigh) this.placeLate(span, stream, session);
    else if (session && isOwn && !span.sessionHigh) this.keepSession(span, stream, session);
    const kind = this.isServer == operation.fromServer ? SpanKind.Client : SpanKind.Server;
    const isError = isSpanError(operation.outcome, operation.errorCode, kind == SpanKind.Server);
    if (!span.isSampled && !this.keeps(operation, isError)) return;
    span.isKept = true;
    if (session && span.sessionHigh && !this.origins.samples(span.sessionLow)) {
      this.services.tracker.trace(session, this.clock.milliseconds);
    }
    if (isOwn) {
      span.rule = stream.trace.rejectingRule;
      span.ruleKind = stream.trace.rejectingKind;
    }
    this.text.write(stream, operation, span, session, isError, kind, isOwn);
    if (isOwn) keepUntilEnd(stream, this.writer, this.text.hasLinks);
    else this.finish();
  }

  /** Whether the operation's request came on this stream. An operation that waits in the store for its response may
   *  also end on its own stream. */
  private isOwn(stream: Stream, operation: Operation, span: Span): bool {
    if (!stream.isTraced || operation.fromServer) return false;
    return span.spanId == this.origins.spanOf(stream, operation.idKind, operation.idHash);
  }

  /** Whether to keep the span of an operation that is not sampled. */
  private keeps(operation: Operation, isError: bool): bool {
    const config = this.config;
    const isSlow = config.keepSlowerMs > 0 && operation.durationMs(this.clock.now()) >= config.keepSlowerMs;
    return ((config.keepErrors && isError) || isSlow) && this.kept.admits();
  }

  /** Sets the trace of a span whose session, if any, is known only now. */
  private placeLate(span: Span, stream: Stream, session: SessionKey): void {
    const origins = this.origins;
    if (session && origins.enterSession(stream, session)) {
      span.sessionHigh = origins.traceHigh;
      span.sessionLow = origins.traceLow;
    } else if (span.other != <u8>OtherContext.None) {
      lateParent.traceHigh = span.otherHigh;
      lateParent.traceLow = span.otherLow;
      lateParent.spanId = span.otherId;
      lateParent.flags = span.otherFlags;
      origins.follow(lateParent);
      span.other = <u8>OtherContext.None;
    } else {
      origins.begin(stream);
    }
    this.place(span);
  }

  /** Handles the end of a stream: now the span of the proxy's own tracer is known. */
  private streamEnded(stream: Stream): void {
    if (!stream.trace.endedSpans) return;
    const hasInjected = this.findInjected(stream);
    while (resumeKept(stream, this.writer)) {
      if (hasInjected) {
        this.writer.link(injected.traceHigh, injected.traceLow, injected.spanId, ENVOY.at, ENVOY.length);
      }
      this.finish();
    }
  }

  private finish(): void {
    this.writer.end();
    this.exporter.add(this.writer.at, this.writer.length);
  }

  /** Whether the proxy's own tracer has named a span. If so, it has replaced the request's context on the way. */
  private findInjected(stream: Stream): bool {
    const headers = this.requestHeaders;
    if (!headers.find("traceparent") || !injected.read(headers.at, headers.length)) return false;
    return !injected.isSame(stream.trace.header) && !injected.isSame(stream.trace.meta);
  }
}

/** The span of an operation; null if there is none. */
function spanOf(operation: Operation): Span | null {
  return operation.span ? changetype<Span>(operation.span) : null;
}

/** Whether the request names the session of its operation. */
function hasOwnSession(stream: Stream, operation: Operation): bool {
  return stream.session.id != 0 && (operation.method != Method.Initialize || stream.session.isHttpSse);
}

function keepOther(span: Span, other: TraceContext, kind: OtherContext): void {
  span.otherHigh = other.traceHigh;
  span.otherLow = other.traceLow;
  span.otherId = other.spanId;
  span.otherFlags = other.flags;
  span.other = <u8>kind;
}

/** Records that a rule rejects a message of the request. */
function reject(stream: Stream, kind: RejectingRule, rule: i32): void {
  const trace = stream.trace;
  const isSame = trace.rejectingKind == <u8>kind && trace.rejectingRule == rule;
  if (trace.rejectingKind && !isSame) kind = RejectingRule.Several;
  trace.rejectingKind = <u8>kind;
  trace.rejectingRule = rule;
}
