/** Reads the filter's metrics out of /stats/prometheus into the rows of the table. */
import { readSamples, type Sample } from "../envoy/exposition.ts";
import type { Buckets } from "./quantile.ts";

/** What is known of one method, or of one tool, of one server. */
export interface Row {
  server: string;
  method: string;
  /** Empty but for tools/call. */
  tool: string;
  calls: number;
  errors: number;
  cancelled: number;
  /** Payload of both directions. */
  bytes: number;
  /** Durations in milliseconds. */
  durations: Buckets;
}

/** The sessions of one server. */
export interface SessionCounts {
  active: number;
  /** Born here, or met after their birth elsewhere. */
  seen: number;
}

const NO_ERROR = new Set(["ok", "input_required", "task_accepted"]);
const CANCELLED = new Set(["cancelled", "disconnected"]);

/** The rows of all these expositions together: by server its tools, then its other methods, each by name. */
export function readRows(expositions: string[]): Row[] {
  const rows = new Map<string, Row>();
  for (const sample of expositions.flatMap((text) => readSamples(text, "mcp_"))) {
    add(rowOf(rows, sample), sample);
  }
  return [...rows.values()].filter((row) => row.calls > 0).sort(inTableOrder);
}

/** The sessions by server. */
export function readSessions(expositions: string[]): Map<string, SessionCounts> {
  const servers = new Map<string, SessionCounts>();
  for (const { name, labels, value } of expositions.flatMap((text) => readSamples(text, "mcp_sessions_"))) {
    const server = labels.mcp_server ?? "";
    const counts = servers.get(server) ?? { active: 0, seen: 0 };
    servers.set(server, counts);
    if (name === "mcp_sessions_active") counts.active += value;
    else if (name !== "mcp_sessions_ended_total") counts.seen += value;
  }
  return servers;
}

function inTableOrder(a: Row, b: Row): number {
  const keys = (row: Row) => [row.server, row.tool === "" ? "1" : "0", row.tool, row.method];
  const [left, right] = [keys(a), keys(b)];
  const first = left.findIndex((key, index) => key !== right[index]);
  if (first < 0) return 0;
  return left[first] < right[first] ? -1 : 1;
}

function rowOf(rows: Map<string, Row>, { labels }: Sample): Row {
  const { mcp_server: server = "", mcp_method_name: method = "", gen_ai_tool_name: tool = "" } = labels;
  const key = JSON.stringify([server, method, tool]);
  let row = rows.get(key);
  if (row === undefined) {
    row = { server, method, tool, calls: 0, errors: 0, cancelled: 0, bytes: 0, durations: new Map() };
    rows.set(key, row);
  }
  return row;
}

function add(row: Row, { name, labels, value }: Sample): void {
  if (name === "mcp_operations_total") {
    const outcome = labels.mcp_outcome ?? "";
    row.calls += value;
    if (CANCELLED.has(outcome)) row.cancelled += value;
    else if (!NO_ERROR.has(outcome)) row.errors += value;
  } else if (name === "mcp_payload_bytes_total") {
    row.bytes += value;
  } else if (name === "mcp_operation_duration_milliseconds_bucket") {
    const bound = labels.le === "+Inf" ? Infinity : Number(labels.le);
    row.durations.set(bound, (row.durations.get(bound) ?? 0) + value);
  }
}
