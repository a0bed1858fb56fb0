/** What limits rejected, out of /stats/prometheus, as lines below the table. */
import colors from "picocolors";
import { readSamples } from "../envoy/exposition.ts";
import { nameOf } from "./names.ts";

/** What one rule of `limits` decided about the requests to one server. */
export interface LimitTotals {
  server: string;
  rule: string;
  requests: number;
  /** Of these: rejected, or in shadow mode what would have been. */
  limited: number;
  isShadow: boolean;
}

/** How many requests of one caller were limited, where callers have a label. */
export interface LimitedCaller {
  server: string;
  caller: string;
  limited: number;
}

/** More callers than these are counted in one. */
const MOST_CALLERS = 3;

/** The rules that limited something, over all these expositions: by server, the one that limited most first. */
export function readLimits(expositions: readonly string[]): LimitTotals[] {
  const totals = new Map<string, LimitTotals>();
  for (const { labels, value } of expositions.flatMap((text) => readSamples(text, "mcp_limit_decisions_total"))) {
    const { mcp_server: server = "", mcp_limit_rule: rule = "", mcp_limit_decision: decision } = labels;
    // It counts again when it is admitted or limited.
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

/** The callers that were limited, likewise. */
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

/** One line for each rule that limited something, `lines` at most, and who was limited; empty where nothing was. */
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

/** Who was limited by a server's rules, as one line; none where callers have no label. */
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
