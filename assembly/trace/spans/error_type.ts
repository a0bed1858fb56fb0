import { Outcome, isSuccess } from "../../mcp/protocol/outcome";

/**
 * Codes of errors that the client caused (JSON-RPC 2.0, section 5.1; MCP's "resource not found"). By OpenTelemetry's
 * conventions these are not errors of the server.
 */
const FAULTS_OF_CALLERS: i32[] = [-32700, -32600, -32601, -32602, -32002];

/**
 * Whether a span with this outcome has the status Error and an `error.type`. `isServers`: the span is of the kind
 * SERVER. `code` is the code of the JSON-RPC error, if any.
 */
export function isSpanError(outcome: Outcome, code: i32, isServers: bool): bool {
  if (isSuccess(outcome)) return false;
  return !(isServers && outcome == Outcome.RpcError && FAULTS_OF_CALLERS.includes(code));
}
