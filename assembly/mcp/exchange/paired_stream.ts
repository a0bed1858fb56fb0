import { IdKind } from "../../jsonrpc/id";
import { CountingUnit } from "./counting_unit";
import { McpMessage } from "../message/message";
import { Method } from "../protocol/methods";
import { Operation } from "../operations/operation";
import { Outcome } from "../protocol/outcome";
import { MODERN_REVISION, UNKNOWN_REVISION } from "../protocol/revisions";
import { StreamEnd } from "../protocol/stream_kinds";
import { Undecoded } from "../protocol/undecoded";
import { WatchedStream } from "./watched_stream";

/** The code of what the access policy denies, as clients are answered. */
const DENIED_CODE: i32 = 403;

/** Operations that a stream may have open: a batch of more requests is not kept whole. */
const OPEN_LIMIT: u32 = 64;

/** A stream's operations: begins each with its request, pairs it with its answer, on whichever stream that comes, and
 *  gives it its one outcome. */
@unmanaged
export class PairedStream extends WatchedStream {
  /** The response has been seen to its end. */
  responseEnded: bool;
  /** The client can have what is left of the response on another stream: its events have ids. */
  protected isResumable: bool;
  /** The access policy keeps the request from the server. */
  protected isDenied: bool;
  /** Something in the response that could be an answer could not be read. */
  protected unreadable: bool;
  /** The address of the first open operation, or 0. */
  private operations: usize;
  private openCount: u32;

  /** Begins the operation of a request. */
  protected beginOperation(message: McpMessage, unit: CountingUnit): void {
    if (message.requestRevision != UNKNOWN_REVISION) this.setRevision(message.requestRevision);
    if (this.openCount == OPEN_LIMIT) return unit.observer.undecoded(this, Undecoded.Batch);
    const operation = operationOf(message);
    operation.startedAt = this.startedAt;
    this.measureRequest(message, operation);
    this.watchRequest(message, operation);
    operation.next = this.operations;
    this.operations = changetype<usize>(operation);
    this.openCount++;
    if (!this.isHttpSse) return unit.observer.operationStarted(this);
    this.bind(operation, unit);
    if (!unit.pending.add(operation, unit.milliseconds())) unit.observer.operationStarted(this);
    unit.log.requested(this, operation, false);
  }

  /** The server asks the client, who answers with a POST. Without a session nothing would tell whose answer that is. */
  protected beginServerOperation(message: McpMessage, unit: CountingUnit): void {
    // One that a client gets again that comes back is the same one.
    if (!this.session || unit.pending.has(this.sessionKey(unit), message.idKind, message.idHash, true)) return;
    const operation = operationOf(message);
    operation.fromServer = true;
    operation.startedAt = unit.nanoseconds();
    this.bind(operation, unit);
    unit.pending.addEnded(operation, Outcome.Open, unit.milliseconds());
    operation.release();
  }

  /** The client answers what the server asked. */
  protected takeClientAnswer(message: McpMessage, unit: CountingUnit): void {
    if (!this.session) return;
    const asked = unit.pending.take(this.sessionKey(unit), message.idKind, message.idHash, true);
    if (!asked) return;
    if (this.isDenied) return this.concludeDenied(asked, unit);
    asked.responseSize = message.size;
    asked.errorCode = message.errorCode;
    this.conclude(asked, message.outcome, unit);
  }

  /** The method by which the server asked what an answer of the client's answers; None where that is not known. */
  askedMethod(kind: IdKind, id: u64, unit: CountingUnit): Method {
    return this.session ? unit.pending.methodOf(this.sessionKey(unit), kind, id, true) : Method.None;
  }

  /** The access policy keeps the request's messages from the server, and answers them. */
  protected denyOperations(unit: CountingUnit): void {
    while (this.operations) {
      const operation = changetype<Operation>(this.operations);
      this.remove(operation);
      if (this.isUnclaimed(operation, unit)) this.concludeDenied(operation, unit);
      else operation.release();
    }
  }

  private concludeDenied(operation: Operation, unit: CountingUnit): void {
    operation.errorCode = DENIED_CODE;
    this.conclude(operation, Outcome.Denied, unit);
  }

