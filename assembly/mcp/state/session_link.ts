/** The link of a stream to its session. Part of a {@link Stream}. */
@unmanaged
export class SessionLink {
  /** The hash of the session id in the request, or of the HTTP+SSE endpoint to which the stream belongs; 0 for none. */
  id: u64;
  /** The hash of the session id in the response; 0 for none. */
  newId: u64;
  /** A hash of the configured headers that distinguish callers. */
  callerHeaders: u64;
  /** Whether the session is an HTTP+SSE session, which its endpoint identifies. */
  isHttpSse: bool;
  /** Whether the HTTP+SSE session has started: the response to its `initialize` arrived on this stream. */
  hasBegun: bool;
}

export const SESSION_LINK_SIZE: usize = (offsetof<SessionLink>() + 7) & ~7;
