import { Clock } from "../../host/clock";
import { NANOSECONDS_PER_MILLISECOND } from "../../memory/elapsed";
import { Event, EventKind } from "../event";
import { EventSink } from "../event_sink";
import { isRejection } from "../protocol/outcome";
import { Operation } from "../state/operation";
import { SessionTracker } from "./session_tracker";
import { SessionWork } from "./session_work";
import { WaitingSessions } from "./waiting_sessions";

/** Counts each operation in its session while it is open, and again when it has ended, which also marks the session as
 *  active. */
export class SessionActivity extends EventSink {
  constructor(
    private tracker: SessionTracker,
    private work: SessionWork,
    private waiting: WaitingSessions,
    private clock: Clock,
  ) {
    super();
  }

  receive(event: Event): void {
    switch (event.kind) {
      case EventKind.OperationStarted:
        return this.work.started(event.stream, event.operation!, event.isWaiting);
      case EventKind.OperationAdmitted:
        return this.work.admitted(event.stream, event.operation!);
      case EventKind.OperationWaiting:
        return this.work.left(event.stream, event.operation!);
      case EventKind.OperationCounted:
        return this.waiting.add(event.session, event.method, event.fromClient);
      case EventKind.OperationEnded:
        this.operationEnded(event.operation!);
        return this.work.left(event.stream, event.operation!);
      case EventKind.StreamEnded:
        return this.work.streamEnded(event.stream);
    }
  }

  private operationEnded(operation: Operation): void {
    if (!operation.session || isRejection(operation.outcome)) return;
    const endedAtMs = (operation.endedAt ? operation.endedAt : this.clock.now()) / NANOSECONDS_PER_MILLISECOND;
    this.tracker.add(operation.session, 1, operation.modelTokens, endedAtMs);
    this.work.ended(operation, endedAtMs);
  }
}
