/** Adds a reading up by server, tool or caller. */
import type { Sample } from "../statistics/exposition.ts";
import { isError, REPEATED_TOKENS, STOPPED } from "../statistics/outcomes.ts";
import type { Buckets } from "../statistics/quantile.ts";
import type { Dimension } from "./command.ts";
import type { Durations, Reading } from "./reading.ts";

/** What one server, tool or caller does. Rates are per second. */
export interface Activity {
  server: string;
  /** The tool's or the caller's name; empty for a server. Names are label values (docs/metrics.md). */
  name: string;
  /** Calls that reached the server. */
  calls: number;
  errors: number;
  /** Calls that a limit rejected. */
  limited: number;
  /** Estimated tokens; undefined for callers, as the metric does not have them. */
  tokens?: number;
  /** Calls that are in flight now; undefined if no metric tells. */
  inFlight?: number;
  /** Cumulative counts by upper bound in milliseconds; empty for callers. */
  durations: Buckets;
}

const LABEL: Record<Dimension, string | undefined> = {
  server: undefined,
  tool: "gen_ai_tool_name",
  caller: "mcp_caller",
};

/** The servers, tools or callers in all readings, in no order. Without those that did nothing. */
export function activitiesOf(readings: readonly Reading[], by: Dimension): Activity[] {
  const label = LABEL[by];
  const activities = new Map<string, Activity>();
  const bins = new Map<Activity, Durations["bins"]>();
  const activityOf = (labels: Record<string, string>): Activity | undefined => {
    const { mcp_server: server = "" } = labels;
    const name = label === undefined ? "" : labels[label];
    if (server === "" || name === undefined || (name === "" && label !== undefined)) return undefined;
    const key = JSON.stringify([server, name]);
    const found = activities.get(key) ?? { server, name, calls: 0, errors: 0, limited: 0, durations: new Map() };
    activities.set(key, found);
    return found;
  };
  const isCounted = onlyServersOwn(readings);
  for (const { samples, durations } of readings) {
    for (const sample of samples) {
      const activity = isCounted(sample.labels) ? activityOf(sample.labels) : undefined;
      if (activity !== undefined) add(activity, sample, by);
    }
    for (const { labels, bins: added } of durations) {
      const activity = isCounted(labels) && !STOPPED.has(labels.error_type ?? "") ? activityOf(labels) : undefined;
      if (activity !== undefined) bins.set(activity, [...(bins.get(activity) ?? []), ...added]);
    }
  }
  for (const [activity, added] of bins) activity.durations = bucketsOf(added);
  return [...activities.values()].filter(({ calls, limited, inFlight = 0 }) => calls + limited + inFlight > 0);
}

/** Whether labels are to be counted. Where proxies at both ends of a call count it, only those of the server's end are. */
function onlyServersOwn(readings: readonly Reading[]): (labels: Record<string, string>) => boolean {
  const labels = readings.flatMap(({ samples }) => samples.map((sample) => sample.labels));
  const own = new Set(labels.filter(({ mcp_role: role }) => role === "server").map(({ mcp_server: server }) => server));
  return ({ mcp_role: role, mcp_server: server }) => role !== "client" || !own.has(server);
}

function add(activity: Activity, { name, labels, value }: Sample, by: Dimension): void {
  if (name === "mcp_operations_total") {
    const outcome = labels.mcp_outcome ?? "";
    if (outcome === "limited") activity.limited += value;
    if (STOPPED.has(outcome)) return;
    activity.calls += value;
    if (isError(outcome)) activity.errors += value;
  } else if (name === "mcp_tokens_total" && labels.mcp_token_kind !== REPEATED_TOKENS) {
    activity.tokens = (activity.tokens ?? 0) + value;
  } else if (name === (by === "server" ? "mcp_operations_in_flight" : "mcp_concurrency_in_flight")) {
    activity.inFlight = (activity.inFlight ?? 0) + value;
  }
}

/** Cumulative buckets with each bound of the bins. */
function bucketsOf(bins: Durations["bins"]): Buckets {
  const counts = new Map<number, number>();
  for (const { lower, upper, count } of bins) {
    counts.set(lower, counts.get(lower) ?? 0);
    counts.set(upper, (counts.get(upper) ?? 0) + count);
  }
  let below = 0;
  return new Map([...counts].sort(([a], [b]) => a - b).map(([bound, count]) => [bound, (below += count)]));
}
