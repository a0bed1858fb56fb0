import { Clock } from "../host/clock";
import { FilterState } from "../host/filter_state";
import { SessionKey } from "../identity/keys";
import { Method, methodName } from "../mcp/protocol/methods";
import { MODERN_REVISION } from "../mcp/protocol/revisions";
import { Stream } from "../mcp/state/stream";
import { Operation } from "../mcp/state/operation";
import { Event, EventKind } from "../mcp/event";
import { EventSink } from "../mcp/event_sink";
import { Span } from "../mcp/state/span";
import { HEX_SIZE, writeHex } from "../memory/hex";
import { Outcome, outcomeName } from "../mcp/protocol/outcome";
import { shownLength } from "../mcp/protocol/shown_target";

/** The 32 hex digits of a trace id. */
const traceId: usize = memory.data(32);

/**
 * Writes fields for access logs to the stream's filter state, as text. docs/access-log.md lists the names. Never
 * contains arguments, results or ids; a session appears as its keyed hash.
 */
export class AccessLog extends EventSink {
  constructor(
    private state: FilterState,
    private clock: Clock,
  ) {
    super();
  }

  receive(event: Event): void {
    const stream = event.stream;
    switch (event.kind) {
      case EventKind.OperationStarted:
        // The response to a request at an HTTP+SSE endpoint comes on another stream.
        if (stream.session.isHttpSse) this.request(stream, event.operation!, false);
        break;
      case EventKind.OperationWaiting:
        this.operationWaiting(stream, event.operation!);
        break;
      case EventKind.OperationEnded:
        this.operationEnded(stream, event.operation!);
        break;
      case EventKind.Notification:
        if (event.fromClient) this.begin(stream, event.method, event.session, stream.revision == MODERN_REVISION);
        break;
      case EventKind.NotificationRejected:
        this.begin(stream, event.method, event.session, stream.revision == MODERN_REVISION);
        break;
    }
  }

  private operationWaiting(stream: Stream, operation: Operation): void {
    this.request(stream, operation, false);
    if (operation.outcome != Outcome.Open) this.end(stream, operation);
  }

  private operationEnded(stream: Stream, operation: Operation): void {
    // The access log of the operation's own stream may have been written already.
    if (operation.isParked) return;
    this.request(stream, operation, stream.revision == MODERN_REVISION);
    this.end(stream, operation);
  }

  private end(stream: Stream, operation: Operation): void {
    this.state.setText("mcp.outcome", outcomeName(operation.outcome));
    this.state.setNumber("mcp.duration_ms", operation.durationMs(this.clock.now()));
    // For a request handed to other filters, the field has the tokens of all operations.
    const tokens = stream.isHandedOn ? 0 : operation.modelTokens;
    if (tokens) this.state.setNumber("mcp.tokens", tokens);
  }

  /** Writes the span of an operation if it is exported. */
  private trace(operation: Operation): void {
    if (!operation.span) return;
    const span = changetype<Span>(operation.span);
    if (!span.isKept && !span.isSampled) return;
    writeHex(traceId, span.traceHigh);
    writeHex(traceId + HEX_SIZE, span.traceLow);
    this.state.set("mcp.trace_id", traceId, 2 * HEX_SIZE);
    this.state.setHash("mcp.span_id", span.spanId);
  }

  private request(stream: Stream, operation: Operation, isModern: bool): void {
    this.begin(stream, operation.method, operation.session, isModern);
    this.trace(operation);
    if (stream.isHandedOn) return;
    const length = shownLength(operation.method, operation.name, operation.nameLength);
    if (length) this.state.set("mcp.target", operation.name, length);
  }

  private begin(stream: Stream, method: Method, session: SessionKey, isModern: bool): void {
    const isHandedOn = stream.isHandedOn;
    if (stream.isLogged) {
      // Clear the fields of the batch's previous message, which this one may lack.
      if (!isHandedOn) this.state.setText("mcp.target", "");
      if (!isHandedOn) this.state.setText("mcp.tokens", "");
      this.state.setText("mcp.outcome", "");
      this.state.setText("mcp.duration_ms", "");
      if (stream.isTraced) {
        this.state.setText("mcp.trace_id", "");
        this.state.setText("mcp.span_id", "");
      }
    }
    stream.isLogged = true;
    this.state.setText("mcp.era", isModern ? "modern" : "legacy");
    if (!isHandedOn) this.state.setText("mcp.method", methodName(method));
    if (session && stream.handedSession != session) this.state.setHash("mcp.session", session);
  }
}
