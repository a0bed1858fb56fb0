import { Clock } from "../../host/clock";
import { SessionKey } from "../../identity/keys";
import { mix } from "../../memory/bytes";
import { neverZero } from "../../memory/keyed_hash";
import { IdKind, alikeKind } from "../../jsonrpc/id";
import { Endpoints } from "../../store/endpoints";
import { Events } from "../events";
import { KeptLists } from "../message/kept_lists";
import { McpMessage } from "../message/message";
import { Method } from "../protocol/methods";
import { Outcome, isRejection, rejectionCode } from "../protocol/outcome";
import { MODERN_REVISION, UNKNOWN_REVISION } from "../protocol/revisions";
import { StreamEnd } from "../protocol/stream_kinds";
import { Undecoded } from "../protocol/undecoded";
import { Participants } from "../sessions/participants";
import { StreamSessions } from "../sessions/stream_sessions";
import { Operation } from "../state/operation";
import { Span } from "../state/span";
import { Stream } from "../state/stream";
import { ToolWatch } from "../tools/tool_watch";
import { AbandonedOperations, CROSSING_MS } from "./abandoned_operations";
import { Cancellations } from "./cancellations";
import { TokenUsage } from "./token_usage";
import { WaitingOperations } from "./waiting_operations";

/** The HTTP status of a POST that has no answer of its own. */
const ACCEPTED: i32 = 202;

/** Operations that a stream may have open: a batch of more requests is not kept whole. */
const OPEN_LIMIT: u32 = 64;

/** Begins an operation with each request, pairs it with its answer, on whichever stream that comes, and gives it its one
 *  outcome. */
export class Pairing {
  constructor(
    private waiting: WaitingOperations,
    private abandoned: AbandonedOperations,
    private cancellations: Cancellations,
    private sessions: StreamSessions,
    private participants: Participants,
    private usage: TokenUsage,
    private tools: ToolWatch,
    private lists: KeptLists,
    private endpoints: Endpoints,
    private events: Events,
    private clock: Clock,
  ) {}

  /** Begins the operation of a client's request. `rejection`: the outcome of one that the gate keeps from the server, which ends at
   *  once; Open for another one. */
  begin(stream: Stream, message: McpMessage, rejection: Outcome): void {
    const isRejected = rejection != Outcome.Open;
    if (message.requestRevision != UNKNOWN_REVISION) this.sessions.setRevision(stream, message.requestRevision);
    if (!isRejected && stream.operations.count == OPEN_LIMIT) return this.events.undecoded(stream, Undecoded.Batch);
    const operation = operationOf(message);
    operation.startedAt = stream.startedAt;
    this.usage.requested(message, operation);
    this.tools.requested(stream, message, operation);
    if (stream.admissions) {
      operation.admission = changetype<usize>(stream.takeAdmission(operation.idKind, operation.idHash));
    }
    if (!isRejected) stream.operations.add(operation);
    if (stream.session.isHttpSse) this.bind(stream, operation);
    if (!isRejected && !stream.isUnpaired) operation.begunIn = this.sessionAtStart(stream, operation);
    if (stream.isTraced) {
      stream.trace.meta.copy(message.trace);
      this.events.operationRead(stream, operation, message, isRejected);
    }
    const mayWait = stream.session.isHttpSse && !isRejected;
    const isWaiting = mayWait && this.waiting.add(operation, this.clock.milliseconds);
    this.participants.nameCaller(stream);
    this.events.operationStarted(stream, operation, isWaiting);
    if (isRejected) this.concludeRejected(stream, operation, rejection);
  }

  /** Begins the operation of a server's request, which the client answers with a POST. Without a session the answer could not
   *  be assigned. */
  beginFromServer(stream: Stream, message: McpMessage): void {
    if (!stream.session.id) return;
    const session = this.sessions.keyOf(stream);
    // A client that resumes a stream receives requests again, perhaps one that it has answered.
    if (this.waiting.has(session, message.idKind, message.idHash, true)) return;
    if (stream.resumes && this.waiting.wasAnswered(session, message.idKind, message.idHash)) return;
    const operation = operationOf(message);
    operation.fromServer = true;
    operation.mayBeReplayed = stream.isResumable;
    operation.startedAt = this.clock.now();
    this.bind(stream, operation);
    if (stream.isTraced) this.events.operationRead(stream, operation, message, false);
    this.waiting.addEnded(operation, Outcome.Open, this.clock.milliseconds);
    operation.release();
  }

