/** What the page shows of the present: the statistics with decoded names and formatted numbers. */
import { formatBytes, formatQuantile, formatTokens } from "../statistics/format.ts";
import type { LimitedCaller } from "../statistics/limits.ts";
import { nameOf } from "../statistics/names.ts";
import { histogramQuantile } from "../statistics/quantile.ts";
import type { Row } from "../statistics/rows.ts";
import type { ServerTotals } from "../statistics/servers.ts";
import type { Statistics } from "../statistics/statistics.ts";
import type { Cell, Now, Problem, ShownDecision, ShownRow, ShownServer } from "./data.ts";
import { rowKey, stateCounts } from "./names.ts";

/** The label value of tools and methods that have no value of their own. A tool with this name has another value. */
const OTHER = "_OTHER";

/** The number of callers that a limit's note names. */
const MAX_CALLERS = 3;

/** The page's texts for these statistics. */
export function shownStatistics(statistics: Statistics): Omit<Now, "run" | "time" | "problems" | "sessions"> {
  const { rows, servers, denials, limits, callers, queues } = statistics;
  return {
    rows: rows.map(shownRow),
    // Statistics without a server are those of the filter itself.
    servers: [...servers].filter(([name]) => name !== "").map(([name, totals]) => shownServer(name, totals)),
    denials: denials.map(({ server, rule, target, isShadow, count }) => ({
      count,
      server: nameOf(server),
      what: target === "" ? "a request" : nameOf(target),
      rule,
      note: isShadow ? "in shadow mode: not denied" : "",
    })),
    limits: limits.map(({ server, rule, requests, limited, isShadow }) => ({
      count: limited,
      server: nameOf(server),
      what: `of ${requests} requests`,
      rule,
      note: isShadow ? "in shadow mode: not limited" : callersOf(server, callers),
    })) satisfies ShownDecision[],
    queues: queues.map(({ server, rule, waiting, queued, waits }) => ({
      server: nameOf(server),
      rule,
      waiting,
      queued,
      p95: formatQuantile(0.95, 20, waits),
    })),
  };
}

function shownRow(row: Row): ShownRow {
  const { server, method, tool, calls, errors, cancelled, limited, tokensIn, tokensOut, bytes } = row;
  return {
    key: rowKey(row),
    server: nameOf(server),
    name: tool === "" ? (method === OTHER ? "other methods" : method) : tool === OTHER ? "other tools" : nameOf(tool),
    isTool: tool !== "",
    cells: {
      calls: plain(calls),
      errors: plain(errors),
      cancelled: plain(cancelled),
      limited: plain(limited),
      p50: quantile(row, 0.5, 10),
      p95: quantile(row, 0.95, 20),
      p99: quantile(row, 0.99, 100),
      tokensIn: { value: tokensIn, text: formatTokens(tokensIn) },
      tokensOut: { value: tokensOut, text: formatTokens(tokensOut) },
      bytes: { value: bytes, text: formatBytes(bytes) },
    },
  };
}

function plain(value: number): Cell {
  return { value, text: String(value) };
}

/** A percentile, which is exact enough only if there are `enough` values. Sorted as -1 without values. */
function quantile({ durations }: Row, q: number, enough: number): Cell {
  const found = histogramQuantile(q, durations);
  const value = found === undefined ? -1 : found.upper === Infinity ? found.lower : found.value;
  return { value, text: formatQuantile(q, enough, durations) };
}

function shownServer(name: string, totals: ServerTotals): ShownServer {
  const { sessionsActive, sessionsSeen, sessionsByState, tokens, definitionTokens } = totals;
  return {
    name: nameOf(name),
    sessionsActive,
    sessionsSeen,
    states: stateCounts(sessionsByState),
    tokensPerSession: formatTokens(sessionsSeen === 0 ? 0 : Math.round(tokens / sessionsSeen)),
    definitionTokens: formatTokens(definitionTokens),
  };
}

function callersOf(server: string, callers: readonly LimitedCaller[]): string {
  const mine = callers.filter((each) => each.server === server);
  const names = mine.slice(0, MAX_CALLERS).map(({ caller, limited }) => `${nameOf(caller)} ${limited}`);
  if (mine.length > names.length) names.push(`${mine.length - names.length} more`);
  return names.length === 0 ? "" : `callers: ${names.join(", ")}`;
}

/** The problems as the terminal shows them. `invalid` is the number of plugins with an invalid configuration. */
export function shownProblems(
  {
    errors,
    warnings,
    upstreams,
  }: { errors: readonly string[]; warnings: readonly string[]; upstreams: readonly string[] },
  invalid: number,
): Problem[] {
  const problems: Problem[] = upstreams.map((text) => ({ severity: "error", text }));
  if (errors.length > 0 || invalid > 0) {
    problems.push({ severity: "error", text: "The configuration is invalid and not in force." });
  }
  problems.push(...errors.map((text) => ({ severity: "error" as const, text })));
  problems.push(...warnings.map((text) => ({ severity: "warning" as const, text: `The configuration: ${text}` })));
  return problems;
}
