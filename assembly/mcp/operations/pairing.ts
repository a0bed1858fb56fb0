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
import { ToolEvidence } from "../tools/tool_evidence";
import { AbandonedOperations, CROSSING_MS } from "./abandoned_operations";
import { Cancellations } from "./cancellations";
import { TokenUsage } from "./token_usage";
import { WaitingOperations } from "./waiting_operations";

/** The HTTP status of a POST without a JSON-RPC response of its own. */
const ACCEPTED: i32 = 202;

/** The maximum number of open operations of a stream. Further requests of a batch are ignored. */
let openLimit: u32 = 64;

/** Lowers the maximum number of open operations of a stream, each of which needs about 400 bytes. Called once, by the entry. */
export function limitOpenOperations(count: u32): void {
  openLimit = count;
}

/** Starts an operation for each request, pairs it with its response, which may arrive on another stream, and determines its
 *  single outcome. */
export class Pairing {
  constructor(
    private waiting: WaitingOperations,
    private abandoned: AbandonedOperations,
    private cancellations: Cancellations,
    private sessions: StreamSessions,
    private participants: Participants,
    private usage: TokenUsage,
    private toolEvidence: ToolEvidence,
    private lists: KeptLists,
    private endpoints: Endpoints,
    private events: Events,
    private clock: Clock,
  ) {}

