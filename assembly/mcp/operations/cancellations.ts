import { SessionKey } from "../../identity/keys";
import { IdKind } from "../../jsonrpc/id";
import { NANOSECONDS_PER_MILLISECOND, hasCome } from "../../memory/elapsed";
import { Marks } from "../../store/primitives/marks";
import { Operation } from "../state/operation";
import { operationKey } from "./operation_key";

/** The requests that clients have cancelled, and when, in milliseconds: of each id the newest cancellation, which ends one
 *  operation at most. */
export class Cancellations {
  constructor(private marks: Marks) {}

  /** The client cancels its request of this id. */
  add(session: SessionKey, kind: IdKind, id: u64, nowMs: u64): void {
    this.marks.set(session, operationKey(kind, id, false), nowMs);
  }

  /** Uses up the cancellation of a client's operation in a session. False where there is none: one from before the operation
   *  began is of an earlier request under the same id. */
  take(operation: Operation, session: SessionKey): bool {
    const key = operationKey(operation.idKind, operation.idHash, false);
    const cancelledAtMs = this.marks.get(session, key);
    const startedAtMs = operation.startedAt / NANOSECONDS_PER_MILLISECOND;
    if (!cancelledAtMs || !hasCome(startedAtMs, cancelledAtMs)) return false;
    this.marks.replace(session, key, cancelledAtMs, 0);
    return true;
  }
}
