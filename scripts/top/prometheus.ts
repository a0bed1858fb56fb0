/** Reads the statistics of many Envoys from a Prometheus. */
import { numberOf, type Sample } from "../statistics/exposition.ts";
import { jsonAnswer, pageOf } from "./json-answer.ts";
import type { Durations, Reading, Source } from "./reading.ts";

/** The time that rates are averages of, as in the recording rules: Prometheus may scrape once a minute. */
const WINDOW_S = 300;
const SERVER = "mcp_role, mcp_server";
const TOOL = `${SERVER}, gen_ai_tool_name`;

const QUERIES = {
  mcp_operations_total: `sum by (${TOOL}, mcp_method_name, mcp_caller, mcp_outcome) (rate(mcp_operations_total[${WINDOW_S}s]))`,
  mcp_tokens_total: `sum by (${TOOL}, mcp_token_kind) (rate(mcp_tokens_total[${WINDOW_S}s]))`,
  mcp_operations_in_flight: `sum by (${SERVER}) (mcp_operations_in_flight)`,
  mcp_concurrency_in_flight: `sum by (${TOOL}) (mcp_concurrency_in_flight)`,
};
const DURATIONS = `sum by (${TOOL}, mcp_method_name, error_type, le) (increase(mcp_operation_duration_milliseconds_bucket[${WINDOW_S}s]))`;
/** Series with their labels in their names. */
const FLAT = `count({__name__=~"mcp_role___.*mcp_operations_total"})`;

interface Vector {
  status: "success";
  data: { result: { metric: Record<string, string>; value: [time: number, value: string] }[] };
}

/** The Prometheus at this address. */
export function prometheusSource(address: URL): Source {
  return {
    async read(): Promise<Reading> {
      const [buckets, ...families] = await Promise.all([
        query(address, "", DURATIONS),
        ...Object.entries(QUERIES).map(([name, expression]) => query(address, name, expression)),
      ]);
      const samples = families.flat();
      if (samples.length === 0) throw new Error(await reasonFor(address));
      return { seconds: WINDOW_S, samples, durations: durationsOf(buckets) };
    },
  };
}

/** Why there are no series. */
async function reasonFor(address: URL): Promise<string> {
  const flat = await query(address, "", FLAT);
  return flat.length > 0
    ? `The series at ${address.origin} have their labels in their names: add the rules of envoy/prometheus/relabel.yaml to the scrape configuration.`
    : `${address.origin} has no series of MCP from the last 5 minutes: scrape an Envoy with the filter, as envoy/prometheus/ shows, or read the Envoy with --admin.`;
}

async function query(address: URL, name: string, expression: string): Promise<Sample[]> {
  const url = pageOf(address, "/api/v1/query", { query: expression });
  const { status, json } = await jsonAnswer(url).catch((error: Error) => {
    throw new Error(
      `${error.message} Give the address of a Prometheus with --prometheus, or of an Envoy with --admin.`,
    );
  });
  const result = (json as Partial<Vector> | undefined)?.data?.result;
  if (!Array.isArray(result)) {
    throw new Error(`${url.origin} is not a Prometheus: ${url.pathname} answers ${status} without a result.`);
  }
  return result.map(({ metric, value }) => ({ name, labels: metric, value: numberOf(value[1]) }));
}

/** Turns cumulative buckets into bins, for each label set. */
function durationsOf(buckets: readonly Sample[]): Durations[] {
  const sets = new Map<string, { labels: Record<string, string>; bounds: [upper: number, cumulative: number][] }>();
  for (const {
    labels: { le = "", ...labels },
    value,
  } of buckets) {
    const key = JSON.stringify(Object.entries(labels).sort());
    const set = sets.get(key) ?? { labels, bounds: [] };
    set.bounds.push([numberOf(le), value]);
    sets.set(key, set);
  }
  return [...sets.values()].map(({ labels, bounds }) => {
    bounds.sort(([a], [b]) => a - b);
    const bins = bounds.map(([upper, cumulative], index) => {
      const [lower, below] = bounds[index - 1] ?? [0, 0];
      return { lower, upper, count: Math.max(0, cumulative - below) };
    });
    return { labels, bins: bins.filter(({ count }) => count > 0) };
  });
}
