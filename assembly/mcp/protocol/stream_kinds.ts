/** The purpose of an HTTP stream in MCP: the label `mcp_stream_kind`. */
export enum StreamKind {
  /** A POST and its response. */
  Post,
  /** A stream that a client opens to receive the server's own messages. */
  Get,
  /** `subscriptions/listen` of 2026-07-28. */
  Listen,
  /** The HTTP+SSE stream on which the server sends its responses. */
  HttpSse,
}

export const STREAM_KIND_COUNT: i32 = 4;

/** How a stream ended: the label `mcp_stream_end`. */
export enum StreamEnd {
  /** The stream has delivered all responses. */
  Complete,
  ClientClosed,
  /** The server ended the stream although a response is missing. For a GET stream: whenever the server ends it. */
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
