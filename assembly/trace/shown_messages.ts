import { Event, EventKind } from "../mcp/event";
import { EventSink } from "../mcp/event_sink";
import { shownLength } from "../mcp/protocol/shown_target";

/** Keeps method and target of the client's messages in their stream, for {@link ResponseHeaders}. */
export class ShownMessages extends EventSink {
  receive(event: Event): void {
    switch (event.kind) {
      case EventKind.OperationStarted: {
        const operation = event.operation!;
        const length = shownLength(operation.method, operation.name, operation.nameLength);
        event.stream.openLogged().addMessage(operation.method, operation.name, length);
        break;
      }
      case EventKind.Notification:
        if (event.fromClient) event.stream.openLogged().addMessage(event.method, 0, 0);
        break;
      case EventKind.NotificationRejected:
        event.stream.openLogged().addMessage(event.method, 0, 0);
        break;
    }
  }
}
