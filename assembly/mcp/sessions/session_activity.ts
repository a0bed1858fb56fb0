import { Clock } from "../../host/clock";
import { NANOSECONDS_PER_MILLISECOND } from "../../memory/elapsed";
import { Event, EventKind } from "../event";
import { EventSink } from "../event_sink";
import { isRejection } from "../protocol/outcome";
import { SessionTracker } from "./session_tracker";

/** Counts each operation that ends in its session, which it shows to be active. */
export class SessionActivity extends EventSink {
  constructor(
    private tracker: SessionTracker,
    private clock: Clock,
  ) {
    super();
  }

  receive(event: Event): void {
    if (event.kind != EventKind.OperationEnded) return;
    const operation = event.operation!;
    if (!operation.session || isRejection(operation.outcome)) return;
    const endedAt = operation.endedAt ? operation.endedAt : this.clock.now();
    this.tracker.add(operation.session, 1, operation.modelTokens, endedAt / NANOSECONDS_PER_MILLISECOND);
  }
}
