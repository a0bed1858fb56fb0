/** Reads MCP messages from Envoy's log: lines of the JSON access log with the filter's fields, and operations that end later
 *  (docs/access-log.md). */

/** What a line says of one message, never its arguments or results. Fields that are not in the line are undefined. */
export interface AccessRecord {
  /** Whether the operation ended after the access log's line of its stream. */
  readonly isLater: boolean;
  /** When the request began or, if `isLater`, the operation ended, as the log writes it. */
  readonly time?: string;
  readonly cluster?: string;
  readonly principal?: string;
  /** The hash of the session's id. */
  readonly session?: string;
  readonly era?: string;
  readonly method?: string;
  readonly target?: string;
  readonly outcome?: string;
  readonly rule?: string;
  readonly limit?: string;
  /** Only if `isLater`. */
  readonly direction?: string;
  readonly durationMs?: number;
  /** How long the HTTP stream was open. */
  readonly streamMs?: number;
  /** Milliseconds in the queues of limits. */
  readonly waitMs?: number;
  readonly tokens?: number;
  readonly bytesIn?: number;
  readonly bytesOut?: number;
  /** HTTP status; 0 if there was no answer. */
  readonly status?: number;
  /** Envoy's response flags. */
  readonly flags?: string;
}

/** The event of Envoy's log for an operation that ended after its stream's line in the access log. */
const ENDED = "mcp_operation_ended";

/** The message in a line; "other" if its JSON is not about MCP; undefined if it has no JSON object. */
export function recordOf(line: string): AccessRecord | "other" | undefined {
  const entry = entryOf(line);
  if (entry === undefined) return undefined;
  const text = (name: string) => textOf(entry[name]);
  const number = (name: string) => numberOf(entry[name]);
  if (entry.event === ENDED) {
    return {
      isLater: true,
      time: text("time"),
      session: text("session"),
      method: text("method"),
      target: text("target"),
      outcome: text("outcome"),
      direction: text("direction"),
      durationMs: number("duration_ms"),
      tokens: number("tokens"),
    };
  }
  const record = {
    isLater: false,
    time: text("start_time"),
    cluster: text("upstream_cluster"),
    principal: text("mcp_principal"),
    session: text("mcp_session"),
    era: text("mcp_era"),
    method: text("mcp_method"),
    target: text("mcp_target"),
    outcome: text("mcp_outcome"),
    rule: text("mcp_rule"),
    limit: text("mcp_limit"),
    durationMs: number("mcp_duration_ms"),
    streamMs: number("duration_ms"),
    waitMs: number("mcp_wait_ms"),
    tokens: number("mcp_tokens"),
    bytesIn: number("bytes_received"),
    bytesOut: number("bytes_sent"),
    status: number("status"),
    flags: text("response_flags"),
  };
  const isMcp = [record.method, record.outcome, record.rule, record.session].some((each) => each !== undefined);
  return isMcp ? record : "other";
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
