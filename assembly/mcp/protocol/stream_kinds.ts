/** What an HTTP stream serves in MCP: the label `mcp_stream_kind`. */
export enum StreamKind {
  /** A POST and its answer. */
  Post,
  /** The stream that a client opens for the server's own messages. */
  Get,
  /** `subscriptions/listen` of 2026-07-28. */
  Listen,
  /** The stream of HTTP+SSE, on which the server answers. */
  HttpSse,
}

export const STREAM_KIND_COUNT: i32 = 4;

/** How a stream ended: the label `mcp_stream_end`. */
export enum StreamEnd {
  /** With all that was asked for. */
  Complete,
  ClientClosed,
  /** By the server, with an answer owed; for a GET stream, whenever the server ends it. */
  ServerClosed,
  Timeout,
  Reset,
}

const KINDS: string[] = ["post", "get", "listen", "http_sse"];
const ENDS: string[] = ["complete", "client_closed", "server_closed", "timeout", "reset"];

export function streamKindName(kind: StreamKind): string {
  return KINDS[kind];
}

export function streamEndName(end: StreamEnd): string {
  return ENDS[end];
}
