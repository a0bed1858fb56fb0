import { NANOSECONDS_PER_MILLISECOND, hasCome } from "../../memory/elapsed";
import { IdKind, asNumber } from "../../jsonrpc/id";
import { Marks } from "../../store/primitives/marks";
import { PENDING_SIZE, Pending, PendingListener } from "../../store/pending";
import { Store } from "../../store/primitives/store";
import { Method, TargetKind, evictionRank, targetKind } from "../protocol/methods";
import { Events } from "../events";
import { Operation } from "../state/operation";
import { operationKey } from "./operation_key";
import { outlivedStream } from "./outlived_stream";
import {
  PACKED_LIMIT,
  isPacked,
  packOperation,
  packedFromServer,
  packedMethod,
  packedName,
  packedNameLength,
  packedServer,
  packedSession,
  packedStart,
  unpackOperation,
} from "./packed_operation";
import { OUTCOME_COUNT, Outcome } from "../protocol/outcome";

const OUTCOME_BITS: u64 = 8;
/** How long a response may arrive after the cancellation of its request. */
const CANCELLED_MS: u64 = 10_000;
/** How long an HTTP+SSE operation waits if the end of its stream is not observed. */
const MAX_WAIT_MS: u64 = 86_400_000;

if (<i32>PACKED_LIMIT > PENDING_SIZE) ERROR("A packed operation is larger than PENDING_SIZE.");
if (OUTCOME_COUNT > 1 << (<i32>OUTCOME_BITS)) ERROR("OUTCOME_BITS is too small.");

const packed: usize = heap.alloc(PACKED_LIMIT);

/**
 * The operations whose responses should arrive on another stream, perhaps on another worker: on the HTTP+SSE stream, on a
 * stream that the client resumes, or in a POST if the server sent the request. Only the worker that removes an operation
 * ends it.
 */
export class WaitingOperations extends PendingListener {
  private pending: Pending;
  /** Responses for which no operation waited: the time of arrival in milliseconds, with the outcome in the lowest bits. */
  private early: Marks;
  /** The servers' requests that clients have answered, as long as there is room. */
  private answered: Marks;
  /** The times when sessions were ended, in milliseconds. A session that was idle or evicted is not listed, since it may
   *  continue. */
  private ended: Marks;

  /** @param idleSeconds how long a response may take if no open stream waits for it. */
  constructor(
    shared: Store,
    private events: Events,
    private idleSeconds: u32,
  ) {
    super();
    this.pending = new Pending(shared);
    this.early = new Marks(shared, "answers");
    this.answered = new Marks(shared, "answered");
    this.ended = new Marks(shared, "ended");
  }

  /** Stores an operation, which ends with its response or with the session. `now` is in milliseconds. False if other workers
   *  interfered with every attempt; then it does not wait. */
  add(operation: Operation, now: u64): bool {
    return this.leave(operation, now + MAX_WAIT_MS, Outcome.Open, 0);
  }

  /** Stores an operation whose stream has ended with `outcome`, which applies unless its response arrives on another stream.
   *  `now` is in milliseconds. False if other workers interfered with every attempt; then it does not wait. */
  addEnded(operation: Operation, outcome: Outcome, now: u64): bool {
    return this.leave(operation, now + <u64>this.idleSeconds * 1000, outcome, now);
  }

  /** Stores a response for which no operation waits: the client may resume a lost stream before the end of that stream is
   *  observed. */
  keepAnswer(session: u64, kind: IdKind, id: u64, outcome: Outcome, now: u64): void {
    this.early.set(session, earlyKey(kind, id), (now << OUTCOME_BITS) | (<u64>outcome));
  }

  /** Applies an earlier response to an operation whose stream has ended. False if there is none. */
  applyAnswer(operation: Operation): bool {
    const answer = this.early.get(operation.session, earlyKey(operation.idKind, operation.idHash));
    const answeredAt = answer >> OUTCOME_BITS;
    // An older response belongs to an earlier request with the same id.
    if (answeredAt < operation.startedAt / NANOSECONDS_PER_MILLISECOND) return false;
    const outcome = <Outcome>(answer & ((1 << OUTCOME_BITS) - 1));
    if (outcome >= OUTCOME_COUNT) return false;
    operation.outcome = outcome;
    operation.endedAt = answeredAt * NANOSECONDS_PER_MILLISECOND;
    return true;
  }

  /** Whether an operation with this id waits in the session. */
  has(session: u64, kind: IdKind, id: u64, fromServer: bool): bool {
    return this.pending.has(session, operationKey(kind, id, fromServer));
  }

  /** The method of the operation with this id that waits in the session; None if there is none. */
  methodOf(session: u64, kind: IdKind, id: u64, fromServer: bool): Method {
    if (!this.pending.read(session, operationKey(kind, id, fromServer))) return Method.None;
    const operation = unpackOperation(this.pending.copied, this.pending.copiedLength);
    if (!operation) return Method.None;
    const method = operation.method;
    operation.release();
    return method;
  }

  /** The client's request that waits in a session, if there is exactly one; otherwise null. It stays in the store, and the
   *  caller must release the copy. */
  only(session: u64): Operation | null {
    let found: Operation | null = null;
    for (let at = this.pending.first(session); at; at = this.pending.next(session)) {
      if (!isPacked(at, this.pending.foundLength) || packedFromServer(at)) continue;
      if (found) {
        found.release();
        return null;
      }
      found = unpackOperation(at, this.pending.foundLength);
    }
    return found;
  }

