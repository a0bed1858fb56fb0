import { Clock } from "../../host/clock";
import { SessionKey } from "../../identity/keys";
import { SessionKeys } from "../../identity/session_keys";
import { SharedTraces } from "../../identity/shared_traces";
import { SessionEnd, SessionKind } from "../../store/session_entry";
import { NANOSECONDS_PER_MILLISECOND } from "../../memory/elapsed";
import { keyedHash } from "../../memory/keyed_hash";
import { Events } from "../events";
import { RequestHead } from "../headers/request_head";
import { ResponseHead } from "../headers/response_head";
import { Method } from "../protocol/methods";
import { MODERN_REVISION, UNKNOWN_REVISION } from "../protocol/revisions";
import { Stream } from "../state/stream";
import { Participants } from "./participants";
import { SessionTracker } from "./session_tracker";

/** Links streams to their sessions: which session a stream belongs to, begins, keeps alive or ends. */
export class StreamSessions {
  /** @param traces names the traces of sessions for all proxies that share a key; null where none do. */
  constructor(
    private keys: SessionKeys,
    private participants: Participants,
    private tracker: SessionTracker,
    private events: Events,
    private clock: Clock,
    private traces: SharedTraces | null,
  ) {}

  /** Reads what the request's headers say of the session. */
  begin(stream: Stream, head: RequestHead): void {
    const link = stream.session;
    stream.path = keyedHash(head.path, head.pathLength);
    link.callerHeaders = head.callerKey;
    link.id = this.keys.hashOfId(head.session, head.sessionLength);
    const traces = this.traces;
    if (traces && link.id) {
      traces.find(link.id, head.session, head.sessionLength);
      stream.trace.sessionHigh = traces.high;
      stream.trace.sessionLow = traces.low;
    }
    this.setRevision(stream, head.revision);
    if (head.endpoint) this.joinEndpoint(stream, head.endpoint);
  }

  /** The stream belongs to the HTTP+SSE session of this endpoint. */
  joinEndpoint(stream: Stream, endpoint: u64): void {
    const link = stream.session;
    link.id = endpoint;
    link.isHttpSse = true;
    if (!this.traces) return;
    stream.trace.sessionHigh = 0;
    stream.trace.sessionLow = 0;
  }

  /** The request names its revision. 2026-07-28 has no sessions: a session id that comes with it names none. What is posted
   *  to an endpoint of HTTP+SSE is answered on its stream, whatever it says. */
  setRevision(stream: Stream, revision: i32): void {
    stream.revision = revision;
    if (revision == MODERN_REVISION && !stream.session.isHttpSse) stream.session.id = 0;
  }

  /** Reads what the response's head says of the session that the request names. Returns how the session ended; None where
   *  it goes on, or there is none. */
  follow(stream: Stream, head: ResponseHead, isDelete: bool, isInitialize: bool): SessionEnd {
    const link = stream.session;
    link.newId = this.keys.hashOfId(head.session, head.sessionLength);
    const traces = this.traces;
    if (traces && link.newId) {
      traces.find(link.newId, head.session, head.sessionLength);
      stream.trace.newSessionHigh = traces.high;
      stream.trace.newSessionLow = traces.low;
    }
    // `initialize` begins another session than the one whose id it may still carry. That of HTTP+SSE is its stream's.
    if (!link.id || isInitialize || link.isHttpSse) return SessionEnd.None;
    if (head.status == 404) return SessionEnd.Refused;
    if (head.status < 200 || head.status > 299) return SessionEnd.None;
    if (isDelete) return SessionEnd.Deleted;
    this.meet(stream, this.startOf(stream));
    return SessionEnd.None;
  }

  /** The stream's session, which it must have, has ended. */
  end(stream: Stream, reason: SessionEnd): void {
    this.tracker.end(this.keyOf(stream), reason, this.clock.milliseconds);
  }

  /** The server sent a message: the session is alive. */
  keepAlive(stream: Stream): void {
    const link = stream.session;
    if (!link.id || stream.status >= 300 || (link.isHttpSse && !link.hasBegun)) return;
    this.meet(stream, this.clock.milliseconds);
  }

  /** An `initialize` was answered: with a session, if the response carries an id. The name is that of the client's
   *  software. */
  initialized(stream: Stream, revision: i32, clientName: usize, clientNameLength: i32): void {
    const link = stream.session;
    stream.revision = revision;
    if (!link.isHttpSse) {
      link.id = link.newId;
      const trace = stream.trace;
      if (this.traces) {
        trace.sessionHigh = trace.newSessionHigh;
        trace.sessionLow = trace.newSessionLow;
      }
    }
    link.hasBegun = true;
    if (!link.id) return;
    const key = this.keyOf(stream);
    this.track(key, kindOf(stream), stream, clientName, clientNameLength, false);
    this.events.clientNamed(key, clientName, clientNameLength);
  }

