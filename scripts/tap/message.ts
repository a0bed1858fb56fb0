/** Reads MCP messages from the lines of Envoy's JSON access log, with the filter's fields (docs/access-log.md). */

/** The fields with names, which can be excluded. */
export const FIELDS = ["server", "caller", "method", "tool", "outcome", "rule", "limit", "session"] as const;
export type Field = (typeof FIELDS)[number];

/** What the log says of one message. Absent fields are undefined. It never contains arguments or results. */
export type Message = Partial<Record<Field, string>> & {
  /** When the request began, or the operation ended, as the log writes it. */
  time?: string;
  durationMs?: number;
  /** Milliseconds in the queues of limits. */
  waitMs?: number;
  tokens?: number;
  bytesIn?: number;
  bytesOut?: number;
};

/** The event of Envoy's log for an operation that ended after its stream's line in the access log. */
const ENDED = "mcp_operation_ended";

/** The message in a line; "other" if its JSON is not about MCP; undefined if it has no JSON object. */
export function messageOf(line: string): Message | "other" | undefined {
  const entry = entryOf(line);
  if (entry === undefined) return undefined;
  if (entry.event === ENDED) return endedOperation(entry);
  const session = textOf(entry.mcp_session);
  const message: Message = {
    time: textOf(entry.start_time),
    server: textOf(entry.upstream_cluster),
    caller: textOf(entry.mcp_principal) ?? session,
    method: textOf(entry.mcp_method),
    tool: textOf(entry.mcp_target),
    outcome: textOf(entry.mcp_outcome),
    rule: textOf(entry.mcp_rule),
    limit: textOf(entry.mcp_limit),
    session,
    durationMs: numberOf(entry.mcp_duration_ms) ?? numberOf(entry.duration_ms),
    waitMs: numberOf(entry.mcp_wait_ms),
    tokens: numberOf(entry.mcp_tokens),
    bytesIn: numberOf(entry.bytes_received),
    bytesOut: numberOf(entry.bytes_sent),
  };
  const isMcp = [message.method, message.outcome, message.rule, session].some((text) => text !== undefined);
  return isMcp ? message : "other";
}

function endedOperation(entry: Record<string, unknown>): Message {
  const session = textOf(entry.session);
  return {
    time: textOf(entry.time),
    caller: session,
    method: textOf(entry.method),
    tool: textOf(entry.target),
    outcome: textOf(entry.outcome),
    session,
    durationMs: numberOf(entry.duration_ms),
    tokens: numberOf(entry.tokens),
  };
}

/** The JSON object at the end of a line, after what a log collector or Envoy's log has written before it. */
function entryOf(line: string): Record<string, unknown> | undefined {
  const begin = line.indexOf("{");
  if (begin < 0) return undefined;
  try {
    return JSON.parse(line.slice(begin)) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/** A text of the log. Envoy writes null, "-" or an empty text for a missing one. */
function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" && value !== "-" ? value : undefined;
}

/** A number of the log, which may be a text. */
function numberOf(value: unknown): number | undefined {
  const number = typeof value === "string" && value !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : undefined;
}
