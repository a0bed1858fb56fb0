/** The cause of a stream reset. */
export type ResetCause = "client" | "server" | "timeout";

/** Bits of `response.flags`. */
const UPSTREAM_CONNECTION_TERMINATION = 1 << 6;
const DOWNSTREAM_CONNECTION_TERMINATION = 1 << 14;
const STREAM_IDLE_TIMEOUT = 1 << 16;
const UPSTREAM_PROTOCOL_ERROR = 1 << 23;

/** The properties of a stream that was reset, and Envoy's local reply. */
export interface Reset {
  readonly flags: number;
  readonly details: string;
  readonly reply?: { readonly status: number; readonly body: string };
}

/**
 * The effects of a reset before and after the response has started, as observed in Envoy 1.40 with an HTTP/1 server that
 * sends a chunked body.
 */
export const RESETS: Readonly<Record<ResetCause, { readonly before: Reset; readonly begun: Reset }>> = {
  client: {
    before: { flags: DOWNSTREAM_CONNECTION_TERMINATION, details: "downstream_remote_disconnect" },
    begun: { flags: DOWNSTREAM_CONNECTION_TERMINATION, details: "downstream_remote_disconnect" },
  },
  server: {
    before: {
      flags: UPSTREAM_CONNECTION_TERMINATION,
      details: "upstream_reset_before_response_started{connection_termination}",
      reply: {
        status: 503,
        body: "upstream connect error or disconnect/reset before headers. reset reason: connection termination",
      },
    },
    begun: { flags: UPSTREAM_PROTOCOL_ERROR, details: "upstream_reset_after_response_started{protocol_error}" },
  },
  timeout: {
    before: {
      flags: STREAM_IDLE_TIMEOUT,
      details: "stream_idle_timeout",
      reply: { status: 504, body: "stream timeout" },
    },
    begun: { flags: STREAM_IDLE_TIMEOUT, details: "stream_idle_timeout" },
  },
};
