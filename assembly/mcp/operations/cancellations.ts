import { SessionKey } from "../../identity/keys";
import { IdKind } from "../../jsonrpc/id";
import { NANOSECONDS_PER_MILLISECOND, hasCome } from "../../memory/elapsed";
import { Marks } from "../../store/primitives/marks";
import { Operation } from "../state/operation";
import { operationKey } from "./operation_key";

/** The requests that clients have cancelled, with the time in milliseconds. For each id, only the latest cancellation is
 *  stored, and it ends at most one operation. */
export class Cancellations {
  constructor(private marks: Marks) {}

  /** Records that the client has cancelled its request with this id. */
  add(session: SessionKey, kind: IdKind, id: u64, nowMs: u64): void {
    this.marks.set(session, operationKey(kind, id, false), nowMs);
  }

  /** Whether a client's operation in a session is cancelled. A cancellation before the operation's start (`startedAt`, in
   *  nanoseconds) belongs to an earlier request with the same id. */
  has(session: SessionKey, kind: IdKind, id: u64, startedAt: u64): bool {
    return this.cancelledAt(session, operationKey(kind, id, false), startedAt) != 0;
  }

  /** Consumes the cancellation of a client's operation in a session. False if there is none. */
  consume(operation: Operation, session: SessionKey): bool {
    const key = operationKey(operation.idKind, operation.idHash, false);
    const cancelledAtMs = this.cancelledAt(session, key, operation.startedAt);
    if (!cancelledAtMs) return false;
    this.marks.replace(session, key, cancelledAtMs, 0);
    return true;
  }

  private cancelledAt(session: SessionKey, key: u64, startedAt: u64): u64 {
    const cancelledAtMs = this.marks.get(session, key);
    const isLater = cancelledAtMs != 0 && hasCome(startedAt / NANOSECONDS_PER_MILLISECOND, cancelledAtMs);
    return isLater ? cancelledAtMs : 0;
  }
}
