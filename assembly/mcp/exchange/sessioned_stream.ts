import { mix } from "../../memory/bytes";
import { SessionEnd, SessionKind } from "../../store/session_entry";
import { CountingUnit } from "./counting_unit";
import { RequestHead } from "../headers/request_head";
import { ResponseHead } from "../headers/response_head";
import { Method } from "../protocol/methods";
import { ObservedStream } from "./observed_stream";
import { Operation } from "../operations/operation";
import { Outcome } from "../protocol/outcome";
import { MODERN_REVISION, UNKNOWN_REVISION } from "../protocol/revisions";

/** A stream's part in a session: begins it, shows that it lives, counts in it, ends it. */
@unmanaged
export class SessionedStream extends ObservedStream {
  /** The response's HTTP status; 0 until it comes. */
  status: i32;
  /** See `revisions.ts`. */
  protected revision: i32;
  /** Keyed hashes of the session's id in the request and in the response; 0 where there is none. */
  protected session: u64;
  private newSession: u64;
  /** A hash of the configured headers that tell callers apart. */
  private callerKey: u64;
  /** Its session is one of HTTP+SSE, which an endpoint names. */
  protected isHttpSse: bool;
  /** The session of HTTP+SSE was begun: its `initialize` was answered on this stream. */
  private isBegun: bool;

  /** Takes what the request's headers say of the session. */
  protected beginInSession(head: RequestHead, unit: CountingUnit): void {
    this.callerKey = head.callerKey;
    this.session = idHashOf(head.session, head.sessionLength, unit);
    this.setRevision(head.revision);
    if (head.endpoint) this.joinHttpSse(head.endpoint);
  }

  /** The stream is part of the session of HTTP+SSE that this endpoint names. */
  protected joinHttpSse(endpoint: u64): void {
    this.session = endpoint;
    this.isHttpSse = true;
  }

  /** The request names its revision. 2026-07-28 has no sessions: an id that comes all the same names none. What is posted
   *  to an endpoint of HTTP+SSE is answered on its stream, whatever it says. */
  protected setRevision(revision: i32): void {
    this.revision = revision;
    if (revision == MODERN_REVISION && !this.isHttpSse) this.session = 0;
  }

  /** What the response's status says of the session that the request names. */
  protected followSession(head: ResponseHead, isDelete: bool, isInitialize: bool, unit: CountingUnit): void {
    this.newSession = idHashOf(head.session, head.sessionLength, unit);
    // `initialize` begins another session than the one whose id it may still bear. That of HTTP+SSE is its stream's.
    if (!this.session || isInitialize || this.isHttpSse) return;
    if (head.status == 404) return this.endSession(SessionEnd.Refused, Outcome.Unanswered, unit);
    if (head.status < 200 || head.status > 299) return;
    if (isDelete) this.endSession(SessionEnd.Deleted, Outcome.Unanswered, unit);
    else this.meetSession(unit);
  }

  /** The session ended: what still waits in it for an answer has this outcome, if no other was found for it. */
  protected endSession(reason: SessionEnd, outcome: Outcome, unit: CountingUnit): void {
    const hash = this.sessionKey(unit);
    const now = unit.milliseconds();
    unit.pending.endSession(hash, outcome, now);
    unit.sessions.end(hash, reason, now);
  }

  /** The server sent a message: the session lives. */
  protected keepSession(unit: CountingUnit): void {
    if (!this.session || this.status >= 300 || (this.isHttpSse && !this.isBegun)) return;
    this.meetSession(unit);
  }

  private meetSession(unit: CountingUnit): void {
    const key = this.sessionKey(unit);
    unit.sessions.meet(key, this.sessionKind, this.server - 1, this.revision, unit.milliseconds());
  }

  /** An `initialize` was answered: with a session, if the response bears an id. */
  protected initialized(revision: i32, operation: Operation, unit: CountingUnit): void {
    this.revision = revision;
    if (!this.isHttpSse) this.session = this.newSession;
    this.isBegun = true;
    if (this.session) this.beginSession(this.sessionKey(unit), this.sessionKind, operation, unit);
  }

