/** The link of a GET stream to the endpoint that it announces (HTTP+SSE). Part of a {@link Stream}. */
@unmanaged
export class EndpointLink {
  /** The address of the {@link EndpointEvent} that reads the stream's events; 0 for none. */
  event: usize;
  /** The hash of the endpoint that the stream announced first, which also identifies its session; 0 for none. */
  endpoint: u64;
}

export const ENDPOINT_LINK_SIZE: usize = (offsetof<EndpointLink>() + 7) & ~7;