  /** Removes and returns the operation with this id that waits in the session; null if there is none. */
  remove(session: u64, kind: IdKind, id: u64, fromServer: bool): Operation | null {
    if (!this.pending.remove(session, operationKey(kind, id, fromServer))) return null;
    return unpackOperation(this.pending.copied, this.pending.copiedLength);
  }

  /** Whether the operation that was removed last had been cancelled. */
  get hasRemovedCancelled(): bool {
    return this.pending.copiedVerdict == Outcome.Cancelled;
  }

  /** Whether a waiting operation has been cancelled. */
  isCancelled(operation: Operation): bool {
    const key = operationKey(operation.idKind, operation.idHash, operation.fromServer);
    return this.pending.read(operation.session, key) && this.pending.copiedVerdict == Outcome.Cancelled;
  }

  /** The client closed the stream of an operation before it was accepted. The operation ends as disconnected unless its
   *  response or a cancellation arrives within `graceMs`. Does nothing if it was already cancelled. */
  abandon(operation: Operation, now: u64, graceMs: u64): void {
    const key = operationKey(operation.idKind, operation.idHash, operation.fromServer);
    this.pending.rule(operation.session, key, Outcome.Disconnected, now, now + graceMs, true);
  }

  /** Records that the client has answered this request of the server. */
  markAnswered(session: u64, kind: IdKind, id: u64, now: u64): void {
    this.answered.set(session, operationKey(kind, id, true), now);
  }

  /** Whether the client has answered this request of the server, as far as that is recorded. */
  wasAnswered(session: u64, kind: IdKind, id: u64): bool {
    return this.answered.get(session, operationKey(kind, id, true)) != 0;
  }

  /** A request was cancelled. If its operation waits, it ends as cancelled. */
  cancel(session: u64, kind: IdKind, id: u64, fromServer: bool, now: u64): void {
    this.pending.rule(session, operationKey(kind, id, fromServer), Outcome.Cancelled, now, now + CANCELLED_MS, false);
  }

  /** The session has ended. Its waiting operations get this outcome, unless they already have another one. */
  endSession(session: u64, outcome: Outcome, now: u64): void {
    // The order matters: an operation that another worker adds meanwhile is either found here or finds the mark.
    this.ended.set(session, 0, now);
    this.pending.endScope(session, outcome, now, this);
  }

  /** Whether the operation's session was ended after the operation had started. */
  hasSessionEnded(operation: Operation): bool {
    const endedAtMs = this.ended.get(operation.session, 0);
    return endedAtMs != 0 && hasCome(operation.startedAt / NANOSECONDS_PER_MILLISECOND, endedAtMs);
  }

  /** Ends operations that have waited too long. One worker at a time calls this. False if more are due than one sweep ends. */
  sweep(now: u64): bool {
    return this.pending.sweep(Outcome.Unanswered, now, this);
  }

  /** Whether the latest sweep left no waiting operation. */
  get isEmpty(): bool {
    return this.pending.isEmpty;
  }

  private leave(operation: Operation, dueAt: u64, outcome: Outcome, endedAt: u64): bool {
    operation.isParked = true;
    const key = operationKey(operation.idKind, operation.idHash, operation.fromServer);
    // A target that is not a label is omitted, since a URI may contain a secret.
    const length = packOperation(operation, targetKind(operation.method) != TargetKind.None, packed);
    const rank = evictionRank(operation.method);
    if (this.pending.add(operation.session, key, packed, length, dueAt, outcome, endedAt, rank, this)) return true;
    operation.isParked = false;
    return false;
  }

  givenUp(at: usize, length: u32, verdict: u32, endedAt: u64): void {
    const operation = unpackOperation(at, length);
    if (!operation) return;
    operation.outcome = verdict < <u32>OUTCOME_COUNT ? verdict : Outcome.Unanswered;
    operation.endedAt = endedAt * NANOSECONDS_PER_MILLISECOND;
    this.events.operationEnded(outlivedStream(operation), operation);
    operation.release();
  }

  evicted(at: usize, length: u32, verdict: u32, endedAt: u64): void {
    const operation = unpackOperation(at, length);
    if (!operation) return;
    this.events.operationEvicted(outlivedStream(operation));
    operation.release();
    if (verdict == Outcome.Open) this.givenUp(at, length, Outcome.Unanswered, 0);
    else this.givenUp(at, length, verdict, endedAt);
  }

  counted(at: usize, length: u32, verdict: u32): void {
    if (verdict != Outcome.Open && verdict != Outcome.Unanswered) return;
    if (!isPacked(at, length) || !packedServer(at)) return;
    this.events.operationCounted(
      packedServer(at),
      packedSession(at),
      !packedFromServer(at),
      verdict == Outcome.Open,
      packedMethod(at),
      packedName(at),
      packedNameLength(at),
      packedStart(at),
    );
  }
}

/** The key of a response to a client's request with this id. `"7"` and `7` have the same key, since clients accept either. */
function earlyKey(kind: IdKind, id: u64): u64 {
  return operationKey(IdKind.Number, asNumber(kind, id), false);
}
