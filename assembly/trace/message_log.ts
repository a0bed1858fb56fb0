import { Event, EventKind } from "../mcp/event";
import { EventSink } from "../mcp/event_sink";
import { Outcome } from "../mcp/protocol/outcome";
import { Operation } from "../mcp/state/operation";
import { Stream } from "../mcp/state/stream";
import { MessageLines } from "./message_lines";

/**
 * Writes a line to the proxy's log for each message of a client, and for each message that could not be read. For proxies
 * without filter state and shared data: an operation whose response comes on another stream has no outcome.
 */
export class MessageLog extends EventSink {
  constructor(private lines: MessageLines) {
    super();
  }

  receive(event: Event): void {
    const stream = event.stream;
    switch (event.kind) {
      case EventKind.OperationStarted:
        // Nothing on this stream shows how the operation ends.
        if (event.isWaiting) this.operation(stream, event.operation!);
        break;
      case EventKind.OperationWaiting:
      case EventKind.OperationEnded:
        this.ended(stream, event.operation!);
        break;
      case EventKind.Notification:
        if (event.fromClient) this.lines.notification(stream, event.method, event.session, false);
        break;
      case EventKind.NotificationRejected:
        if (!isRefused(stream)) this.lines.notification(stream, event.method, event.session, true);
        break;
      case EventKind.Undecoded:
        this.lines.undecoded(stream, event.reason);
        break;
    }
  }

  /** Writes the line of an operation that has ended or whose end no stream will show, unless it has a line. */
  private ended(stream: Stream, operation: Operation): void {
    if (operation.isLogged || (operation.outcome == Outcome.Denied && isRefused(stream))) return;
    this.operation(stream, operation);
  }

  private operation(stream: Stream, operation: Operation): void {
    operation.isLogged = true;
    this.lines.operation(stream, operation);
  }
}

/** Whether the log has a line for the stream's whole request. */
function isRefused(stream: Stream): bool {
  const logged = stream.logged;
  return logged != null && logged.isRefused;
}