  /** The client answers a request of the server. `rejection`: the outcome of an answer that the gate keeps from the server; Open
   *  for another one. */
  answerFromClient(stream: Stream, message: McpMessage, rejection: Outcome): void {
    if (!stream.session.id) return;
    const session = this.sessions.keyOf(stream);
    let asked = this.waiting.take(session, message.idKind, message.idHash, true);
    if (!asked && message.alikeHash) {
      asked = this.waiting.take(session, alikeKind(message.idKind), message.alikeHash, true);
    }
    if (!asked) return;
    if (asked.mayBeReplayed) {
      this.waiting.markAnswered(session, asked.idKind, asked.idHash, this.clock.milliseconds);
    }
    if (rejection != Outcome.Open) return this.concludeRejected(stream, asked, rejection);
    asked.responseSize = message.size;
    asked.errorCode = message.errorCode;
    this.conclude(stream, asked, message.outcome);
  }

  /** The only request of the client that waits in this session for its answer; null where there is none, or where there are
   *  several. To be released. */
  onlyWaiting(session: SessionKey): Operation | null {
    return this.waiting.only(session);
  }

  /** The method of the server's request that a client's answer of this id answers; None where it is not known. */
  askedMethod(stream: Stream, kind: IdKind, id: u64): Method {
    return stream.session.id ? this.waiting.methodOf(this.sessions.keyOf(stream), kind, id, true) : Method.None;
  }

  /** The gate keeps all of the stream's messages from the server, and answers them. */
  reject(stream: Stream): void {
    for (let operation = stream.operations.first; operation; operation = stream.operations.first) {
      this.rejectOpen(stream, operation, stream.rejection);
    }
  }

  /** The gate keeps one of the stream's requests from the server that have waited, and lets others on. Nothing where its operation
   *  has ended. */
  rejectOne(stream: Stream, kind: IdKind, idHash: u64, rejection: Outcome): void {
    const operation = stream.operations.find(kind, idHash);
    if (operation) this.rejectOpen(stream, operation, rejection);
  }

  /** The gate lets the stream's messages on, which have waited: the server has them from now on. */
  admit(stream: Stream): void {
    stream.isQueued = false;
    const now = this.clock.now();
    for (let operation = stream.operations.first; operation;) {
      const next = operation.next;
      const admission = stream.takeAdmission(operation.idKind, operation.idHash);
      const wasParked = operation.isParked;
      // Where another stream has ended it, the stream's end settles the admission.
      if (!this.isUnclaimed(operation)) {
        if (admission) stream.addAdmission(admission);
      } else {
        operation.startedAt = now;
        operation.admission = changetype<usize>(admission);
        if (operation.span) {
          const span = changetype<Span>(operation.span);
          span.keepTimes(stream.trace);
          span.admittedAt = now;
        }
        if (wasParked) this.waiting.add(operation, this.clock.milliseconds);
        this.events.operationAdmitted(stream, operation, wasParked);
      }
      operation = next ? changetype<Operation>(next) : null;
    }
  }

  /** Whether the client has cancelled the only request of a stream, whose messages wait. */
  isOnlyCancelled(stream: Stream): bool {
    const operation = stream.operations.only;
    if (!operation || !stream.session.id) return false;
    const session = this.sessions.keyOf(stream);
    if (operation.isParked && this.waiting.isCancelled(operation)) return true;
    return this.cancellations.has(session, operation.idKind, operation.idHash, operation.startedAt);
  }