  /** A request is cancelled: by the client, or one of the server's by the server. */
  protected cancelOperation(message: McpMessage, fromServer: bool, unit: CountingUnit): void {
    const id = message.cancelledId;
    // Ids are unique in a session only: without one, a mark could hit a stranger's request.
    if (!id || !this.session) return;
    if (!fromServer && !this.isHttpSse) unit.cancellations.set(this.session, id, 1);
    unit.pending.cancel(this.sessionKey(unit), message.cancelledKind, id, fromServer, unit.milliseconds());
  }

  /** Ties an operation to the stream's session, server and caller, so that another stream can end it. */
  private bind(operation: Operation, unit: CountingUnit): void {
    operation.session = this.sessionKey(unit);
    this.bindCall(operation, unit);
    unit.observer.resolveCaller(this);
    operation.server = this.server;
    operation.caller = this.caller;
  }

  protected get hasOperations(): bool {
    return this.operations != 0;
  }

  /** The operation that is open; null where it is not the only one. */
  protected get onlyOperation(): Operation | null {
    return this.openCount == 1 ? changetype<Operation>(this.operations) : null;
  }

  /** Whether an open operation is of this method. */
  protected awaits(method: Method): bool {
    for (let at = this.operations; at; at = changetype<Operation>(at).next) {
      if (changetype<Operation>(at).method == method) return true;
    }
    return false;
  }

  /** Takes a response of the server. `isWhole`: it is all that the server answers. */
  protected takeAnswer(message: McpMessage, isWhole: bool, unit: CountingUnit): void {
    let at = this.operations;
    while (at && !isAnswer(message, changetype<Operation>(at))) at = changetype<Operation>(at).next;
    if (at) return this.answer(changetype<Operation>(at), message, message.size, unit);
    if (this.takeAnswerFromElsewhere(message, unit)) return;
    // Some servers refuse with an id of their own (`"server-error"`).
    const isRefusal = isWhole && this.status >= 400 && message.outcome == Outcome.RpcError;
    if (!isRefusal && (!message.isErrorOfUnknownRequest || (this.openCount > 1 && !isWhole))) return;
    // Whatever was asked: what the server could not read is what the client sent. Its bytes passed once.
    for (let size = message.size; this.operations; size = 0) {
      this.answer(changetype<Operation>(this.operations), message, size, unit);
    }
  }

  /** Takes the answer to a request that came on another stream. False where none is known. */
  private takeAnswerFromElsewhere(message: McpMessage, unit: CountingUnit): bool {
    if (!this.session) return false;
    const session = this.sessionKey(unit);
    const asked = unit.pending.take(session, message.idKind, message.idHash, false);
    if (!asked) {
      unit.pending.keepAnswer(session, message.idKind, message.idHash, message.outcome, unit.milliseconds());
      return false;
    }
    this.settle(asked, message, message.size, unit);
    return true;
  }

  /** The stream is over, for the reason `end`: ends what is open. Returns the reason as it turns out to be. */
  protected endOperations(end: StreamEnd, unit: CountingUnit): StreamEnd {
    let reason = end;
    while (this.operations) {
      const operation = changetype<Operation>(this.operations);
      const outcome = this.outcomeWithoutAnswer(operation, end, unit);
      if (operation.isParked && isSuccessful(this.status) && unit.endpoints.has(this.session)) {
        // The stream of HTTP+SSE brings the answer, unless it ended in the meantime.
        this.remove(operation);
        operation.release();
        continue;
      }
      if (outcome == Outcome.Unanswered) reason = StreamEnd.ServerClosed;
      if (this.mayBeAnsweredElsewhere(outcome)) this.park(operation, outcome, unit);
      else this.endOperation(operation, outcome, unit);
    }
    return reason;
  }

  /** Whether the client may come back for the answer (2025-03-26 and later, basic/transports, "Resumability and
   *  Redelivery"), now that the stream ended like this. */
  private mayBeAnsweredElsewhere(outcome: Outcome): bool {
    return (
      this.isResumable &&
      !this.isHttpSse &&
      this.session != 0 &&
      outcome != Outcome.Cancelled &&
      outcome != Outcome.Undecoded
    );
  }

