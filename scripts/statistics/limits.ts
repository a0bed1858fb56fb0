/** Adds up what limits rejected. */
import type { Sample } from "./exposition.ts";

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

/** The rules that limited requests, ordered by server and then by limited requests, most first. */
export function readLimits(samples: readonly Sample[]): LimitTotals[] {
  const totals = new Map<string, LimitTotals>();
  for (const { name, labels, value } of samples) {
    if (name !== "mcp_limit_decisions_total") continue;
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

/** The callers whose requests were limited, ordered by server and then by limited requests, most first. */
export function readLimitedCallers(samples: readonly Sample[]): LimitedCaller[] {
  const callers = new Map<string, LimitedCaller>();
  for (const { name, labels, value } of samples) {
    const { mcp_server: server = "", mcp_caller: caller, mcp_outcome: outcome } = labels;
    if (name !== "mcp_operations_total" || outcome !== "limited" || caller === undefined) continue;
    const key = JSON.stringify([server, caller]);
    const counted = callers.get(key) ?? { server, caller, limited: 0 };
    counted.limited += value;
    callers.set(key, counted);
  }
  return inOrder([...callers.values()]);
}

function inOrder<Counted extends { server: string; limited: number }>(counted: Counted[]): Counted[] {
  return counted.sort((a, b) => (a.server === b.server ? b.limited - a.limited : a.server < b.server ? -1 : 1));
}