  /** The session of an operation that has ended. Where the stream has none, the activity of its caller is one, which begins
   *  here; 0 where the operation is no activity. */
  sessionOfOperation(stream: Stream, method: Method, clientName: usize, clientNameLength: i32): SessionKey {
    if (stream.session.id) return this.keyOf(stream);
    // A client that asks what the server speaks may go on with a session.
    if (method == Method.ServerDiscover || stream.status < 200 || stream.status > 299) return 0;
    const isModern = stream.revision == MODERN_REVISION;
    // The server named a session, whose next request is to adopt it.
    if (stream.session.newId && !isModern) return 0;
    const isNamed = isModern && clientNameLength > 0;
    const key = this.windowOf(stream, isNamed, clientName, clientNameLength);
    if (this.track(key, SessionKind.Window, stream, clientName, clientNameLength, isNamed)) return key;
    const shared = this.windowOf(stream, false, 0, 0);
    this.track(shared, SessionKind.Window, stream, 0, 0, false);
    return shared;
  }

  /** Counts tokens outside of any operation in the stream's session. */
  addTokens(stream: Stream, tokens: u32): void {
    if (stream.session.id) this.tracker.add(this.keyOf(stream), 0, tokens, this.clock.milliseconds);
  }

  /** The session that logs show of a request that has not become an operation: the one that it names, else its caller's
   *  activity window, as {@link sessionOfOperation} would choose. `revision`: the one that the message names, or
   *  UNKNOWN_REVISION. */
  sessionOfRequest(stream: Stream, revision: i32, clientName: usize, clientNameLength: i32): SessionKey {
    const isModern = (revision == UNKNOWN_REVISION ? stream.revision : revision) == MODERN_REVISION;
    if (stream.session.id && (!isModern || stream.session.isHttpSse)) return this.keyOf(stream);
    return this.windowOf(stream, isModern && clientNameLength > 0, clientName, clientNameLength);
  }

  /** The key of the stream's session, which it must have. */
  keyOf(stream: Stream): SessionKey {
    const link = stream.session;
    if (link.isHttpSse) return this.keys.endpointSession(link.id);
    return this.keys.session(link.id, this.participants.serverOf(stream));
  }

  /** The key of the stream's session; 0 where it has none. */
  keyOrNone(stream: Stream): SessionKey {
    return stream.session.id ? this.keyOf(stream) : 0;
  }

  /** Identifies the list that this method reads in the stream's session, and else what its caller reads on its path. */
  listScope(stream: Stream, method: Method): u64 {
    const id = stream.session.id;
    return id ? this.keys.session(id ^ method, this.participants.serverOf(stream)) : this.callerScope(stream) ^ method;
  }

  /** Identifies what the stream's caller sees of the server on the stream's path: several servers may share an upstream. In
   *  HTTP+SSE answers come on the GET stream, and its path counts: that of the POST may hold the session's id. */
  callerScope(stream: Stream): u64 {
    const caller = this.participants.identityOf(stream);
    return this.keys.callerScope(stream.server, caller, stream.session.callerHeaders, stream.path);
  }

  /** The server has accepted the session, of which nothing earlier than `startedAtMs` is known. */
  private meet(stream: Stream, startedAtMs: u64): void {
    const key = this.keyOf(stream);
    const nowMs = this.clock.milliseconds;
    if (this.tracker.touch(key, nowMs)) return;
    const caller = this.participants.identityOf(stream);
    const trace = stream.trace;
    this.tracker.meet(
      key,
      kindOf(stream),
      stream.server,
      caller,
      stream.revision,
      startedAtMs,
      nowMs,
      trace.sessionHigh,
      trace.sessionLow,
    );
  }

  /** A session begins, unless it has. False where it is a limited window, and its caller has all that it may have. */
  private track(
    key: SessionKey,
    kind: SessionKind,
    stream: Stream,
    clientName: usize,
    clientNameLength: i32,
    isLimited: bool,
  ): bool {
    const nowMs = this.clock.milliseconds;
    if (this.tracker.touch(key, nowMs)) return true;
    const caller = this.participants.identityOf(stream);
    const hasId = kind == SessionKind.Streamable;
    return this.tracker.begin(
      key,
      kind,
      stream.server,
      caller,
      stream.revision,
      this.startOf(stream),
      nowMs,
      clientName,
      clientNameLength,
      isLimited,
      hasId ? stream.trace.sessionHigh : 0,
      hasId ? stream.trace.sessionLow : 0,
    );
  }

  /** When a session begins with this stream's request, in milliseconds: the step that begins it is a part of it. */
  private startOf(stream: Stream): u64 {
    return min(stream.startedAt / NANOSECONDS_PER_MILLISECOND, this.clock.milliseconds);
  }

  private windowOf(stream: Stream, isNamed: bool, clientName: usize, clientNameLength: i32): SessionKey {
    const caller = this.participants.identityOf(stream);
    const callerHeaders = stream.session.callerHeaders;
    return this.keys.window(stream.server, caller, callerHeaders, clientName, clientNameLength, isNamed);
  }
}

function kindOf(stream: Stream): SessionKind {
  return stream.session.isHttpSse ? SessionKind.HttpSse : SessionKind.Streamable;
}
