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

/** Links streams to sessions: determines which session a stream belongs to, starts, keeps alive or ends. */
export class StreamSessions {
  /** @param traces computes the trace ids of sessions for all proxies that share a key; null if there is no shared key. */
  constructor(
    private keys: SessionKeys,
    private participants: Participants,
    private tracker: SessionTracker,
    private events: Events,
    private clock: Clock,
    private traces: SharedTraces | null,
  ) {}

  /** Reads the session from the request headers. */
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

  /** Assigns the stream to the HTTP+SSE session of this endpoint. */
  joinEndpoint(stream: Stream, endpoint: u64): void {
    const link = stream.session;
    link.id = endpoint;
    link.isHttpSse = true;
    if (!this.traces) return;
    stream.trace.sessionHigh = 0;
    stream.trace.sessionLow = 0;
  }

  /** Sets the revision of the request. 2026-07-28 has no sessions, so a session id sent with it is ignored. A POST to an
   *  HTTP+SSE endpoint is answered on the endpoint's stream, regardless of its revision. */
  setRevision(stream: Stream, revision: i32): void {
    stream.revision = revision;
    if (revision == MODERN_REVISION && !stream.session.isHttpSse) stream.session.id = 0;
  }

  /** Reads the effect of the response headers on the request's session. Returns how the session ended; None if it continues
   *  or there is none. */
  follow(stream: Stream, head: ResponseHead, isDelete: bool, isInitialize: bool): SessionEnd {
    const link = stream.session;
    link.newId = this.keys.hashOfId(head.session, head.sessionLength);
    const traces = this.traces;
    if (traces && link.newId) {
      traces.find(link.newId, head.session, head.sessionLength);
      stream.trace.newSessionHigh = traces.high;
      stream.trace.newSessionLow = traces.low;
    }
    // `initialize` starts a new session, although it may still carry the id of an old one. An HTTP+SSE session ends with its
    // stream.
    if (!link.id || isInitialize || link.isHttpSse) return SessionEnd.None;
    if (head.status == 404) return SessionEnd.Refused;
    if (head.status < 200 || head.status > 299) return SessionEnd.None;
    if (isDelete) return SessionEnd.Deleted;
    this.meet(stream, this.startOf(stream));
    return SessionEnd.None;
  }

  /** Ends the stream's session. The stream must have one. */
  end(stream: Stream, reason: SessionEnd): void {
    this.tracker.end(this.keyOf(stream), reason, this.clock.milliseconds);
  }

  /** The server has sent a message, which keeps the session alive. */
  keepAlive(stream: Stream): void {
    const link = stream.session;
    if (!link.id || stream.status >= 300 || (link.isHttpSse && !link.hasBegun)) return;
    this.meet(stream, this.clock.milliseconds);
  }

  /** `initialize` succeeded and starts a session if the response carries an id. The name is that of the client's software. */
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

  /** The session of an operation that has ended. If the stream has none, it is the activity window of its caller, which
   *  starts here if necessary. 0 if the operation does not count as activity. */
  sessionOfOperation(stream: Stream, method: Method, clientName: usize, clientNameLength: i32): SessionKey {
    if (stream.session.id) return this.keyOf(stream);
    // After `server/discover`, a client may continue with a session.
    if (method == Method.ServerDiscover || stream.status < 200 || stream.status > 299) return 0;
    const isModern = stream.revision == MODERN_REVISION;
    // The server has assigned a session id; the next request with that id adopts the session.
    if (stream.session.newId && !isModern) return 0;
    const isNamed = isModern && clientNameLength > 0;
    const key = this.windowOf(stream, isNamed, clientName, clientNameLength);
    if (this.track(key, SessionKind.Window, stream, clientName, clientNameLength, isNamed)) return key;
    const shared = this.windowOf(stream, false, 0, 0);
    this.track(shared, SessionKind.Window, stream, 0, 0, false);
    return shared;
  }

  /** Adds tokens outside of any operation to the stream's session. */
  addTokens(stream: Stream, tokens: u32): void {
    if (stream.session.id) this.tracker.add(this.keyOf(stream), 0, tokens, this.clock.milliseconds);
  }

  /** The session that logs show for a request that has not become an operation: the one that it names, or else its caller's
   *  activity window, as {@link sessionOfOperation} would choose. `revision` is the one that the message names;
   *  UNKNOWN_REVISION for none. */
  sessionOfRequest(stream: Stream, revision: i32, clientName: usize, clientNameLength: i32): SessionKey {
    const isModern = (revision == UNKNOWN_REVISION ? stream.revision : revision) == MODERN_REVISION;
    if (stream.session.id && (!isModern || stream.session.isHttpSse)) return this.keyOf(stream);
    return this.windowOf(stream, isModern && clientNameLength > 0, clientName, clientNameLength);
  }

  /** The key of the stream's session. The stream must have one. */
  keyOf(stream: Stream): SessionKey {
    const link = stream.session;
    if (link.isHttpSse) return this.keys.endpointSession(link.id);
    return this.keys.session(link.id, this.participants.serverOf(stream));
  }

  /** The key of the stream's session; 0 if it has none. */
  keyOrNone(stream: Stream): SessionKey {
    return stream.session.id ? this.keyOf(stream) : 0;
  }

  /** The key of the session that the headers of the response belong to; 0 for none. An `initialize` belongs to the session
   *  that its response names. */
  keyAtResponse(stream: Stream): SessionKey {
    if (!stream.operations.includes(Method.Initialize)) return this.keyOrNone(stream);
    if (stream.session.isHttpSse) return this.keyOf(stream);
    const id = stream.session.newId;
    return id ? this.keys.session(id, this.participants.serverOf(stream)) : 0;
  }

  /** Identifies the list of this method in the stream's session, or else in its caller's view on its path. */
  listScope(stream: Stream, method: Method): u64 {
    const id = stream.session.id;
    return id ? this.keys.session(id ^ method, this.participants.serverOf(stream)) : this.callerScope(stream) ^ method;
  }

  /** Identifies the caller's view of the server on the stream's path, since several servers may share an upstream. In
   *  HTTP+SSE, responses arrive on the GET stream and its path is used, since that of the POST may contain the session id. */
  callerScope(stream: Stream): u64 {
    const caller = this.participants.identityOf(stream);
    return this.keys.callerScope(stream.server, caller, stream.session.callerHeaders, stream.path);
  }

  /** Marks the stream's session as active, or registers it if it is unknown. The server accepted it; nothing before
   *  `startedAtMs` is known. */
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

  /** Starts a session, unless it exists. False if it is a limited window and its caller has reached the limit. */
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

  /** The start of a session that this stream's request starts, in milliseconds. The session includes this request. */
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
