/** Reads from /stats/prometheus what limits rejected, and renders it as lines below the table. */
import colors from "picocolors";
import { readSamples } from "../envoy/exposition.ts";
import { nameOf } from "./names.ts";

/** The decisions of one rule of `limits` on the requests to one server. */
export interface LimitTotals {
  server: string;
  rule: string;
  requests: number;
  /** The number of these requests that were rejected, or would have been without shadow mode. */
  limited: number;
  isShadow: boolean;
}

/** The number of one caller's requests that were limited. Known only if metrics have a label for callers. */
export interface LimitedCaller {
  server: string;
  caller: string;
  limited: number;
}

/** The maximum number of callers that are named. The others are only counted. */
const MOST_CALLERS = 3;

/** The rules that limited requests, in all expositions, ordered by server and then by limited requests, most first. */
export function readLimits(expositions: readonly string[]): LimitTotals[] {
  const totals = new Map<string, LimitTotals>();
  for (const { labels, value } of expositions.flatMap((text) => readSamples(text, "mcp_limit_decisions_total"))) {
    const { mcp_server: server = "", mcp_limit_rule: rule = "", mcp_limit_decision: decision } = labels;
    // A queued request is counted again when it is admitted or limited.
    if (decision === "queued") continue;
    const key = JSON.stringify([server, rule]);
    const total = totals.get(key) ?? { server, rule, requests: 0, limited: 0, isShadow: false };
    total.requests += value;
    if (decision !== "admitted") total.limited += value;
    if (decision === "shadow_limited") total.isShadow = true;
    totals.set(key, total);
  }
  return inOrder([...totals.values()].filter(({ limited }) => limited > 0));
}

/** The callers whose requests were limited, in all expositions, ordered by server and then by limited requests, most first. */
export function readLimitedCallers(expositions: readonly string[]): LimitedCaller[] {
  const callers = new Map<string, LimitedCaller>();
  for (const { labels, value } of expositions.flatMap((text) => readSamples(text, "mcp_operations_total"))) {
    const { mcp_server: server = "", mcp_caller: caller, mcp_outcome: outcome } = labels;
    if (outcome !== "limited" || caller === undefined) continue;
    const key = JSON.stringify([server, caller]);
    const counted = callers.get(key) ?? { server, caller, limited: 0 };
    counted.limited += value;
    callers.set(key, counted);
  }
  return inOrder([...callers.values()]);
}

/** Renders one line per rule, at most `lines`, and the limited callers. Returns "" if nothing was limited. */
export function renderLimits(
  totals: readonly LimitTotals[],
  callers: readonly LimitedCaller[],
  lines = Infinity,
): string {
  if (totals.length === 0) return "";
  const shown = totals.slice(0, Math.max(1, lines));
  const counts = shown.map(({ limited, requests }) => `${limited} of ${requests}`);
  const width = Math.max(...counts.map(({ length }) => length));
  const rows = shown.map(({ server, rule, isShadow }, index) => {
    const mode = isShadow ? colors.dim(" in shadow mode: not limited") : "";
    return `  ${colors.yellow(counts[index].padStart(width))}  ${nameOf(server)}  by ${rule}${mode}`;
  });
  const left = totals.length - shown.length;
  if (left > 0) rows.push(colors.dim(`  and ${left} more`));
  const servers = [...new Set(shown.map(({ server }) => server))];
  const who = servers.flatMap((server) => callersOf(server, callers));
  return [colors.bold("limited"), ...rows, ...who].join("\n");
}

/** A line with the callers that a server's rules limited; empty if metrics have no label for callers. */
function callersOf(server: string, callers: readonly LimitedCaller[]): string[] {
  const mine = callers.filter((each) => each.server === server);
  if (mine.length === 0) return [];
  const names = mine.slice(0, MOST_CALLERS).map(({ caller, limited }) => `${nameOf(caller)} ${limited}`);
  const left = mine.length - names.length;
  if (left > 0) names.push(`${left} more`);
  return [colors.dim(`  callers of ${nameOf(server)}: ${names.join(", ")}`)];
}

function inOrder<Counted extends { server: string; limited: number }>(counted: Counted[]): Counted[] {
  return counted.sort((a, b) => (a.server === b.server ? b.limited - a.limited : a.server < b.server ? -1 : 1));
}
