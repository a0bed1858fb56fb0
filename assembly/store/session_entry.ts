import { hasCome } from "../memory/elapsed";
import { Hold, changedHold, isHeld } from "./hold";
import { SessionNews } from "./session_news";
import { SessionState } from "./session_state";
import { Turn, isClients, laterTurn } from "./turn";

/** What names a session: the label `mcp_session_kind`. */
export enum SessionKind {
  /** `Mcp-Session-Id` of Streamable HTTP. */
  Streamable,
  /** Activity of one caller, where a revision or server has no sessions. */
  Window,
  /** The `endpoint` event of HTTP+SSE. */
  HttpSse,
}

export const SESSION_KIND_COUNT: i32 = SessionKind.HttpSse + 1;

const KINDS: string[] = ["streamable", "window", "http_sse"];

export function sessionKindName(kind: SessionKind): string {
  return KINDS[kind];
}

/** How a session ended: the label `mcp_session_end`. */
export enum SessionEnd {
  /** It has not. */
  None,
  /** By a DELETE that the server accepted. */
  Deleted,
  /** The server no longer knows it (404). */
  Refused,
  Idle,
  /** Others needed its place. */
  Evicted,
  /** Its stream did: HTTP+SSE. */
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
  /** The keyed hash of server and id. */
  hash: u64;
  startedAtMs: u64;
  activeAtMs: u64;
  /** 0 while it lives. */
  endedAtMs: u64;
  /** Estimated tokens of its messages. */
  tokens: u64;
  /** The key of its server. */
  server: u64;
  operations: u32;
  /** How long it may be idle, in seconds: its own, so that any worker can sweep it. */
  idleSeconds: u32;
  /** The revision of the protocol: any number, which the reader checks. */
  revision: u16;
  /** The number of the client's software in the unit's list of such names: 0 for all that are not in it, and
   *  {@link NO_CLIENT} where the session names none. Any number, which the reader checks. */
  client: u8;
  /** A span of it has been kept though its trace is not sampled. */
  isTraced: bool;
  /** Of {@link SessionKind}. */
  kind: u8;
  /** Of {@link SessionEnd}. */
  end: u8;
  /** The tag of who began it: below {@link CALLER_TAG_COUNT}, which the reader checks. */
  caller: u16;
  /** By the workers that have operations open with the server, and by those where requests wait for limits. */
  calling: Hold;
  limited: Hold;
  turn: Turn;
  /** The id of its trace, where proxies share a key for it; 0 elsewhere. */
  traceHigh: u64;
  traceLow: u64;

  /** Whether its kind and end are among those that there are. */
  get isSound(): bool {
    return <u32>this.kind < <u32>SESSION_KIND_COUNT && <u32>this.end < <u32>SESSION_END_COUNT;
  }

  /** Whether it lives. */
  get isActive(): bool {
    return this.endedAtMs == 0;
  }

  /** What it is about, as far as workers said. */
  stateAt(nowMs: u64): SessionState {
    if (isHeld(this.limited, nowMs)) return SessionState.WaitingForLimit;
    if (isClients(this.turn)) return SessionState.WaitingForClient;
    return isHeld(this.calling, nowMs) ? SessionState.Calling : SessionState.Idle;
  }

  /** Adds what a worker has seen. */
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

/** Tags of callers: bits of keyed hashes. Sessions of one caller have the same, and those of two callers seldom do. */
export const CALLER_TAG_COUNT: i32 = 16384;

/** The number of no client's software. */
export const NO_CLIENT: u8 = 255;

/** Bytes of an entry in a bucket. */
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
