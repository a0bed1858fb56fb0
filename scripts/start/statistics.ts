/** Reads the filter's metrics from /stats/prometheus, and adds them up for the table. */
import { readSamples, type Sample } from "../envoy/exposition.ts";
import type { Buckets } from "./quantile.ts";

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

/** Totals of a server. */
export interface ServerTotals {
  sessionsActive: number;
  /** The number of active sessions by `mcp_session_state`. */
  sessionsByState: Record<string, number>;
  /** The number of sessions that started here, or started elsewhere and were first seen here later. */
  sessionsSeen: number;
  /** Estimated tokens that models wrote or read. */
  tokens: number;
  /** Estimated tokens of the listed definitions: tools, prompts and resources. */
  definitionTokens: number;
}

const NO_ERROR = new Set(["ok", "input_required", "task_accepted"]);
const CANCELLED = new Set(["cancelled", "disconnected"]);
/** The outcomes and error types of calls that did not reach a server. */
const STOPPED = new Set(["denied", "limited"]);
const READ = new Set(["result", "prompt", "resource"]);
/** The kind of tokens that models do not read, because another kind repeats them: docs/tokens.md. */
const REPEATED = "structured";
/** The methods of the kinds of tokens whose metrics have no label for the method. */
const METHOD_OF_KIND: Record<string, string> = { prompt: "prompts/get", resource: "resources/read" };

/** The rows for all expositions, ordered by server, then tools before other methods, then by name. */
export function readRows(expositions: string[]): Row[] {
  const rows = new Map<string, Row>();
  for (const sample of expositions.flatMap((text) => readSamples(text, "mcp_"))) {
    add(rowOf(rows, sample), sample);
  }
  return [...rows.values()].filter((row) => row.calls + row.limited > 0).sort(inTableOrder);
}

/** The totals by server, for all expositions. */
export function readServers(expositions: string[]): Map<string, ServerTotals> {
  const servers = new Map<string, ServerTotals>();
  for (const { name, labels, value } of expositions.flatMap((text) => readSamples(text, "mcp_"))) {
    const server = labels.mcp_server ?? "";
    const totals = servers.get(server) ?? newTotals();
    servers.set(server, totals);
    if (name === "mcp_sessions_active") addSessions(totals, labels.mcp_session_state ?? "", value);
    else if (name === "mcp_sessions_started_total" || name === "mcp_sessions_adopted_total")
      totals.sessionsSeen += value;
    else if (name === "mcp_tokens_total" && labels.mcp_token_kind !== REPEATED) totals.tokens += value;
    else if (name === "mcp_definition_tokens") totals.definitionTokens += value;
  }
  return servers;
}

function newTotals(): ServerTotals {
  return { sessionsActive: 0, sessionsByState: {}, sessionsSeen: 0, tokens: 0, definitionTokens: 0 };
}

function addSessions(totals: ServerTotals, state: string, count: number): void {
  totals.sessionsActive += count;
  totals.sessionsByState[state] = (totals.sessionsByState[state] ?? 0) + count;
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
    else if (!NO_ERROR.has(outcome)) row.errors += value;
  } else if (name === "mcp_tokens_total") {
    const kind = labels.mcp_token_kind ?? "";
    if (READ.has(kind)) row.tokensIn += value;
    else if (kind === "arguments") row.tokensOut += value;
  } else if (name === "mcp_payload_bytes_total") {
    row.bytes += value;
  } else if (name === "mcp_operation_duration_milliseconds_bucket" && !STOPPED.has(labels.error_type ?? "")) {
    const bound = labels.le === "+Inf" ? Infinity : Number(labels.le);
    row.durations.set(bound, (row.durations.get(bound) ?? 0) + value);
  }
}