  /** Counts an operation that has ended in its session; where there is none, activity of its caller is one. */
  protected countInSession(operation: Operation, unit: CountingUnit): void {
    const tokens = operation.allTokens;
    if (this.session) {
      operation.session = this.sessionKey(unit);
      return unit.sessions.add(operation.session, 1, tokens, unit.milliseconds());
    }
    // A client that asks what the server speaks may go on with a session.
    if (operation.method == Method.ServerDiscover || this.status < 200 || this.status > 299) return;
    const isModern = this.revision == MODERN_REVISION;
    operation.session = this.windowKey(isModern, operation.clientName, operation.clientNameLength, unit);
    this.beginSession(operation.session, SessionKind.Window, operation, unit);
    unit.sessions.add(operation.session, 1, tokens, unit.milliseconds());
  }

  /** Counts tokens outside of any operation in the stream's session. */
  protected countTokensInSession(tokens: u32, unit: CountingUnit): void {
    if (this.session) unit.sessions.add(this.sessionKey(unit), 0, tokens, unit.milliseconds());
  }

  private beginSession(key: u64, kind: SessionKind, operation: Operation, unit: CountingUnit): void {
    unit.sessions.begin(
      key,
      kind,
      this.server - 1,
      this.revision,
      unit.milliseconds(),
      operation.clientName,
      operation.clientNameLength,
    );
    const names = unit.clientNames;
    if (names && kind != SessionKind.Window) names.remember(key, operation.clientName, operation.clientNameLength);
  }

  /** The key of the activity window of this caller, and with 2026-07-28 of this client software. */
  private windowKey(isModern: bool, clientName: usize, clientNameLength: i32, unit: CountingUnit): u64 {
    unit.observer.resolveServer(this);
    const client = isModern ? unit.secret.hash(clientName, clientNameLength) : 0;
    return this.keyOf(unit.secret.hashNumber(unit.observer.callerHash() ^ mix(this.callerKey ^ client)));
  }

  /** The session that logs show of a request that no operation has been made of: the one that it names, else its caller's
   *  activity window, as {@link countInSession} would choose. `revision`: the one that the message names, or
   *  UNKNOWN_REVISION. */
  loggedSession(revision: i32, clientName: usize, clientNameLength: i32, unit: CountingUnit): u64 {
    const isModern = (revision == UNKNOWN_REVISION ? this.revision : revision) == MODERN_REVISION;
    if (this.session && (!isModern || this.isHttpSse)) return this.sessionKey(unit);
    return this.windowKey(isModern, clientName, clientNameLength, unit);
  }

  /** What the lists by this method are kept under that are read in this session. */
  protected listScope(method: Method): u64 {
    return this.keyOf(this.session ^ method);
  }

  /** What names the lists of a kind that this caller sees of this server. */
  protected callerScope(unit: CountingUnit): u64 {
    unit.observer.resolveServer(this);
    return this.keyOf(unit.observer.callerHash() ^ mix(this.callerKey));
  }

  /** What the request's session is kept under; 0 where it names none. */
  sessionOf(unit: CountingUnit): u64 {
    return this.session ? this.sessionKey(unit) : 0;
  }

  /** What the stream's session is kept under. It must have one. */
  protected sessionKey(unit: CountingUnit): u64 {
    unit.observer.resolveServer(this);
    // The stream and the endpoint of HTTP+SSE may be routed to different clusters.
    return this.isHttpSse ? mix(this.session) | 1 : this.keyOf(this.session);
  }

  private get sessionKind(): SessionKind {
    return this.isHttpSse ? SessionKind.HttpSse : SessionKind.Streamable;
  }

  /** What a session is kept under: its id's hash, of this server. Never 0. */
  private keyOf(id: u64): u64 {
    return mix(id ^ this.serverHash) | 1;
  }
}

/** The keyed hash of a session's id, 0 where there is none. */
function idHashOf(at: usize, length: i32, unit: CountingUnit): u64 {
  return length ? unit.secret.hash(at, length) : 0;
}
