/** The steps of sessions in Envoy's log. */
import { type AccessRecord, recordOf } from "../access-log/record.ts";
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

/** The step that a line of Envoy's output reports; undefined if it reports none of a session. */
export function readStep(line: string): LoggedStep | undefined {
  const record = line.length > MAX_LINE_LENGTH ? undefined : recordOf(line);
  if (record === undefined || record === "other") return undefined;
  const { session = "", isLater, durationMs, outcome = "" } = record;
  const time = Date.parse(record.time ?? "");
  if (!SESSION.test(session) || Number.isNaN(time)) return undefined;
  const step: Step = {
    start: isLater ? time - (durationMs ?? 0) : time,
    method: shown(record.method),
    target: shown(record.target),
    durationMs,
    waitMs: record.waitMs ?? 0,
    notes: isLater ? [laterNote(record)] : notesOf(record),
    outcome: shown(outcome),
    isFailure: outcome !== "" && (isError(outcome) || STOPPED.has(outcome)),
    tokens: record.tokens ?? 0,
  };
  return { session, era: shown(record.era), principal: shown(record.principal), step };
}

/** A value from a stranger, as a bounded printable text. */
function shown(value = ""): string {
  return printable(value.slice(0, MAX_VALUE_LENGTH));
}

function laterNote({ direction }: AccessRecord): string {
  return direction === "server_to_client" ? "asked by the server" : "ended after its request";
}

function notesOf({ status, flags, rule, limit }: AccessRecord): string[] {
  const notes = [];
  if (status !== undefined && (status >= 400 || status === 0)) notes.push(`HTTP status ${status}`);
  if (flags !== undefined) notes.push(`Envoy: ${shown(flags)}`);
  if (rule !== undefined) notes.push(`access rule ${shown(rule)}`);
  if (limit !== undefined) notes.push(`limit ${shown(limit)}`);
  return notes;
}
