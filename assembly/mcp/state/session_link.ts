/** A stream's link to its session. Part of a {@link Stream}. */
@unmanaged
export class SessionLink {
  /** The hash of the session id that the request names, or of the endpoint of HTTP+SSE that the stream belongs to; 0 for none. */
  id: u64;
  /** The hash of the session id that the response names; 0 for none. */
  newId: u64;
  /** A hash of the configured headers that tell callers apart. */
  callerHeaders: u64;
  /** The session is one of HTTP+SSE, which an endpoint names. */
  isHttpSse: bool;
  /** The HTTP+SSE session has begun: its `initialize` was answered on this stream. */
  hasBegun: bool;
}

export const SESSION_LINK_SIZE: usize = (offsetof<SessionLink>() + 7) & ~7;
