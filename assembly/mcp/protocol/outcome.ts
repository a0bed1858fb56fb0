/** How an operation ended. Every request has exactly one of these outcomes. */
export enum Outcome {
  /** The operation has not ended. */
  Open,
  Ok,
  /** A result with `isError: true`. */
  ToolError,
  /** A JSON-RPC error, with any HTTP status. */
  RpcError,
  InputRequired,
  TaskAccepted,
  Cancelled,
  /** The client disconnected before the response. Before 2026-07-28, this is not a cancellation. */
  Disconnected,
  /** The server ended the stream without a response. */
  Unanswered,
  /** The response was compressed or could not be decoded. */
  Undecoded,
  /** HTTP 401 before any message: the usual first step of MCP authorization. */
  Unauthenticated,
  HttpError,
  UpstreamError,
  /** The access policy denied the request. */
  Denied,
  /** A limit rejected the request. */
  Limited,
}

export const OUTCOME_COUNT: i32 = Outcome.Limited + 1;

const NAMES: string[] = [
  "",
  "ok",
  "tool_error",
  "rpc_error",
  "input_required",
  "task_accepted",
  "cancelled",
  "disconnected",
  "unanswered",
  "undecoded",
  "unauthenticated",
  "http_error",
  "upstream_error",
  "denied",
  "limited",
];

/** The value of the label `mcp_outcome`. */
export function outcomeName(outcome: Outcome): string {
  return NAMES[outcome];
}

/** Whether the gate rejected the request. */
export function isRejection(outcome: Outcome): bool {
  return outcome == Outcome.Denied || outcome == Outcome.Limited;
}

/** The JSON-RPC error code that clients receive for a rejection. It is outside the reserved codes (JSON-RPC 2.0, section
 *  5.1), like the codes of other gateways. */
export function rejectionCode(outcome: Outcome): i32 {
  return outcome == Outcome.Limited ? 429 : 403;
}

/** Whether the server executed the request, which proves that it knows the requested name. A tool error is no proof, since
 *  some servers send one for a tool that does not exist. */
export function isSuccess(outcome: Outcome): bool {
  return outcome == Outcome.Ok || outcome == Outcome.InputRequired || outcome == Outcome.TaskAccepted;
}
