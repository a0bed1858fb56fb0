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
/** An answer may cross with the cancellation of its request. */
const CANCELLED_MS: u64 = 10_000;
/** How long an operation of HTTP+SSE waits where the end of its stream is not seen. */
const LONGEST_MS: u64 = 86_400_000;

if (<i32>PACKED_LIMIT > PENDING_SIZE) ERROR("A packed operation is larger than what may wait.");
if (OUTCOME_COUNT > 1 << (<i32>OUTCOME_BITS)) ERROR("OUTCOME_BITS are too few.");

const packed: usize = heap.alloc(PACKED_LIMIT);

/**
 * The operations whose answers are to come on another stream, maybe on another worker: on the stream of HTTP+SSE, on a
 * stream that the client resumes, in a POST where the server asked. Only the worker that takes one out ends it.
 */
export class WaitingOperations extends PendingListener {
  private pending: Pending;
  /** Answers that nothing waited for: when they came, in milliseconds, and below that their outcomes. */
  private early: Marks;
  /** The requests of servers that were answered, as long as there is room. */
  private answered: Marks;
  /** When sessions were ended, in milliseconds. One that was idle or evicted may go on. */
  private ended: Marks;

  /** @param idleSeconds how long an answer may take where no stream waits for it. */
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

  /** Leaves an operation of a session that ends with the answer, or with the session. Times in milliseconds. False where
   *  others were faster every time: then it waits nowhere. */
  add(operation: Operation, now: u64): bool {
    return this.leave(operation, now + LONGEST_MS, Outcome.Open, 0);
  }

  /** Leaves an operation whose stream ended as `outcome` says, unless its answer comes elsewhere. False as above. */
  addEnded(operation: Operation, outcome: Outcome, now: u64): bool {
    return this.leave(operation, now + <u64>this.idleSeconds * 1000, outcome, now);
  }

  /** An answer came that nothing waits for: the client may resume before the end of its lost stream is seen. */
  keepAnswer(session: u64, kind: IdKind, id: u64, outcome: Outcome, now: u64): void {
    this.early.set(session, earlyKey(kind, id), (now << OUTCOME_BITS) | (<u64>outcome));
  }

  /** Ends an operation, whose stream is over, as an answer did that came before. False where none has. */
  takeAnswer(operation: Operation): bool {
    const answer = this.early.get(operation.session, earlyKey(operation.idKind, operation.idHash));
    const answeredAt = answer >> OUTCOME_BITS;
    // An older one is of an earlier request under the same id.
    if (answeredAt < operation.startedAt / NANOSECONDS_PER_MILLISECOND) return false;
    const outcome = <Outcome>(answer & ((1 << OUTCOME_BITS) - 1));
    if (outcome >= OUTCOME_COUNT) return false;
    operation.outcome = outcome;
    operation.endedAt = answeredAt * NANOSECONDS_PER_MILLISECOND;
    return true;
  }

  /** Whether something waits in a session under this id. */
  has(session: u64, kind: IdKind, id: u64, fromServer: bool): bool {
    return this.pending.has(session, operationKey(kind, id, fromServer));
  }

  /** The method of what waits in a session under this id; None where nothing does. */
  methodOf(session: u64, kind: IdKind, id: u64, fromServer: bool): Method {
    if (!this.pending.read(session, operationKey(kind, id, fromServer))) return Method.None;
    const operation = unpackOperation(this.pending.taken, this.pending.takenLength);
    if (!operation) return Method.None;
    const method = operation.method;
    operation.release();
    return method;
  }

  /** The only request of the client that waits in a session, which stays there; null where there is none, or where there are
   *  several. */
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

  /** Takes out what waits in a session under this id; null where nothing does. */
  take(session: u64, kind: IdKind, id: u64, fromServer: bool): Operation | null {
    if (!this.pending.take(session, operationKey(kind, id, fromServer))) return null;
    return unpackOperation(this.pending.taken, this.pending.takenLength);
  }

  /** Whether the operation that was taken out last had been cancelled. */
  get hasTakenCancelled(): bool {
    return this.pending.takenVerdict == Outcome.Cancelled;
  }

  /** Whether an operation that waits has been cancelled. */
  isCancelled(operation: Operation): bool {
    const key = operationKey(operation.idKind, operation.idHash, operation.fromServer);
    return this.pending.read(operation.session, key) && this.pending.takenVerdict == Outcome.Cancelled;
  }

  /** The client closed the stream of an operation before it was accepted: it ends so unless its answer or a cancellation
   *  comes within `graceMs`. Nothing where it was cancelled before. */
  abandon(operation: Operation, now: u64, graceMs: u64): void {
    const key = operationKey(operation.idKind, operation.idHash, operation.fromServer);
    this.pending.rule(operation.session, key, Outcome.Disconnected, now, now + graceMs, true);
  }

  /** Remembers that the client answered this request of the server. */
  markAnswered(session: u64, kind: IdKind, id: u64, now: u64): void {
    this.answered.set(session, operationKey(kind, id, true), now);
  }

  /** Whether the client answered this request of the server before, as far as that is remembered. */
  wasAnswered(session: u64, kind: IdKind, id: u64): bool {
    return this.answered.get(session, operationKey(kind, id, true)) != 0;
  }

  /** A request was cancelled: ends it so where it waits. */
  cancel(session: u64, kind: IdKind, id: u64, fromServer: bool, now: u64): void {
    this.pending.rule(session, operationKey(kind, id, fromServer), Outcome.Cancelled, now, now + CANCELLED_MS, false);
  }

  /** The session is over: what waits in it has this outcome, if no other was found for it. */
  endSession(session: u64, outcome: Outcome, now: u64): void {
    // In this order: what comes to wait meanwhile, on another worker, either is found or finds the mark.
    this.ended.set(session, 0, now);
    this.pending.endScope(session, outcome, now, this);
  }

  /** Whether the operation's session was ended after the operation began. */
  hasSessionEnded(operation: Operation): bool {
    const endedAtMs = this.ended.get(operation.session, 0);
    return endedAtMs != 0 && hasCome(operation.startedAt / NANOSECONDS_PER_MILLISECOND, endedAtMs);
  }

  /** Ends what has waited for too long. One worker at a time does it. False where more is left than one sweep ends. */
  sweep(now: u64): bool {
    return this.pending.sweep(Outcome.Unanswered, now, this);
  }

  /** The newest sweep has left nothing that waits. */
  get isEmpty(): bool {
    return this.pending.isEmpty;
  }

  private leave(operation: Operation, dueAt: u64, outcome: Outcome, endedAt: u64): bool {
    operation.isParked = true;
    const key = operationKey(operation.idKind, operation.idHash, operation.fromServer);
    // A target that is no label is left out: a URI may hold a secret.
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

/** The key of an answer to a client's request of this id: clients take `"7"` for `7`. */
function earlyKey(kind: IdKind, id: u64): u64 {
  return operationKey(IdKind.Number, asNumber(kind, id), false);
}
