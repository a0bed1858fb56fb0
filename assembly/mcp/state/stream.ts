import { CallerKey, ServerKey, SessionKey } from "../../identity/keys";
import { IdKind } from "../../jsonrpc/id";
import { Outcome } from "../protocol/outcome";
import { StreamKind } from "../protocol/stream_kinds";
import { Admission } from "./admission";
import { ENDPOINT_LINK_SIZE, EndpointLink } from "./endpoint_link";
import { LoggedRequest } from "./logged_request";
import { OPEN_OPERATIONS_SIZE, OpenOperations } from "./open_operations";
import { RejectedMessages } from "./rejected_messages";
import { SESSION_LINK_SIZE, SessionLink } from "./session_link";
import { NO_TRACE, StreamTrace } from "./stream_trace";

/**
 * The state of one HTTP stream. One block of memory holds it and its parts: the link to its session, its open operations and
 * the link to the endpoint that it announces.
 */
@unmanaged
export class Stream {
  /** The time when the request headers arrived, in nanoseconds of the host's clock. */
  startedAt: u64;
  /** The server to which the stream goes; 0 until it is resolved: see {@link Participants}. */
  server: ServerKey;
  /** The key of the caller's address; 0 until it is resolved, and if there is no address. */
  caller: CallerKey;
  /** The key of the caller as sinks show it, by its address or its principal: see {@link Participants.nameCaller}. */
  namedCaller: CallerKey;
  /** The key of the caller's verified principal, which the access policy sets; 0 if it has read none. */
  principal: CallerKey;
  /** A keyed hash of the request's path, without the query. */
  path: u64;
  kind: StreamKind;
  /** The HTTP status of the response; 0 until that arrives. */
  status: i32;
  /** The index of the protocol revision: see `revisions.ts`. */
  revision: i32;
  /** Used by statistics only: the index of the label of `server`, plus one; 0 until it is looked up. */
  serverLabel: i32;
  /** Used by statistics only: the indices of the labels of the caller and of the client, plus one; 0 until they are looked
   *  up. */
  callerLabel: i32;
  isCallerResolved: bool;
  isCallerNamed: bool;
  /** Whether the access policy in force does not govern the stream's path. */
  isUnchecked: bool;
  /** The outcome of all messages if the gate rejects the whole request; otherwise Open. */
  rejection: Outcome;
  /** Whether limits hold the request, so that no part of its body has reached the server. */
  isQueued: bool;
  /** Used by {@link SessionWork} only: the session in which the stream is counted as queued; 0 for none. */
  queuedIn: SessionKey;
  /** The address of the first {@link Admission} of a request whose operation has not started; 0 for none. */
  admissions: usize;
  /** The number of bytes of the response body that have passed, and the number of those in messages that were read or
   *  already charged. */
  responseSize: u64;
  readSize: u64;
  /** Whether the request may post to an HTTP+SSE endpoint, but which one is unknown. */
  isUnpaired: bool;
  /** Whether the stream is certainly MCP. */
  isConfirmed: bool;
  /** Whether the response has passed to its end. */
  hasResponseEnded: bool;
  /** Whether the client can resume the response on another stream, since its events have ids. */
  isResumable: bool;
  /** Whether the stream resumes an earlier one, whose messages may be sent again. */
  resumes: bool;
  /** Whether part of the response that may contain a JSON-RPC response could not be read. */
  isUnreadable: bool;
  /** Whether the stream's access log has the fields of a message. */
  isLogged: bool;
  /** Whether the response gets headers that describe the request. */
  showsHeaders: bool;
  /** Whether `limits` has passed information about the request on to the proxy's other filters. */
  isHandedOn: bool;
  /** The session that was passed on to the proxy's other filters; 0 for none. */
  handedSession: u64;
  /** Used by `limits` only: the estimated tokens of the stream's ended operations. */
  spentTokens: u64;
  /** The address of the stream's {@link StreamTrace}; 0 if no traces are recorded. */
  private traceAt: usize;

  /** The address of the request's {@link RejectedMessages}; 0 while there are none, as in most streams. */
  private rejectedAt: usize;
  /** The address of the stream's {@link LoggedRequest}; 0 if there is none. */
  private loggedAt: usize;