  /** Starts the operation of a client's request. `rejection`: the outcome if the gate rejects the request, which ends it at
   *  once; otherwise Open. */
  begin(stream: Stream, message: McpMessage, rejection: Outcome): void {
    const isRejected = rejection != Outcome.Open;
    if (message.requestRevision != UNKNOWN_REVISION) this.sessions.setRevision(stream, message.requestRevision);
    if (!isRejected && stream.operations.count >= openLimit) return this.events.undecoded(stream, Undecoded.Batch);
    const operation = operationOf(message);
    operation.startedAt = stream.startedAt;
    this.usage.requested(message, operation);
    this.toolEvidence.requested(stream, message, operation);
    if (stream.admissions) {
      operation.admission = changetype<usize>(stream.removeAdmission(operation.idKind, operation.idHash));
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

  /** Starts the operation of a server's request, which the client answers with a POST. Without a session, the response could
   *  not be assigned. */
  beginFromServer(stream: Stream, message: McpMessage): void {
    if (!stream.session.id) return;
    const session = this.sessions.keyOf(stream);
    // A client that resumes a stream receives requests again, perhaps one that it has already answered.
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

  /** Handles a client's response to a request of the server. `rejection`: the outcome if the gate rejects the response;
   *  otherwise Open. */
  answerFromClient(stream: Stream, message: McpMessage, rejection: Outcome): void {
    if (!stream.session.id) return;
    const session = this.sessions.keyOf(stream);
    let asked = this.waiting.remove(session, message.idKind, message.idHash, true);
    if (!asked && message.alikeHash) {
      asked = this.waiting.remove(session, alikeKind(message.idKind), message.alikeHash, true);
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

  /** The client's request that waits in this session for its response, if there is exactly one; otherwise null. The caller
   *  must release it. */
  onlyWaiting(session: SessionKey): Operation | null {
    return this.waiting.only(session);
  }

  /** The method of the server's request to which a client's response with this id belongs; None if it is unknown. */
  askedMethod(stream: Stream, kind: IdKind, id: u64): Method {
    return stream.session.id ? this.waiting.methodOf(this.sessions.keyOf(stream), kind, id, true) : Method.None;
  }

  /** The gate rejects all messages of the stream and responds to them. */
  reject(stream: Stream): void {
    for (let operation = stream.operations.first; operation; operation = stream.operations.first) {
      this.rejectOpen(stream, operation, stream.rejection);
    }
  }

  /** The gate rejects one of the stream's waiting requests and forwards others. Does nothing if its operation has ended. */
  rejectOne(stream: Stream, kind: IdKind, idHash: u64, rejection: Outcome): void {
    const operation = stream.operations.find(kind, idHash);
    if (operation) this.rejectOpen(stream, operation, rejection);
  }

  /** The gate forwards the stream's waiting messages to the server. */
  admit(stream: Stream): void {
    stream.isQueued = false;
    const now = this.clock.now();
    for (let operation = stream.operations.first; operation;) {
      const next = operation.next;
      const admission = stream.removeAdmission(operation.idKind, operation.idHash);
      const wasParked = operation.isParked;
      // If another stream has ended the operation, the end of this stream settles the admission.
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

  /** Whether the client has cancelled the only request of a stream whose messages wait. */
  isOnlyCancelled(stream: Stream): bool {
    const operation = stream.operations.only;
    if (!operation || !stream.session.id) return false;
    const session = this.sessions.keyOf(stream);
    if (operation.isParked && this.waiting.isCancelled(operation)) return true;
    return this.cancellations.has(session, operation.idKind, operation.idHash, operation.startedAt);
  }

  /** Handles a cancellation: the client cancels its request or, with `fromServer`, the server its own. */
  cancel(stream: Stream, message: McpMessage, fromServer: bool): void {
    const id = message.cancelledId;
    // Ids are unique only within a session. Without one, a mark could match a request of another client.
    if (!id || !stream.session.id) return;
    const session = this.sessions.keyOf(stream);
    const nowMs = this.clock.milliseconds;
    // A parked operation is also cancelled in the store. It may have ended there while its request still waits for limits.
    if (!fromServer) this.cancellations.add(session, message.cancelledKind, id, nowMs);
    this.waiting.cancel(session, message.cancelledKind, id, fromServer, nowMs);
    if (!fromServer) this.events.operationCancelled(stream, session, message.cancelledKind, id);
  }

  /** Handles a response of the server. `isWhole`: it is the whole body of the HTTP response. */
  answer(stream: Stream, message: McpMessage, isWhole: bool): void {
    if (this.answerAsked(stream, message, message.idKind, message.idHash)) return;
    const alike = message.alikeHash;
    if (alike && this.answerAsked(stream, message, alikeKind(message.idKind), alike)) return;
    this.keepAnswer(stream, message);
    const operations = stream.operations;
    // Some servers reject requests with their own id (`"server-error"`).
    const isRefusal = isWhole && stream.status >= 400 && message.outcome == Outcome.RpcError;
    if (!isRefusal && (!message.isErrorOfUnknownRequest || (operations.count > 1 && !isWhole))) return;
    // The error applies to all open operations, since the server could not read the client's message. The response's bytes
    // are counted only once.
    let size = message.size;
    for (let operation = operations.first; operation; operation = operations.first) {
      this.answerOpen(stream, operation, message, size);
      size = 0;
    }
  }

  /** Ends the open operations of a stream that has ended for the reason `end`. Returns the final reason: ServerClosed if the
   *  server owes a response. */
  end(stream: Stream, end: StreamEnd): StreamEnd {
    const operations = stream.operations;
    let reason = end;
    for (let operation = operations.first; operation; operation = operations.first) {
      const outcome = this.outcomeWithoutAnswer(stream, operation, end);
      operations.remove(operation);
      this.excludeWait(stream, operation);
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

  /** Ends abandoned operations whose cancellation is no longer expected. */
  tick(nowMs: u64): void {
    this.abandoned.tick(nowMs);
  }

  /** Whether there are no operations for {@link tick} to end. */
  get isIdle(): bool {
    return this.abandoned.isEmpty;
  }

  /** Ends all abandoned operations. */
  close(): void {
    this.abandoned.close();
  }

  /** The stream's session has ended. Its waiting operations get this outcome, unless they already have another one. */
  endSession(stream: Stream, outcome: Outcome): void {
    this.waiting.endSession(this.sessions.keyOf(stream), outcome, this.clock.milliseconds);
  }

  /** Excludes the time spent waiting for limits from the duration of an operation that ends while it waits. */
  private excludeWait(stream: Stream, operation: Operation): void {
    if (stream.isQueued) operation.startedAt = this.clock.now();
  }

  private rejectOpen(stream: Stream, operation: Operation, rejection: Outcome): void {
    stream.operations.remove(operation);
    this.excludeWait(stream, operation);
    if (this.isUnclaimed(operation)) this.concludeRejected(stream, operation, rejection);
    else operation.release();
  }

  private answerOpen(stream: Stream, operation: Operation, message: McpMessage, size: u64): void {
    stream.operations.remove(operation);
    if (this.isUnclaimed(operation)) this.settle(stream, operation, message, size);
    else operation.release();
  }

  /** Handles the response to the request with this id, which was sent on this stream or on another one. False if no such
   *  request is known. */
  private answerAsked(stream: Stream, message: McpMessage, kind: IdKind, id: u64): bool {
    const open = stream.operations.find(kind, id);
    if (open) {
      this.answerOpen(stream, open, message, message.size);
      return true;
    }
    if (!stream.session.id) return false;
    const waiting = this.waiting.remove(this.sessions.keyOf(stream), kind, id, false);
    if (!waiting) return false;
    this.settle(stream, waiting, message, message.size);
    return true;
  }

  /** Stores a response for which no operation waits yet. */
  private keepAnswer(stream: Stream, message: McpMessage): void {
    if (!stream.session.id) return;
    const session = this.sessions.keyOf(stream);
    this.waiting.keepAnswer(session, message.idKind, message.idHash, message.outcome, this.clock.milliseconds);
  }

  /** The stream of an HTTP+SSE operation that waits in the store has ended with `outcome`. True if the server will never
   *  send the response. */
  private endWaiting(stream: Stream, operation: Operation, outcome: Outcome): bool {
    if (isSuccessful(stream.status) && this.endpoints.has(stream.session.id)) {
      // The session's stream will deliver the response, unless that stream has ended in the meantime.
      operation.release();
      return false;
    }
    if (outcome == Outcome.Disconnected) {
      this.waiting.abandon(operation, this.clock.milliseconds, CROSSING_MS);
      operation.release();
      return false;
    }
    if (!this.isUnclaimed(operation)) operation.release();
    else this.conclude(stream, operation, this.waiting.hasRemovedCancelled ? Outcome.Cancelled : outcome);
    return outcome == Outcome.Unanswered;
  }

  /** Keeps an operation, whose client has closed the stream, until a cancellation can no longer follow. */
  private abandon(stream: Stream, operation: Operation): void {
    this.bind(stream, operation);
    operation.outcome = Outcome.Disconnected;
    operation.endedAt = this.clock.now();
    this.events.operationDisconnected(stream, operation);
    this.events.operationWaiting(stream, operation);
    this.abandoned.add(operation);
  }

  /** Stores an operation, whose stream has ended with `outcome`, so that a response on another stream can end it. */
  private park(stream: Stream, operation: Operation, outcome: Outcome): void {
    this.bind(stream, operation);
    // Reported before the operation is packed, so that the store gets everything that has been settled.
    if (outcome == Outcome.Disconnected) this.events.operationDisconnected(stream, operation);
    if (operation.span) changetype<Span>(operation.span).keepTimes(stream.trace);
    if (!this.waiting.addEnded(operation, outcome, this.clock.milliseconds)) {
      return this.conclude(stream, operation, outcome);
    }
    this.events.operationWaiting(stream, operation);
    operation.outcome = outcome;
    // The response may already have arrived on the client's new stream. If the session has ended, no response will arrive.
    const isOver = this.waiting.applyAnswer(operation) || this.waiting.hasSessionEnded(operation);
    if (isOver && this.isUnclaimed(operation)) return this.conclude(stream, operation, operation.outcome);
    operation.release();
  }

  /** Binds an operation to the stream's session, server and caller, so that another stream can end it. */
  private bind(stream: Stream, operation: Operation): void {
    operation.session = this.sessions.keyOf(stream);
    bindCall(operation);
    operation.server = this.participants.serverOf(stream);
    operation.caller = this.participants.nameCaller(stream);
  }

  /** Removes the operation from the store if it waits there. False if another stream has already removed and ended it. */
  private isUnclaimed(operation: Operation): bool {
    if (!operation.isParked) return true;
    const own = this.waiting.remove(operation.session, operation.idKind, operation.idHash, false);
    if (own) own.release();
    return own != null;
  }

  /** Ends an operation with its response. */
  private settle(stream: Stream, operation: Operation, message: McpMessage, size: u64): void {
    operation.responseSize = size;
    operation.errorCode = message.errorCode;
    const outcome = message.outcome;
    if (operation.method == Method.Initialize && outcome == Outcome.Ok) {
      this.sessions.initialized(stream, message.agreedRevision, operation.clientName, operation.clientNameLength);
    }
    this.usage.answered(stream, message, operation);
    this.toolEvidence.answered(stream, message, operation, outcome);
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

  /** The session of an operation that ends. An unreadable response may have contained a session id, so it starts no session. */
  private sessionOf(stream: Stream, operation: Operation, outcome: Outcome): SessionKey {
    if (isRejection(outcome)) return 0;
    if (outcome == Outcome.Undecoded) return this.sessions.keyOrNone(stream);
    const client = operation.clientName;
    return this.sessions.sessionOfOperation(stream, operation.method, client, operation.clientNameLength);
  }

  /** The outcome of an operation whose stream has ended without a response. */
  private outcomeWithoutAnswer(stream: Stream, operation: Operation, end: StreamEnd): Outcome {
    if (this.isCancelled(stream, operation)) return Outcome.Cancelled;
    if (stream.status >= 500) return Outcome.UpstreamError;
    if (stream.status == 401) return Outcome.Unauthenticated;
    if (stream.status >= 300) return Outcome.HttpError;
    if (end == StreamEnd.ClientClosed) {
      // On HTTP+SSE, the response arrives on another stream, so closing the POST cancels nothing.
      const cancels = stream.revision == MODERN_REVISION && !stream.session.isHttpSse;
      return cancels ? Outcome.Cancelled : Outcome.Disconnected;
    }
    if (!stream.hasResponseEnded) return Outcome.UpstreamError;
    return stream.isUnreadable ? Outcome.Undecoded : Outcome.Unanswered;
  }

  /** Whether the client has cancelled its operation. Consumes the cancellation. HTTP+SSE operations wait in the store and
   *  are cancelled there. */
  private isCancelled(stream: Stream, operation: Operation): bool {
    const link = stream.session;
    return link.id != 0 && !link.isHttpSse && this.cancellations.consume(operation, this.sessions.keyOf(stream));
  }
}

/** Creates the operation of a request message. */
function operationOf(message: McpMessage): Operation {
  const operation = Operation.acquire();
  operation.method = message.method;
  operation.idKind = message.idKind;
  operation.idHash = message.idHash;
  operation.requestSize = message.size;
  operation.setName(message.name, message.nameLength);
  operation.setClientName(message.clientName, message.clientNameLength);
  return operation;
}

/** Binds a call to its session, since only repetitions in the same session are detected. */
function bindCall(operation: Operation): void {
  if (!operation.callHash) return;
  operation.callHash = operation.session ? neverZero(mix(operation.callHash ^ operation.session)) : 0;
}

/** Whether the response may arrive on another stream after the operation's own stream has ended with `outcome`. This is
 *  possible if the client can resume the stream (2025-03-26 and later, basic/transports, "Resumability and Redelivery"), or
 *  if the server accepted the request like a notification. The specification forbids the latter, but clients accept the
 *  response on their GET stream. */
function mayBeAnsweredElsewhere(stream: Stream, outcome: Outcome): bool {
  if (!stream.session.id || stream.session.isHttpSse) return false;
  if (outcome == Outcome.Unanswered && stream.status == ACCEPTED) return true;
  return stream.isResumable && outcome != Outcome.Cancelled && outcome != Outcome.Undecoded;
}

/** Whether the server did not execute the request, so that a second attempt is not a repetition. `status` is the HTTP status
 *  of the response; 0 if there was none. */
function isAttempt(status: i32, outcome: Outcome): bool {
  if (isRejection(outcome) || outcome == Outcome.Unauthenticated || outcome == Outcome.HttpError) return true;
  return status == 401 || status == 403 || status == 429 || status == 502 || status == 503;
}

function isSuccessful(status: i32): bool {
  return status >= 200 && status < 300;
}
