/** Adds the filter's metrics up by server, method and tool. */
import { numberOf, type Sample } from "./exposition.ts";
import { CANCELLED, isError, STOPPED } from "./outcomes.ts";
import { type Buckets, count } from "./quantile.ts";

/** Totals of the calls of one method or one tool that reached a server. */
export interface Row {
  server: string;
  method: string;
  /** The tool's name; empty unless the method is tools/call. */
  tool: string;
  calls: number;
  errors: number;
  cancelled: number;
  /** The number of further calls, which a limit rejected. */
  limited: number;
  /** Estimated tokens of results, which the model reads. */
  tokensIn: number;
  /** Estimated tokens of arguments, which the model wrote. */
  tokensOut: number;
  /** Bytes of payload in both directions. */
  bytes: number;
  /** Durations in milliseconds. */
  durations: Buckets;
}

const READ = new Set(["result", "prompt", "resource"]);
/** The methods of the kinds of tokens whose metrics have no label for the method. */
const METHOD_OF_KIND: Record<string, string> = { prompt: "prompts/get", resource: "resources/read" };

/** The rows, ordered by server, then tools before other methods, then by name. */
export function readRows(samples: readonly Sample[]): Row[] {
  const rows = new Map<string, Row>();
  for (const sample of samples) if (sample.name.startsWith("mcp_")) add(rowOf(rows, sample), sample);
  return [...rows.values()].filter((row) => row.calls + row.limited > 0).sort(inTableOrder);
}

function inTableOrder(a: Row, b: Row): number {
  const keys = (row: Row) => [row.server, row.tool === "" ? "1" : "0", row.tool, row.method];
  const [left, right] = [keys(a), keys(b)];
  const first = left.findIndex((key, index) => key !== right[index]);
  if (first < 0) return 0;
  return left[first] < right[first] ? -1 : 1;
}

function rowOf(rows: Map<string, Row>, { labels }: Sample): Row {
  const { mcp_server: server = "", mcp_token_kind: kind = "", gen_ai_tool_name: tool = "" } = labels;
  const method = tool === "" ? (METHOD_OF_KIND[kind] ?? labels.mcp_method_name ?? "") : "tools/call";
  const key = JSON.stringify([server, method, tool]);
  let row = rows.get(key);
  if (row === undefined) {
    const counts = { calls: 0, errors: 0, cancelled: 0, limited: 0, tokensIn: 0, tokensOut: 0, bytes: 0 };
    row = { server, method, tool, ...counts, durations: new Map() };
    rows.set(key, row);
  }
  return row;
}

function add(row: Row, { name, labels, value }: Sample): void {
  if (name === "mcp_operations_total") {
    const outcome = labels.mcp_outcome ?? "";
    if (outcome === "limited") row.limited += value;
    if (STOPPED.has(outcome)) return;
    row.calls += value;
    if (CANCELLED.has(outcome)) row.cancelled += value;
    else if (isError(outcome)) row.errors += value;
  } else if (name === "mcp_tokens_total") {
    const kind = labels.mcp_token_kind ?? "";
    if (READ.has(kind)) row.tokensIn += value;
    else if (kind === "arguments") row.tokensOut += value;
  } else if (name === "mcp_payload_bytes_total") {
    row.bytes += value;
  } else if (name === "mcp_operation_duration_milliseconds_bucket" && !STOPPED.has(labels.error_type ?? "")) {
    count(row.durations, numberOf(labels.le), value);
  }
}