  /** Records that the gate rejects the message with this index, but not the whole request. */
  reject(message: i32, outcome: Outcome): void {
    if (!this.rejectedAt) this.rejectedAt = changetype<usize>(RejectedMessages.acquire());
    changetype<RejectedMessages>(this.rejectedAt).add(message, outcome);
  }

  /** The number of messages that the gate rejects while it forwards others of the request. */
  get rejectedCount(): i32 {
    return this.rejectedAt ? changetype<RejectedMessages>(this.rejectedAt).count : 0;
  }

  /** Releases the objects outside the stream's own block. */
  release(): void {
    if (this.rejectedAt) changetype<RejectedMessages>(this.rejectedAt).release();
    if (this.traceAt) changetype<StreamTrace>(this.traceAt).release();
    if (this.loggedAt) changetype<LoggedRequest>(this.loggedAt).release();
  }

  /** What is kept of the request for the log of messages and for response headers; null if nothing. */
  get logged(): LoggedRequest | null {
    return this.loggedAt ? changetype<LoggedRequest>(this.loggedAt) : null;
  }

  /** What is kept of the request for the log of messages and for response headers; created if there is nothing. */
  openLogged(): LoggedRequest {
    if (!this.loggedAt) this.loggedAt = changetype<usize>(LoggedRequest.acquire());
    return changetype<LoggedRequest>(this.loggedAt);
  }

  /** Starts recording traces. Span ids are derived from `spanSeed`, which is not 0. */
  beginTrace(spanSeed: u64): void {
    const trace = StreamTrace.acquire();
    trace.spanSeed = spanSeed;
    this.traceAt = changetype<usize>(trace);
  }

  /** Whether traces are recorded. */
  @inline
  get isTraced(): bool {
    return this.traceAt != 0;
  }

  /** The stream's trace data. It may be changed only if {@link isTraced}. */
  @inline
  get trace(): StreamTrace {
    return this.traceAt ? changetype<StreamTrace>(this.traceAt) : NO_TRACE;
  }

  /** The outcome of the message with this index if the gate rejects it; otherwise Open. */
  rejectionOf(message: i32): Outcome {
    if (!this.rejectedAt) return this.rejection;
    const own = changetype<RejectedMessages>(this.rejectedAt).outcomeOf(message);
    return own == Outcome.Open ? this.rejection : own;
  }

  /** Whether the gate rejects the whole request. */
  @inline
  get isRejected(): bool {
    return this.rejection != Outcome.Open;
  }

  /** The number of bytes of the response that have not been read as messages. */
  get unreadSize(): u64 {
    return this.responseSize - min(this.readSize, this.responseSize);
  }

  /** Stores the admission of a request until its operation starts. */
  addAdmission(admission: Admission): void {
    admission.next = this.admissions;
    this.admissions = changetype<usize>(admission);
  }

  /** Removes and returns the admission of the request with this id; null if there is none. */
  removeAdmission(kind: IdKind, idHash: u64): Admission | null {
    let before: usize = 0;
    for (let at = this.admissions; at; at = changetype<Admission>(at).next) {
      const admission = changetype<Admission>(at);
      if (admission.idKind == kind && admission.idHash == idHash) {
        if (before) changetype<Admission>(before).next = admission.next;
        else this.admissions = admission.next;
        admission.next = 0;
        return admission;
      }
      before = at;
    }
    return null;
  }

  @inline
  get session(): SessionLink {
    return changetype<SessionLink>(changetype<usize>(this) + SESSION_AT);
  }

  @inline
  get operations(): OpenOperations {
    return changetype<OpenOperations>(changetype<usize>(this) + OPERATIONS_AT);
  }

  @inline
  get endpoint(): EndpointLink {
    return changetype<EndpointLink>(changetype<usize>(this) + ENDPOINT_AT);
  }
}

const SESSION_AT: usize = (offsetof<Stream>() + 7) & ~7;
const OPERATIONS_AT: usize = SESSION_AT + SESSION_LINK_SIZE;
const ENDPOINT_AT: usize = OPERATIONS_AT + OPEN_OPERATIONS_SIZE;
/** The size of a stream with its parts, in bytes. */
export const STREAM_SIZE: usize = ENDPOINT_AT + ENDPOINT_LINK_SIZE;