  /** A request is cancelled: by the client, or one of the server's by the server. */
  cancel(stream: Stream, message: McpMessage, fromServer: bool): void {
    const id = message.cancelledId;
    // Ids are unique in a session only: without one, a mark could match a request of another client.
    if (!id || !stream.session.id) return;
    const session = this.sessions.keyOf(stream);
    const nowMs = this.clock.milliseconds;
    // What is parked is cancelled in the store as well, but may have ended there while its request still waits for limits.
    if (!fromServer) this.cancellations.add(session, message.cancelledKind, id, nowMs);
    this.waiting.cancel(session, message.cancelledKind, id, fromServer, nowMs);
    if (!fromServer) this.events.operationCancelled(stream, session, message.cancelledKind, id);
  }

  /** A response of the server. `isWhole`: it is all that the server answers. */
  answer(stream: Stream, message: McpMessage, isWhole: bool): void {
    if (this.answerAsked(stream, message, message.idKind, message.idHash)) return;
    const alike = message.alikeHash;
    if (alike && this.answerAsked(stream, message, alikeKind(message.idKind), alike)) return;
    this.keepAnswer(stream, message);
    const operations = stream.operations;
    // Some servers refuse with an id of their own (`"server-error"`).
    const isRefusal = isWhole && stream.status >= 400 && message.outcome == Outcome.RpcError;
    if (!isRefusal && (!message.isErrorOfUnknownRequest || (operations.count > 1 && !isWhole))) return;
    // Whatever was asked: what the server could not read is what the client sent. Its bytes passed once.
    let size = message.size;
    for (let operation = operations.first; operation; operation = operations.first) {
      this.answerOpen(stream, operation, message, size);
      size = 0;
    }
  }

  /** The stream is over, for the reason `end`: ends what is open. Returns the reason as it turns out to be. */
  end(stream: Stream, end: StreamEnd): StreamEnd {
    const operations = stream.operations;
    let reason = end;
    for (let operation = operations.first; operation; operation = operations.first) {
      const outcome = this.outcomeWithoutAnswer(stream, operation, end);
      operations.remove(operation);
      this.leaveOutWait(stream, operation);
      if (operation.isParked) {
        if (this.endWaiting(stream, operation, outcome)) reason = StreamEnd.ServerClosed;
        continue;
      }
      if (outcome == Outcome.Unanswered) reason = StreamEnd.ServerClosed;
      if (mayBeAnsweredElsewhere(stream, outcome)) this.park(stream, operation, outcome);
      else if (outcome == Outcome.Disconnected && stream.session.id) this.abandon(stream, operation);
      else this.conclude(stream, operation, outcome);
    }
    return reason;
  }

  /** Ends what the client gave up, as far as no cancellation of it is expected any more. */
  tick(nowMs: u64): void {
    this.abandoned.tick(nowMs);
  }

  /** Whether nothing is left for {@link tick} to end. */
  get isIdle(): bool {
    return this.abandoned.isEmpty;
  }

  /** Ends all that the client gave up. */
  close(): void {
    this.abandoned.close();
  }

  /** The stream's session is over: what waits in it for an answer has this outcome, if no other was found for it. */
  endSession(stream: Stream, outcome: Outcome): void {
    this.waiting.endSession(this.sessions.keyOf(stream), outcome, this.clock.milliseconds);
  }

  /** An operation ends that has waited for limits until now: its duration does not include that. */
  private leaveOutWait(stream: Stream, operation: Operation): void {
    if (stream.isQueued) operation.startedAt = this.clock.now();
  }

  private rejectOpen(stream: Stream, operation: Operation, rejection: Outcome): void {
    stream.operations.remove(operation);
    this.leaveOutWait(stream, operation);
    if (this.isUnclaimed(operation)) this.concludeRejected(stream, operation, rejection);
    else operation.release();
  }

  private answerOpen(stream: Stream, operation: Operation, message: McpMessage, size: u64): void {
    stream.operations.remove(operation);
    if (this.isUnclaimed(operation)) this.settle(stream, operation, message, size);
    else operation.release();
  }

  /** Reads the answer to the request of this id, which came on this stream or on another one. False where none is known. */
  private answerAsked(stream: Stream, message: McpMessage, kind: IdKind, id: u64): bool {
    const open = stream.operations.find(kind, id);
    if (open) {
      this.answerOpen(stream, open, message, message.size);
      return true;
    }
    if (!stream.session.id) return false;
    const waiting = this.waiting.take(this.sessions.keyOf(stream), kind, id, false);
    if (!waiting) return false;
    this.settle(stream, waiting, message, message.size);
    return true;
  }

