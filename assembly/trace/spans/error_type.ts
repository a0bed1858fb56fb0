import { Outcome, isSuccess } from "../../mcp/protocol/outcome";

/** Codes of errors that a client made (JSON-RPC 2.0, section 5.1; MCP's "resource not found"): by OpenTelemetry's conventions no
 *  errors of the server. */
const FAULTS_OF_CALLERS: i32[] = [-32700, -32600, -32601, -32602, -32002];

/** Whether a span of this outcome has the status Error, and an `error.type`. `isServers`: the span is of the kind SERVER.
 *  `code`: of the JSON-RPC error, if any. */
export function isSpanError(outcome: Outcome, code: i32, isServers: bool): bool {
  if (isSuccess(outcome)) return false;
  return !(isServers && outcome == Outcome.RpcError && FAULTS_OF_CALLERS.includes(code));
}
