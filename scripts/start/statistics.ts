/** Reads the filter's metrics out of /stats/prometheus into the rows of the table. */
import { readSamples, type Sample } from "../envoy/exposition.ts";
import type { Buckets } from "./quantile.ts";

/** What is known of one method, or of one tool, of one server: of the calls that reached it. */
export interface Row {
  server: string;
  method: string;
  /** Empty but for tools/call. */
  tool: string;
  calls: number;
  errors: number;
  cancelled: number;
  /** Calls beside these, which a limit kept from the server. */
  limited: number;
  /** Estimated tokens that the model got to read: results. */
  tokensIn: number;
  /** And that it wrote: arguments. */
  tokensOut: number;
  /** Payload of both directions. */
  bytes: number;
  /** Durations in milliseconds. */
  durations: Buckets;
}

/** What is known of a server as a whole. */
export interface ServerTotals {
  sessionsActive: number;
  /** Those of each `mcp_session_state`. */
  sessionsByState: Record<string, number>;
  /** Born here, or met after their birth elsewhere. */
  sessionsSeen: number;
  /** Estimated tokens that models wrote and read. */
  tokens: number;
  /** Estimated tokens of what it lists: tools, prompts, resources. */
  definitionTokens: number;
}

const NO_ERROR = new Set(["ok", "input_required", "task_accepted"]);
const CANCELLED = new Set(["cancelled", "disconnected"]);
/** Outcomes, and types of errors, of what never reached a server. */
const STOPPED = new Set(["denied", "limited"]);
const READ = new Set(["result", "prompt", "resource"]);
/** The kind of tokens that no model reads, since another one has the same: docs/tokens.md. */
const REPEATED = "structured";
/** The methods whose answers bring these kinds of tokens, which are not labelled by method. */
const METHOD_OF_KIND: Record<string, string> = { prompt: "prompts/get", resource: "resources/read" };

/** The rows of all these expositions together: by server its tools, then its other methods, each by name. */
export function readRows(expositions: string[]): Row[] {
  const rows = new Map<string, Row>();
  for (const sample of expositions.flatMap((text) => readSamples(text, "mcp_"))) {
    add(rowOf(rows, sample), sample);
  }
  return [...rows.values()].filter((row) => row.calls + row.limited > 0).sort(inTableOrder);
}

/** The totals by server. */
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
