/** Works out of recorded exchanges what the filter must have counted of operations, notifications, streams and tools. */
import { type Operation, operationsOf } from "./operation-truth.ts";
import { count, type Counts } from "./prometheus.ts";
import type { Recorded } from "./recording.ts";
import { toolTruthOf } from "./tool-truth.ts";
import { type Passed, streamKindOf, type Wire, wireOf } from "./wire.ts";

const METHODS_WITH_TARGET: Record<string, string> = {
  "tools/call": "gen_ai_tool_name",
  "prompts/get": "gen_ai_prompt_name",
};

/** The values of `rpc_response_status_code`, beside `_OTHER`. */
const CODES = new Set([
  ...[-32700, -32600, -32601, -32602, -32603, -32002, -32042, -32000, -32001, -32020, -32021, -32022],
  ...[403, 429],
]);

/** `error_type` by outcome; `other` for the rest. */
const ERROR_TYPES: Record<string, string> = {
  ok: "",
  input_required: "",
  tool_error: "tool_error",
  rpc_error: "rpc_error",
  denied: "denied",
};

/** The counters, and the histograms' counts, after these exchanges, but for tokens and sessions. `isLabelled`: whether a
 *  name has a label value of its own. */
export function truthOf(exchanges: readonly Recorded[], isLabelled: (name: string) => boolean): Counts {
  const wire = wireOf(exchanges);
  const operations = operationsOf(wire);
  const counts = toolTruthOf(wire, operations, isLabelled);
  for (const operation of operations) countOperation(counts, operation, isLabelled);
  for (const passed of wire.received) countNotification(counts, passed, "server_to_client");
  for (const passed of wire.sent) {
    if (passed.exchange.ended !== "open") countNotification(counts, passed, "client_to_server");
  }
  const owing = new Set(
    operations.filter((operation) => isLeftOwing(operation, wire)).map(({ request }) => request.exchange),
  );
  for (const exchange of exchanges) countStream(counts, exchange, wire, owing.has(exchange));
  return counts;
}

function countOperation(
  counts: Counts,
  { request, fromServer, answer, outcome }: Operation,
  isLabelled: (name: string) => boolean,
): void {
  const method = request.message.method!;
  const labels: Record<string, string> = { mcp_method_name: method };
  const label = METHODS_WITH_TARGET[method];
  if (label !== undefined) {
    const name = request.message.params?.name ?? "";
    labels[label] = isLabelled(name) ? name : "_OTHER";
    if (!isLabelled(name)) count(counts, "mcp_label_overflow_total", { mcp_label: label });
  }
  const code = codeOf(answer);
  count(counts, "mcp_operations_total", { ...labels, mcp_outcome: outcome, rpc_response_status_code: code });
  const errorType = ERROR_TYPES[outcome] ?? "other";
  count(counts, "mcp_operation_duration_milliseconds_count", { ...labels, error_type: errorType });
  const directions = ["client_to_server", "server_to_client"];
  const [there, back] = fromServer ? directions.reverse() : directions;
  countBytes(counts, { ...labels, mcp_direction: there }, request);
  if (answer !== undefined) countBytes(counts, { ...labels, mcp_direction: back }, answer);
}

function codeOf(answer: Passed | undefined): string {
  const code = answer?.message.error?.code;
  if (code === undefined) return "";
  return CODES.has(code) ? String(code) : "_OTHER";
}

/** Whether the server ended the request's stream before the answer had come, or where it does not come at all. */
function isLeftOwing({ request, fromServer, answer, outcome }: Operation, wire: Wire): boolean {
  if (fromServer || request.exchange.status === 202 || wire.streamOf(request.session) !== undefined) return false;
  return answer === undefined ? outcome === "unanswered" : answer.exchange !== request.exchange;
}

function countStream(counts: Counts, exchange: Recorded, wire: Wire, isOwing: boolean): void {
  const { method, status, ended } = exchange;
  if (ended === "open" || (method !== "POST" && (method !== "GET" || status !== 200))) return;
  const byServer = method === "GET" || isOwing ? "server_closed" : "complete";
  const mcp_stream_end = ended === "left" ? "client_closed" : byServer;
  const labels = { mcp_stream_kind: streamKindOf(exchange, wire), mcp_stream_end };
  count(counts, "mcp_streams_total", labels);
  count(counts, "mcp_stream_duration_milliseconds_count", labels);
}

/** Counts the message where it is a notification. */
function countNotification(counts: Counts, passed: Passed, mcp_direction: string): void {
  const { id, method } = passed.message;
  if (method === undefined || id !== undefined) return;
  count(counts, "mcp_notifications_total", { mcp_method_name: method, mcp_direction });
  countBytes(counts, { mcp_method_name: method, mcp_direction }, passed);
}

function countBytes(counts: Counts, labels: Record<string, string>, { text }: Passed): void {
  count(counts, "mcp_payload_bytes_total", labels, Buffer.byteLength(text));
}