  private park(operation: Operation, outcome: Outcome, unit: CountingUnit): void {
    this.remove(operation);
    this.bind(operation, unit);
    unit.log.requested(this, operation, false);
    if (!unit.pending.addEnded(operation, outcome, unit.milliseconds())) {
      return this.conclude(operation, outcome, unit);
    }
    unit.observer.operationParked(this);
    // The client may have been back, and answered, before.
    if (unit.pending.takeAnswer(operation) && this.isUnclaimed(operation, unit)) {
      return this.conclude(operation, operation.outcome, unit);
    }
    operation.release();
  }

  private answer(operation: Operation, message: McpMessage, size: u64, unit: CountingUnit): void {
    this.remove(operation);
    if (this.isUnclaimed(operation, unit)) this.settle(operation, message, size, unit);
    else operation.release();
  }

  private endOperation(operation: Operation, outcome: Outcome, unit: CountingUnit): void {
    this.remove(operation);
    if (this.isUnclaimed(operation, unit)) this.conclude(operation, outcome, unit);
    else operation.release();
  }

  /** Whether nobody else has ended the operation: then nobody else will. */
  private isUnclaimed(operation: Operation, unit: CountingUnit): bool {
    if (!operation.isParked) return true;
    const own = unit.pending.take(operation.session, operation.idKind, operation.idHash, false);
    if (own) own.release();
    return own != null;
  }

  /** Ends an operation with its answer. */
  private settle(operation: Operation, message: McpMessage, size: u64, unit: CountingUnit): void {
    operation.responseSize = size;
    operation.errorCode = message.errorCode;
    const outcome = message.outcome;
    if (operation.method == Method.Initialize && outcome == Outcome.Ok) {
      this.initialized(message.agreedRevision, operation, unit);
    }
    this.measureAnswer(message, operation, unit);
    this.watchAnswer(message, operation, outcome, unit);
    this.conclude(operation, outcome, unit);
  }

  /** Counts an operation, which must not be used any more. */
  private conclude(operation: Operation, outcome: Outcome, unit: CountingUnit): void {
    operation.outcome = outcome;
    if (outcome != Outcome.Denied) this.countInSession(operation, unit);
    if (!operation.isParked) this.bindCall(operation, unit);
    unit.observer.operationEnded(this, operation);
    if (!operation.isParked) unit.log.ended(this, operation, this.revision == MODERN_REVISION, unit.nanoseconds());
    operation.release();
  }

  private remove(operation: Operation): void {
    this.openCount--;
    const at = changetype<usize>(operation);
    if (this.operations == at) {
      this.operations = operation.next;
      return;
    }
    let before = changetype<Operation>(this.operations);
    while (before.next != at) before = changetype<Operation>(before.next);
    before.next = operation.next;
  }

  /** How an operation ended whose stream is over and brought no answer. */
  private outcomeWithoutAnswer(operation: Operation, end: StreamEnd, unit: CountingUnit): Outcome {
    if (this.session && unit.cancellations.get(this.session, operation.idHash)) return Outcome.Cancelled;
    if (this.status >= 500) return Outcome.UpstreamError;
    if (this.status == 401) return Outcome.Unauthenticated;
    if (this.status >= 300) return Outcome.HttpError;
    if (end == StreamEnd.ClientClosed)
      return this.revision == MODERN_REVISION ? Outcome.Cancelled : Outcome.Disconnected;
    if (!this.responseEnded) return Outcome.UpstreamError;
    return this.unreadable ? Outcome.Undecoded : Outcome.Unanswered;
  }
}

/** An operation of what a request's message says. */
function operationOf(message: McpMessage): Operation {
  const operation = Operation.take();
  operation.method = message.method;
  operation.idKind = message.idKind;
  operation.idHash = message.idHash;
  operation.requestSize = message.size;
  operation.setName(message.name, message.nameLength);
  operation.setClientName(message.clientName, message.clientNameLength);
  return operation;
}

function isSuccessful(status: i32): bool {
  return status >= 200 && status < 300;
}

function isAnswer(message: McpMessage, operation: Operation): bool {
  return message.idKind == operation.idKind && message.idHash == operation.idHash;
}
