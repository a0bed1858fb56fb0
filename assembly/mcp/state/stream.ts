import { CallerKey, ServerKey, SessionKey } from "../../identity/keys";
import { IdKind } from "../../jsonrpc/id";
import { Outcome } from "../protocol/outcome";
import { StreamKind } from "../protocol/stream_kinds";
import { Admission } from "./admission";
import { ENDPOINT_LINK_SIZE, EndpointLink } from "./endpoint_link";
import { OPEN_OPERATIONS_SIZE, OpenOperations } from "./open_operations";
import { RejectedMessages } from "./rejected_messages";
import { SESSION_LINK_SIZE, SessionLink } from "./session_link";
import { NO_TRACE, StreamTrace } from "./stream_trace";

/**
 * What is known of one HTTP stream. One block of memory holds it and its parts: the link to its session, its open
 * operations and the link to the endpoint that it names.
 */
@unmanaged
export class Stream {
  /** When the request's headers arrived, in nanoseconds of the host's clock. */
  startedAt: u64;
  /** The server that it goes to; 0 until it is resolved: see {@link Participants}. */
  server: ServerKey;
  /** The address of who calls; 0 until it is resolved, and where there is none. */
  caller: CallerKey;
  /** Of what sinks show of the caller, its address or its principal: see {@link Participants.nameCaller}. */
  namedCaller: CallerKey;
  /** The verified principal of who calls, which the access policy sets; 0 where it has read none. */
  principal: CallerKey;
  /** A keyed hash of its path, without the query. */
  path: u64;
  kind: StreamKind;
  /** The response's HTTP status; 0 until it arrives. */
  status: i32;
  /** See `revisions.ts`. */
  revision: i32;
  /** Set and read by statistics alone: the index of the label of `server`, plus one; 0 until it is looked up. */
  serverLabel: i32;
  /** The same of the caller's label, and of the client that calls. */
  callerLabel: i32;
  isCallerResolved: bool;
  isCallerNamed: bool;
  /** The access policy in force does not govern its path. */
  isUnchecked: bool;
  /** The gate keeps the whole request from the server, and its messages have this outcome; Open where it does not. */
  rejection: Outcome;
  /** Limits hold the request until they admit it: the server has nothing of its body. */
  isQueued: bool;
  /** Set and read by {@link SessionWork} alone: the session in which it counts as queued; 0 for none. */
  queuedIn: SessionKey;
  /** The address of the first {@link Admission} of a request whose operation has not begun; 0 for none. */
  admissions: usize;
  /** Bytes of the response's body that have passed, and those of them in messages that were read or have been charged for. */
  responseSize: u64;
  readSize: u64;
  /** It may post to an endpoint of HTTP+SSE, but it cannot be told to which. */
  isUnpaired: bool;
  /** It is MCP beyond doubt. */
  isConfirmed: bool;
  /** The response has been seen to its end. */
  hasResponseEnded: bool;
  /** The client can get the rest of the response on another stream: its events have ids. */
  isResumable: bool;
  /** It resumes an earlier stream, whose messages may come again. */
  resumes: bool;
  /** Something in the response that could be an answer could not be read. */
  isUnreadable: bool;
  /** Its access log has fields of a message. */
  isLogged: bool;
  /** What it asks for has been handed on to the proxy's other filters, by `limits`. */
  isHandedOn: bool;
  /** The session that was handed on; 0 for none. */
  handedSession: u64;
  /** Set and read by `limits` alone: the estimated tokens of its operations that have ended. */
  spentTokens: u64;
  /** The address of its {@link StreamTrace}; 0 where no traces are recorded. */
  private traceAt: usize;

  /** The address of the {@link RejectedMessages} of its request, 0 while there are none: few streams have any. */
  private rejectedAt: usize;

  /** The gate keeps the message of this index from the server, and others of the request not: it has this outcome. */
  reject(message: i32, outcome: Outcome): void {
    if (!this.rejectedAt) this.rejectedAt = changetype<usize>(RejectedMessages.take());
    changetype<RejectedMessages>(this.rejectedAt).add(message, outcome);
  }

  /** How many messages of the request the gate keeps from the server while others pass. */
  get rejectedCount(): i32 {
    return this.rejectedAt ? changetype<RejectedMessages>(this.rejectedAt).count : 0;
  }

  /** Frees what it has beside its own block. */
  release(): void {
    if (this.rejectedAt) changetype<RejectedMessages>(this.rejectedAt).release();
    if (this.traceAt) changetype<StreamTrace>(this.traceAt).release();
  }

  /** Traces are recorded of it: spans get their ids from this number, which is not 0. */
  beginTrace(spanSeed: u64): void {
    const trace = StreamTrace.take();
    trace.spanSeed = spanSeed;
    this.traceAt = changetype<usize>(trace);
  }

  /** Whether traces are recorded of it. */
  @inline
  get isTraced(): bool {
    return this.traceAt != 0;
  }

  /** What traces keep of it: to be changed only where it is traced. */
  @inline
  get trace(): StreamTrace {
    return this.traceAt ? changetype<StreamTrace>(this.traceAt) : NO_TRACE;
  }

  /** The outcome that the gate gives the message of this index, which it keeps from the server; Open where it does not. */
  rejectionOf(message: i32): Outcome {
    if (!this.rejectedAt) return this.rejection;
    const own = changetype<RejectedMessages>(this.rejectedAt).outcomeOf(message);
    return own == Outcome.Open ? this.rejection : own;
  }

  /** Whether the gate keeps the whole request from the server. */
  @inline
  get isRejected(): bool {
    return this.rejection != Outcome.Open;
  }

  /** Bytes of the response that have not been read as messages. */
  get unreadSize(): u64 {
    return this.responseSize - min(this.readSize, this.responseSize);
  }

  /** Keeps the admission of a request until its operation begins. */
  addAdmission(admission: Admission): void {
    admission.next = this.admissions;
    this.admissions = changetype<usize>(admission);
  }

  /** Takes the admission of the request of this id; null where there is none. */
  takeAdmission(kind: IdKind, idHash: u64): Admission | null {
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
/** Bytes of a stream and its parts. */
export const STREAM_SIZE: usize = ENDPOINT_AT + ENDPOINT_LINK_SIZE;