  /** Keeps an answer that nothing waits for yet. */
  private keepAnswer(stream: Stream, message: McpMessage): void {
    if (!stream.session.id) return;
    const session = this.sessions.keyOf(stream);
    this.waiting.keepAnswer(session, message.idKind, message.idHash, message.outcome, this.clock.milliseconds);
  }

  /** The stream of an operation that waits in the store, of HTTP+SSE, ended as `outcome` says. True where the server owes
   *  its answer for good. */
  private endWaiting(stream: Stream, operation: Operation, outcome: Outcome): bool {
    if (isSuccessful(stream.status) && this.endpoints.has(stream.session.id)) {
      // The session's stream brings the answer, unless it ended in the meantime.
      operation.release();
      return false;
    }
    if (outcome == Outcome.Disconnected) {
      this.waiting.abandon(operation, this.clock.milliseconds, CROSSING_MS);
      operation.release();
      return false;
    }
    if (!this.isUnclaimed(operation)) operation.release();
    else this.conclude(stream, operation, this.waiting.hasTakenCancelled ? Outcome.Cancelled : outcome);
    return outcome == Outcome.Unanswered;
  }

  /** Keeps an operation whose client closed the stream until a cancellation can no longer follow. */
  private abandon(stream: Stream, operation: Operation): void {
    this.bind(stream, operation);
    operation.outcome = Outcome.Disconnected;
    operation.endedAt = this.clock.now();
    this.events.operationDisconnected(stream, operation);
    this.events.operationWaiting(stream, operation);
    this.abandoned.add(operation);
  }

  /** Leaves an operation, whose stream ended as `outcome` says, for an answer on another stream. */
  private park(stream: Stream, operation: Operation, outcome: Outcome): void {
    this.bind(stream, operation);
    // Before the operation is packed, with what has been settled.
    if (outcome == Outcome.Disconnected) this.events.operationDisconnected(stream, operation);
    if (operation.span) changetype<Span>(operation.span).keepTimes(stream.trace);
    if (!this.waiting.addEnded(operation, outcome, this.clock.milliseconds)) {
      return this.conclude(stream, operation, outcome);
    }
    this.events.operationWaiting(stream, operation);
    operation.outcome = outcome;
    // The client may have been back, and answered, before. Where the session has ended, no answer comes any more.
    const isOver = this.waiting.takeAnswer(operation) || this.waiting.hasSessionEnded(operation);
    if (isOver && this.isUnclaimed(operation)) return this.conclude(stream, operation, operation.outcome);
    operation.release();
  }

  /** Ties an operation to the stream's session, server and caller, so that another stream can end it. */
  private bind(stream: Stream, operation: Operation): void {
    operation.session = this.sessions.keyOf(stream);
    bindCall(operation);
    operation.server = this.participants.serverOf(stream);
    operation.caller = this.participants.nameCaller(stream);
  }

  /** Takes the operation out of the store if it waits there. False where another stream has taken and ended it. */
  private isUnclaimed(operation: Operation): bool {
    if (!operation.isParked) return true;
    const own = this.waiting.take(operation.session, operation.idKind, operation.idHash, false);
    if (own) own.release();
    return own != null;
  }

  /** Ends an operation with its answer. */
  private settle(stream: Stream, operation: Operation, message: McpMessage, size: u64): void {
    operation.responseSize = size;
    operation.errorCode = message.errorCode;
    const outcome = message.outcome;
    if (operation.method == Method.Initialize && outcome == Outcome.Ok) {
      this.sessions.initialized(stream, message.agreedRevision, operation.clientName, operation.clientNameLength);
    }
    this.usage.answered(stream, message, operation);
    this.tools.answered(stream, message, operation, outcome);
    if (outcome == Outcome.Ok) this.lists.keep(message, operation.method);
    this.conclude(stream, operation, outcome);
  }

