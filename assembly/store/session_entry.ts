/** What names a session: the label `mcp_session_kind`. */
export enum SessionKind {
  /** `Mcp-Session-Id` of Streamable HTTP. */
  Streamable,
  /** Activity of one caller, where a revision or server has no sessions. */
  Window,
  /** The `endpoint` event of HTTP+SSE. */
  HttpSse,
}

export const SESSION_KIND_COUNT: i32 = 3;

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

const ENDS: string[] = ["", "deleted", "refused", "idle", "evicted", "stream_closed"];

export function sessionEndName(end: SessionEnd): string {
  return ENDS[end];
}

/** A session as it lies in the store. Times are milliseconds of the host's clock. */
@unmanaged
export class SessionEntry {
  /** The keyed hash of server and id. */
  hash: u64;
  startedAt: u64;
  activeAt: u64;
  /** 0 while it lives. */
  endedAt: u64;
  /** Estimated tokens of its messages. */
  tokens: u64;
  operations: u32;
  /** How long it may be idle, in seconds: its own, so that any worker can sweep it. */
  idleSeconds: u32;
  /** The server's index, the same for all workers. */
  server: i32;
  /** See `revisions.ts`. */
  revision: i32;
  kind: SessionKind;
  end: SessionEnd;

  /** Whether it lives. */
  get isActive(): bool {
    return this.endedAt == 0;
  }
}

/** Bytes of an entry in a bucket. */
export const ENTRY_SIZE: i32 = 64;
