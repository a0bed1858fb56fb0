/** Renders a message as one line of text, or as JSON. */
import { colors } from "../cli/colors.ts";
import { fitted } from "../cli/columns.ts";
import { printable, printableJson } from "../cli/terminal.ts";
import { formatBytes, formatDuration, formatTokens } from "../statistics/format.ts";
import { CANCELLED, isError, STOPPED } from "../statistics/outcomes.ts";
import type { Message } from "./message.ts";

const NOTHING = formatDuration(undefined);
/** Characters of the columns before the names. */
const WIDTHS = { time: 12, outcome: 15, duration: 7 };
const NAME_WIDTHS = { server: 20, caller: 20 };

/** One object with the names of the line's columns; null for what the log does not say. */
export function jsonLine(message: Message): string {
  return printableJson({
    time: message.time ?? null,
    server: message.server ?? null,
    caller: message.caller ?? null,
    session: message.session ?? null,
    method: message.method ?? null,
    tool: message.tool ?? null,
    outcome: message.outcome ?? null,
    duration_ms: message.durationMs ?? null,
    wait_ms: message.waitMs ?? null,
    bytes_in: message.bytesIn ?? null,
    bytes_out: message.bytesOut ?? null,
    tokens: message.tokens ?? null,
    rule: message.rule ?? null,
    limit: message.limit ?? null,
  });
}

/** One line: time, outcome, duration, what was asked for, decision, server, caller, tokens and bytes. On a terminal it is cut at
 *  `columns`, so the last columns may be missing. */
export function textLine(message: Message, columns: number | undefined): string {
  const { method, tool, server, caller, tokens, bytesIn, bytesOut } = message;
  const what = [method, tool]
    .filter((name) => name !== undefined)
    .map(printable)
    .join(" ");
  const whatWidth = columns === undefined ? 40 : Math.max(24, Math.min(40, columns - 56));
  const parts = [
    fitted(clock(message.time), WIDTHS.time),
    coloured(fitted(printable(message.outcome ?? NOTHING), WIDTHS.outcome), message.outcome),
    formatDuration(message.durationMs).padStart(WIDTHS.duration),
    fitted(what === "" ? NOTHING : what, whatWidth),
    fitted(printable(server ?? NOTHING), NAME_WIDTHS.server),
    fitted(printable(caller ?? NOTHING), NAME_WIDTHS.caller),
    sizes(tokens, bytesIn, bytesOut),
    decision(message),
  ];
  return parts.join("  ").trimEnd();
}

/** The time of day in an ISO time; another text as it is. */
function clock(time: string | undefined): string {
  return /T(\d\d:\d\d:\d\d(?:\.\d+)?)/.exec(time ?? "")?.[1] ?? printable(time ?? NOTHING);
}

function coloured(text: string, outcome = "ok"): string {
  if (isError(outcome)) return colors.red(text);
  return STOPPED.has(outcome) || CANCELLED.has(outcome) ? colors.yellow(text) : text;
}

function sizes(tokens: number | undefined, bytesIn: number | undefined, bytesOut: number | undefined): string {
  const shown = (bytes: number | undefined) => (bytes === undefined ? NOTHING : formatBytes(bytes));
  const amount = tokens === undefined ? NOTHING : formatTokens(tokens);
  return `${amount} tokens  ${shown(bytesIn)} in  ${shown(bytesOut)} out`.padEnd(40);
}

/** What a policy and limits have decided. */
function decision({ outcome, rule, limit, waitMs }: Message): string {
  const parts: string[] = [];
  if (rule !== undefined) parts.push(`${outcome === "denied" ? "denied" : "passed"} by ${printable(rule)}`);
  if (limit !== undefined)
    parts.push(`${outcome === "limited" ? "limited" : "would be limited"} by ${printable(limit)}`);
  if (waitMs !== undefined) parts.push(`waited ${formatDuration(waitMs)}`);
  return parts.join(", ");
}
