import { NANOSECONDS_PER_MILLISECOND } from "../../memory/elapsed";
import { Method } from "../protocol/methods";
import { Outcome } from "../protocol/outcome";
import { Operation } from "../state/operation";
import { Stream } from "../state/stream";
import { SessionTracker } from "./session_tracker";

/**
 * Counts what clients have open on this worker in the sessions in which it is: operations with the server, and streams that
 * wait for limits. Operations that wait for their answers in the store are counted there.
 */
export class SessionWork {
  constructor(private tracker: SessionTracker) {}

  /** A request has been read. `isWaiting`: it waits for its answer in the store. */
  started(stream: Stream, operation: Operation, isWaiting: bool): void {
    const session = operation.begunIn;
    if (!session || !changesState(operation.method)) return;
    const nowMs = startMs(operation);
    if (stream.isQueued) {
      if (!stream.queuedIn && this.tracker.beginWork(session, true, nowMs)) stream.queuedIn = session;
    } else if (!isWaiting) {
      operation.isCounted = this.tracker.beginWork(session, false, nowMs);
    }
    this.tracker.turnToServer(session, nowMs);
  }

  /** The server has an operation that has waited for limits. */
  admitted(stream: Stream, operation: Operation): void {
    this.leaveQueue(stream);
    if (operation.isParked || !operation.begunIn || !changesState(operation.method)) return;
    operation.isCounted = this.tracker.beginWork(operation.begunIn, false, startMs(operation));
  }

  /** An operation has ended, or waits in the store. */
  left(stream: Stream, operation: Operation): void {
    // Once nothing of it is open, it is no longer in a queue.
    if (!stream.operations.count) this.leaveQueue(stream);
    if (!operation.isCounted) return;
    operation.isCounted = false;
    this.tracker.endWork(operation.begunIn, false);
  }

  /** An operation has ended in its session, with an answer on its own stream: that may ask the client for input. */
  ended(operation: Operation, endedAtMs: u64): void {
    if (operation.outcome != Outcome.InputRequired || operation.isParked) return;
    this.tracker.turnToClient(operation.session, endedAtMs);
  }

  streamEnded(stream: Stream): void {
    this.leaveQueue(stream);
  }

  private leaveQueue(stream: Stream): void {
    if (!stream.queuedIn) return;
    this.tracker.endWork(stream.queuedIn, true);
    stream.queuedIn = 0;
  }
}

/** When the operation began: a look at the clock less. */
function startMs(operation: Operation): u64 {
  return operation.startedAt / NANOSECONDS_PER_MILLISECOND;
}

/** Whether such an operation says what its session is about. One that begins a session is in none, and a ping or a
 *  subscription may be open all the time. */
function changesState(method: Method): bool {
  switch (method) {
    case Method.Initialize:
    case Method.ServerDiscover:
    case Method.Ping:
    case Method.SubscriptionsListen:
      return false;
    default:
      return true;
  }
}
