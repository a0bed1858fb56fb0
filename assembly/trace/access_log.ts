import { Clock } from "../host/clock";
import { FilterState } from "../host/filter_state";
import { SessionKey } from "../identity/keys";
import { Method, methodName } from "../mcp/protocol/methods";
import { MODERN_REVISION } from "../mcp/protocol/revisions";
import { Stream } from "../mcp/state/stream";
import { Operation } from "../mcp/state/operation";
import { Event, EventKind } from "../mcp/event";
import { EventSink } from "../mcp/event_sink";
import { Outcome, outcomeName } from "../mcp/protocol/outcome";
import { shownLength } from "../mcp/protocol/shown_target";
import { HEX_SIZE, writeHex } from "../memory/hex";

const ROOM: i32 = 64;
const text: usize = heap.alloc(ROOM);

/**
 * Leaves what an access log may want to show in the stream's filter state, as text; docs/access-log.md lists the names.
 * Never arguments, results or ids: of a session its keyed hash.
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
        // What is posted to an endpoint of HTTP+SSE is answered on another stream.
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
    if (operation.outcome != Outcome.Open) this.end(operation);
  }

  private operationEnded(stream: Stream, operation: Operation): void {
    // The access log of its own stream may have been written.
    if (operation.isParked) return;
    this.request(stream, operation, stream.revision == MODERN_REVISION);
    this.end(operation);
  }

  private end(operation: Operation): void {
    operation.shownOutcome = operation.outcome;
    this.setText("mcp.outcome", outcomeName(operation.outcome));
    this.setNumber("mcp.duration_ms", operation.durationMs(this.clock.now()));
    const tokens = operation.modelTokens;
    if (tokens) this.setNumber("mcp.tokens", tokens);
  }

  private request(stream: Stream, operation: Operation, isModern: bool): void {
    this.begin(stream, operation.method, operation.session, isModern);
    const length = shownLength(operation.method, operation.name, operation.nameLength);
    if (length) this.state.set("mcp.target", operation.name, length);
  }

  private begin(stream: Stream, method: Method, session: SessionKey, isModern: bool): void {
    if (stream.isLogged) {
      // Fields of the batch's previous message, which this one may lack.
      this.setText("mcp.target", "");
      this.setText("mcp.tokens", "");
      this.setText("mcp.outcome", "");
      this.setText("mcp.duration_ms", "");
    }
    stream.isLogged = true;
    this.setText("mcp.method", methodName(method));
    this.setText("mcp.era", isModern ? "modern" : "legacy");
    if (session) this.setHash("mcp.session", session);
  }

  private setText(name: string, value: string): void {
    const from = changetype<usize>(value);
    const length = value.length;
    for (let i = 0; i < length; i++) store<u8>(text + i, load<u8>(from + (i << 1)));
    this.state.set(name, text, length);
  }

  private setNumber(name: string, value: u64): void {
    let at = text + ROOM;
    do {
      store<u8>(--at, <u8>(0x30 + (value % 10)));
      value /= 10;
    } while (value);
    this.state.set(name, at, <i32>(text + ROOM - at));
  }

  /** As 16 hexadecimal digits. */
  private setHash(name: string, value: u64): void {
    writeHex(text, value);
    this.state.set(name, text, HEX_SIZE);
  }
}
