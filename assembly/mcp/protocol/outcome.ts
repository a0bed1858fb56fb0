/** How an operation ended: a closed set, one for every request. */
export enum Outcome {
  /** Not ended. */
  Open,
  Ok,
  /** A result with `isError: true`. */
  ToolError,
  /** A JSON-RPC error, whatever the HTTP status. */
  RpcError,
  InputRequired,
  TaskAccepted,
  Cancelled,
  /** The client went away before the answer, which before 2026-07-28 is no cancellation. */
  Disconnected,
  /** The server ended the stream without the answer. */
  Unanswered,
  /** The answer was compressed or could not be decoded. */
  Undecoded,
  /** HTTP 401 before any message: the usual first step of MCP's authorization. */
  Unauthenticated,
  HttpError,
  UpstreamError,
  /** The access policy denied it. */
  Denied,
  /** A limit rejected it. */
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

/** The label `mcp_outcome`. */
export function outcomeName(outcome: Outcome): string {
  return NAMES[outcome];
}

/** Whether the gate kept it from the server. */
export function isRejection(outcome: Outcome): bool {
  return outcome == Outcome.Denied || outcome == Outcome.Limited;
}

/** The code of the JSON-RPC error that clients receive for a rejection: beside JSON-RPC's reserved codes (JSON-RPC 2.0, section
 *  5.1), as gateways answer. */
export function rejectionCode(outcome: Outcome): i32 {
  return outcome == Outcome.Limited ? 429 : 403;
}

/** Whether the server did what was asked under that name, so that the name is one of its own. A tool error is no proof:
 *  some servers answer one for a tool that does not exist. */
export function isSuccess(outcome: Outcome): bool {
  return outcome == Outcome.Ok || outcome == Outcome.InputRequired || outcome == Outcome.TaskAccepted;
}
