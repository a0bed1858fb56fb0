import { NANOSECONDS_PER_MILLISECOND } from "../../memory/elapsed";
import { Method } from "../protocol/methods";
import { Outcome } from "../protocol/outcome";
import { Operation } from "../state/operation";
import { Stream } from "../state/stream";
import { SessionTracker } from "./session_tracker";

/**
 * Counts the open work of clients on this worker in their sessions: operations with the server, and streams that wait for
 * limits. Operations that wait for their responses in the store are counted there.
 */
export class SessionWork {
  constructor(private tracker: SessionTracker) {}

  /** A request has been read. `isWaiting`: it waits for its response in the store. */
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

  /** An operation that has waited for limits is forwarded to the server. */
  admitted(stream: Stream, operation: Operation): void {
    this.leaveQueue(stream);
    if (operation.isParked || !operation.begunIn || !changesState(operation.method)) return;
    operation.isCounted = this.tracker.beginWork(operation.begunIn, false, startMs(operation));
  }

  /** An operation has ended or moved to the store. */
  left(stream: Stream, operation: Operation): void {
    // A stream without open operations does not wait for limits.
    if (!stream.operations.count) this.leaveQueue(stream);
    if (!operation.isCounted) return;
    operation.isCounted = false;
    this.tracker.endWork(operation.begunIn, false);
  }

  /** An operation has ended with a response on its own stream, which may ask the client for input. */
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

/** The start of the operation in milliseconds. Used as the current time, since it needs no host call. */
function startMs(operation: Operation): u64 {
  return operation.startedAt / NANOSECONDS_PER_MILLISECOND;
}

/** Whether operations of this method determine the state of their session. An operation that starts a session is in none,
 *  and a ping or a subscription may be open all the time. */
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
