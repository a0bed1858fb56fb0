import { hasCome } from "../memory/elapsed";
import { Hold, changedHold, isHeld } from "./hold";
import { SessionNews } from "./session_news";
import { SessionState } from "./session_state";
import { Turn, isClients, laterTurn } from "./turn";

/** How a session is identified: the label `mcp_session_kind`. */
export enum SessionKind {
  /** By the `Mcp-Session-Id` of Streamable HTTP. */
  Streamable,
  /** By its caller: an activity window, for revisions or servers without sessions. */
  Window,
  /** By the `endpoint` event of HTTP+SSE. */
  HttpSse,
}

export const SESSION_KIND_COUNT: i32 = SessionKind.HttpSse + 1;

const KINDS: string[] = ["streamable", "window", "http_sse"];

export function sessionKindName(kind: SessionKind): string {
  return KINDS[kind];
}

/** How a session ended: the label `mcp_session_end`. */
export enum SessionEnd {
  /** It has not ended. */
  None,
  /** The server accepted a DELETE. */
  Deleted,
  /** The server no longer knows the session (404). */
  Refused,
  Idle,
  /** It was evicted to make room for another session. */
  Evicted,
  /** Its HTTP+SSE stream ended. */
  StreamClosed,
}

export const SESSION_END_COUNT: i32 = SessionEnd.StreamClosed + 1;

const ENDS: string[] = ["", "deleted", "refused", "idle", "evicted", "stream_closed"];

export function sessionEndName(end: SessionEnd): string {
  return ENDS[end];
}

/** A session in shared data. */
@unmanaged
export class SessionEntry {
  /** The {@link SessionKey}, a keyed hash. */
  hash: u64;
  startedAtMs: u64;
  activeAtMs: u64;
  /** 0 while the session is active. */
  endedAtMs: u64;
  /** The estimated tokens of the session's messages. */
  tokens: u64;
  /** The key of the session's server. */
  server: u64;
  operations: u32;
  /** The idle timeout in seconds. Each session stores it, so that any worker can sweep it. */
  idleSeconds: u32;
  /** The protocol revision. It may be any number; the reader checks it. */
  revision: u16;
  /** The number of the client's software in the unit's list of such names: 0 if it is not in the list, {@link NO_CLIENT} if
   *  the session names none. It may be any number; the reader checks it. */
  client: u8;
  /** Whether a span of the session was kept although its trace is not sampled. */
  isTraced: bool;
  /** A {@link SessionKind}. */
  kind: u8;
  /** A {@link SessionEnd}. */
  end: u8;
  /** The tag of the caller that started the session: below {@link CALLER_TAG_COUNT}, which the reader checks. */
  caller: u16;
  /** The holds of workers that have open operations with the server, and of workers on which requests wait for limits. */
  calling: Hold;
  limited: Hold;
  turn: Turn;
  /** The trace id of the session if proxies share a key for it; otherwise 0. */
  traceHigh: u64;
  traceLow: u64;

  /** Whether `kind` and `end` are values of their enums. */
  get isSound(): bool {
    return <u32>this.kind < <u32>SESSION_KIND_COUNT && <u32>this.end < <u32>SESSION_END_COUNT;
  }

  /** Whether the session has not ended. */
  get isActive(): bool {
    return this.endedAtMs == 0;
  }

  /** The state of the session, as far as workers have reported it. */
  stateAt(nowMs: u64): SessionState {
    if (isHeld(this.limited, nowMs)) return SessionState.WaitingForLimit;
    if (isClients(this.turn)) return SessionState.WaitingForClient;
    return isHeld(this.calling, nowMs) ? SessionState.Calling : SessionState.Idle;
  }

  /** Merges a worker's observations into the entry. */
  add(news: SessionNews, nowMs: u64): void {
    this.operations += news.operations;
    this.tokens += news.tokens;
    if (hasCome(this.activeAtMs, news.activeAtMs)) this.activeAtMs = news.activeAtMs;
    this.calling = changedHold(this.calling, news.hasCalled, news.calls, nowMs);
    this.limited = changedHold(this.limited, news.hasWaited, news.waits, nowMs);
    this.turn = laterTurn(this.turn, news.turn, nowMs);
    if (news.isTraced) this.isTraced = true;
  }
}

/** The number of caller tags. A tag is some bits of a keyed hash: sessions of one caller have the same tag, and those of two
 *  callers rarely do. */
export const CALLER_TAG_COUNT: i32 = 16384;

/** The client number of a session that does not name its client software. */
export const NO_CLIENT: u8 = 255;

/** The size of an entry in bytes. */
export const ENTRY_SIZE: i32 = 104;

if (
  offsetof<SessionEntry>("hash") != 0 ||
  offsetof<SessionEntry>("startedAtMs") != 8 ||
  offsetof<SessionEntry>("activeAtMs") != 16 ||
  offsetof<SessionEntry>("endedAtMs") != 24 ||
  offsetof<SessionEntry>("tokens") != 32 ||
  offsetof<SessionEntry>("server") != 40 ||
  offsetof<SessionEntry>("operations") != 48 ||
  offsetof<SessionEntry>("idleSeconds") != 52 ||
  offsetof<SessionEntry>("revision") != 56 ||
  offsetof<SessionEntry>("kind") != 60 ||
  offsetof<SessionEntry>("client") != 58 ||
  offsetof<SessionEntry>("end") != 61 ||
  offsetof<SessionEntry>("caller") != 62 ||
  offsetof<SessionEntry>("calling") != 64 ||
  offsetof<SessionEntry>("limited") != 72 ||
  offsetof<SessionEntry>("turn") != 80 ||
  offsetof<SessionEntry>("isTraced") != 59 ||
  offsetof<SessionEntry>("traceHigh") != 88 ||
  offsetof<SessionEntry>("traceLow") != 96 ||
  offsetof<SessionEntry>() != ENTRY_SIZE
)
  ERROR("The layout of SessionEntry has changed: see FORMAT.");
