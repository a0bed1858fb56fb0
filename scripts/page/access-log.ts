/** Reads the steps of sessions from Envoy's log: the access log with the filter's fields, and operations that end later. */
import { printable } from "../cli/terminal.ts";
import { isError, STOPPED } from "../statistics/outcomes.ts";
import type { Step } from "./data.ts";

/** A step, and the session that it belongs to. */
export interface LoggedStep {
  session: string;
  era: string;
  principal: string;
  step: Step;
}

/** Longer lines are not read: they are not of the access log, whose values are bounded. */
const MAX_LINE_LENGTH = 16_384;
/** The part of a value that is kept. */
const MAX_VALUE_LENGTH = 256;
const SESSION = /^[0-9a-f]{16}$/;
/** How a line about an operation that ended after its stream begins, after Envoy's prefix. */
const LATER = '{"event":"mcp_operation_ended"';

/** The step that a line of Envoy's output reports; undefined if it reports none of a session. */
export function readStep(line: string): LoggedStep | undefined {
  if (line.length > MAX_LINE_LENGTH) return undefined;
  if (line.startsWith("{")) return fromAccessLog(fieldsOf(line));
  const at = line.indexOf(LATER);
  return at < 0 ? undefined : fromEvent(fieldsOf(line.slice(at)));
}

type Fields = ReadonlyMap<string, string>;

/** The members of a JSON object that are texts or numbers, as printable texts; none if it is no JSON object. */
function fieldsOf(json: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return new Map();
  }
  if (typeof value !== "object" || value === null) return new Map();
  const members = Object.entries(value).filter(
    ([, member]) => typeof member === "string" || typeof member === "number",
  );
  return new Map(members.map(([name, member]) => [name, printable(String(member).slice(0, MAX_VALUE_LENGTH))]));
}

function fromAccessLog(fields: Fields): LoggedStep | undefined {
  const text = (name: string) => fields.get(name) ?? "";
  const session = text("mcp_session");
  const start = Date.parse(text("start_time"));
  if (!SESSION.test(session) || Number.isNaN(start)) return undefined;
  const status = Number(text("status"));
  const notes = [];
  if (status >= 400 || status === 0) notes.push(`HTTP status ${status}`);
  if (text("response_flags") !== "" && text("response_flags") !== "-") notes.push(`Envoy: ${text("response_flags")}`);
  if (text("mcp_rule") !== "") notes.push(`access rule ${text("mcp_rule")}`);
  if (text("mcp_limit") !== "") notes.push(`limit ${text("mcp_limit")}`);
  const step = {
    start,
    method: text("mcp_method"),
    target: text("mcp_target"),
    durationMs: amount(fields, "mcp_duration_ms"),
    waitMs: amount(fields, "mcp_wait_ms") ?? 0,
    notes,
    ...result(fields, "mcp_outcome", "mcp_tokens"),
  };
  return { session, era: text("mcp_era"), principal: text("mcp_principal"), step };
}

function fromEvent(fields: Fields): LoggedStep | undefined {
  const text = (name: string) => fields.get(name) ?? "";
  const session = text("session");
  const end = Date.parse(text("time"));
  if (!SESSION.test(session) || Number.isNaN(end)) return undefined;
  const durationMs = amount(fields, "duration_ms");
  const step = {
    start: end - (durationMs ?? 0),
    method: text("method"),
    target: text("target"),
    durationMs,
    waitMs: 0,
    notes: [text("direction") === "server_to_client" ? "asked by the server" : "ended after its request"],
    ...result(fields, "outcome", "tokens"),
  };
  return { session, era: "", principal: "", step };
}

function result(
  fields: Fields,
  outcomeField: string,
  tokensField: string,
): Pick<Step, "outcome" | "isFailure" | "tokens"> {
  const outcome = fields.get(outcomeField) ?? "";
  const isFailure = outcome !== "" && (isError(outcome) || STOPPED.has(outcome));
  return { outcome, isFailure, tokens: amount(fields, tokensField) ?? 0 };
}

/** A field that is a number of 0 or more; otherwise undefined. */
function amount(fields: Fields, name: string): number | undefined {
  const value = Number(fields.get(name) ?? NaN);
  return value >= 0 ? value : undefined;
}
