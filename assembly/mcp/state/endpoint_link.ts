/** A GET stream's link to the endpoint that it names (HTTP+SSE). Part of a {@link Stream}. */
@unmanaged
export class EndpointLink {
  /** The address of what reads the stream's events, or 0. */
  event: usize;
  /** The hash of the endpoint that the stream named first, and so of its session; 0 for none. */
  endpoint: u64;
}

export const ENDPOINT_LINK_SIZE: usize = (offsetof<EndpointLink>() + 7) & ~7;
