import { CountingUnit } from "./counting_unit";
import { MeasuredStream } from "./measured_stream";
import { McpMessage } from "./message";
import { Method } from "./methods";
import { Operation } from "./operation";
import { Outcome } from "./outcome";
import { MODERN_REVISION, UNKNOWN_REVISION } from "./revisions";
import { StreamEnd } from "./stream_kinds";
import { Undecoded } from "./undecoded";

/** Operations that a stream may have open: a batch of more requests is not kept whole. */
const OPEN_LIMIT: u32 = 64;

/** A stream's operations: begins each with its request, pairs it with its answer, and gives it its one outcome. */
@unmanaged
export class PairedStream extends MeasuredStream {
  /** The response has been seen to its end. */
  responseEnded: bool;
  /** Something in the response that could be an answer could not be read. */
  protected unreadable: bool;
  /** The address of the first open operation, or 0. */
  private operations: usize;
  private openCount: u32;

  /** Begins the operation of a request. */
  protected beginOperation(message: McpMessage, unit: CountingUnit): void {
    if (message.requestRevision != UNKNOWN_REVISION) this.setRevision(message.requestRevision);
    if (this.openCount == OPEN_LIMIT) return unit.observer.undecoded(this, Undecoded.Batch);
    const operation = Operation.take();
    operation.method = message.method;
    operation.idKind = message.idKind;
    operation.idHash = message.idHash;
    operation.requestSize = message.size;
    operation.setName(message.name, message.nameLength);
    operation.setClientName(message.clientName, message.clientNameLength);
    this.measureRequest(message, operation);
    operation.next = this.operations;
    this.operations = changetype<usize>(operation);
    this.openCount++;
    unit.observer.operationStarted(this);
  }

  protected get hasOperations(): bool {
    return this.operations != 0;
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
    if (!message.isErrorOfUnknownRequest || (this.openCount > 1 && !isWhole)) return;
    // Whatever was asked: what the server could not read is what the client sent. Its bytes passed once.
    for (let size = message.size; this.operations; size = 0) {
      this.answer(changetype<Operation>(this.operations), message, size, unit);
    }
  }

  /** The stream is over, for the reason `end`: ends what is open. Returns the reason as it turns out to be. */
  protected endOperations(end: StreamEnd, unit: CountingUnit): StreamEnd {
    let reason = end;
    while (this.operations) {
      const operation = changetype<Operation>(this.operations);
      const outcome = this.outcomeWithoutAnswer(operation, end, unit);
      if (outcome == Outcome.Unanswered) reason = StreamEnd.ServerClosed;
      this.endOperation(operation, outcome, unit);
    }
    return reason;
  }

  private answer(operation: Operation, message: McpMessage, size: u64, unit: CountingUnit): void {
    operation.responseSize = size;
    operation.errorCode = message.errorCode;
    const outcome = message.outcome;
    if (operation.method == Method.Initialize && outcome == Outcome.Ok) {
      this.initialized(message.agreedRevision, operation, unit);
    }
    this.measureAnswer(message, operation, unit);
    this.endOperation(operation, outcome, unit);
  }

  private endOperation(operation: Operation, outcome: Outcome, unit: CountingUnit): void {
    this.remove(operation);
    operation.outcome = outcome;
    unit.observer.operationEnded(this, operation);
    this.countInSession(operation, unit);
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

function isAnswer(message: McpMessage, operation: Operation): bool {
  return message.idKind == operation.idKind && message.idHash == operation.idHash;
}