  private concludeRejected(stream: Stream, operation: Operation, rejection: Outcome): void {
    if (isRejection(rejection)) operation.errorCode = rejectionCode(rejection);
    this.conclude(stream, operation, rejection);
  }

  /** Reports the end of an operation and releases it. */
  private conclude(stream: Stream, operation: Operation, outcome: Outcome): void {
    operation.outcome = outcome;
    if (isAttempt(stream.status, outcome)) operation.callHash = 0;
    const session = this.sessionOf(stream, operation, outcome);
    if (session) operation.session = session;
    if (!operation.isParked) bindCall(operation);
    this.participants.nameCaller(stream);
    this.events.operationEnded(stream, operation);
    operation.release();
  }

  private sessionAtStart(stream: Stream, operation: Operation): SessionKey {
    if (operation.session) return operation.session;
    const client = operation.clientName;
    return this.sessions.sessionOfRequest(stream, UNKNOWN_REVISION, client, operation.clientNameLength);
  }

  /** The session of an operation that ends: an answer that could not be read may have named one, so it begins none. */
  private sessionOf(stream: Stream, operation: Operation, outcome: Outcome): SessionKey {
    if (isRejection(outcome)) return 0;
    if (outcome == Outcome.Undecoded) return this.sessions.keyOrNone(stream);
    const client = operation.clientName;
    return this.sessions.sessionOfOperation(stream, operation.method, client, operation.clientNameLength);
  }

  /** How an operation ended whose stream is over and brought no answer. */
  private outcomeWithoutAnswer(stream: Stream, operation: Operation, end: StreamEnd): Outcome {
    if (this.isCancelled(stream, operation)) return Outcome.Cancelled;
    if (stream.status >= 500) return Outcome.UpstreamError;
    if (stream.status == 401) return Outcome.Unauthenticated;
    if (stream.status >= 300) return Outcome.HttpError;
    if (end == StreamEnd.ClientClosed) {
      // On HTTP+SSE the answer comes elsewhere, so a client that closes its POST cancels nothing.
      const cancels = stream.revision == MODERN_REVISION && !stream.session.isHttpSse;
      return cancels ? Outcome.Cancelled : Outcome.Disconnected;
    }
    if (!stream.hasResponseEnded) return Outcome.UpstreamError;
    return stream.isUnreadable ? Outcome.Undecoded : Outcome.Unanswered;
  }

  /** Whether the client has cancelled an operation of its own; that uses the cancellation up. Those of HTTP+SSE wait in the
   *  store, and are cancelled there. */
  private isCancelled(stream: Stream, operation: Operation): bool {
    const link = stream.session;
    return link.id != 0 && !link.isHttpSse && this.cancellations.take(operation, this.sessions.keyOf(stream));
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

/** Ties a call to its session: only there can it be repeated. */
function bindCall(operation: Operation): void {
  if (!operation.callHash) return;
  operation.callHash = operation.session ? neverZero(mix(operation.callHash ^ operation.session)) : 0;
}

/** Whether the answer may come on another stream, now that the operation's own ended like this: where the client can resume
 *  it (2025-03-26 and later, basic/transports, "Resumability and Redelivery"), and where the server accepted the request as
 *  if it were a notification. The specification forbids the latter; clients take the answer from their GET stream. */
function mayBeAnsweredElsewhere(stream: Stream, outcome: Outcome): bool {
  if (!stream.session.id || stream.session.isHttpSse) return false;
  if (outcome == Outcome.Unanswered && stream.status == ACCEPTED) return true;
  return stream.isResumable && outcome != Outcome.Cancelled && outcome != Outcome.Undecoded;
}

/** Whether the server did not run the request, so that the same request is not repeated by its next attempt. `status`: the
 *  response's HTTP status, 0 where none came. */
function isAttempt(status: i32, outcome: Outcome): bool {
  if (isRejection(outcome) || outcome == Outcome.Unauthenticated || outcome == Outcome.HttpError) return true;
  return status == 401 || status == 403 || status == 429 || status == 502 || status == 503;
}

function isSuccessful(status: i32): bool {
  return status >= 200 && status < 300;
}
