/** Reads the statistics of an Envoy from its admin address. */
import { decodeMetricName } from "../host/metric-name.ts";
import { jsonAnswer, pageOf } from "./json-answer.ts";
import type { Durations, Reading, Source } from "./reading.ts";

/** Milliseconds that a reading covers: Envoy publishes durations every 5 s by default. */
const WINDOW_MS = 10_000;
const PREFIX = "wasmcustom.";
const FILTER = `^wasmcustom\\..*mcp_(operations_total|tokens_total|operations_in_flight|concurrency_in_flight|build_info|operation_duration_milliseconds)$`;

/** All statistics at one time, by Envoy's own names, which contain the labels whether or not its bootstrap has tags. */
interface Totals {
  atMs: number;
  values: Map<string, number>;
  /** The number of durations by statistic and by bin. */
  bins: Map<string, Map<string, Bin>>;
}

interface Bin {
  lower_bound: number;
  width: number;
  count: number;
}

interface Page {
  stats: ({ name: string; value: number } | { histograms: { details?: { name: string; totals: Bin[] }[] } })[];
}

/** The Envoy at an admin address. A reading covers the last ten seconds, or the time since the first one. */
export function adminSource(address: URL): Source {
  const history: Totals[] = [];
  return {
    async read(): Promise<Reading> {
      const newest = await readTotals(address);
      history.push(newest);
      // The oldest one that is not older than the window; at least the one before.
      while (history.length > 2 && newest.atMs - history[0].atMs > WINDOW_MS) history.shift();
      return difference(history[0], newest);
    },
  };
}

/** What was counted between two times. A counter that has become less has begun again. */
function difference(before: Totals, after: Totals): Reading {
  const seconds = (after.atMs - before.atMs) / 1000;
  const samples = [...after.values].map(([stat, value]) => {
    const metric = metricOf(stat);
    if (!metric.name.endsWith("_total")) return { ...metric, value };
    return { ...metric, value: seconds === 0 ? 0 : increase(before.values.get(stat), value) / seconds };
  });
  const durations = [...after.bins].map(([stat, bins]): Durations => {
    const counted = [...bins].map(([key, { lower_bound: lower, width, count }]) => {
      return { lower, upper: lower + width, count: increase(before.bins.get(stat)?.get(key)?.count, count) };
    });
    return { labels: metricOf(stat).labels, bins: counted.filter(({ count }) => count > 0) };
  });
  return { seconds, samples, durations };
}

function increase(before = 0, after: number): number {
  return after < before ? after : after - before;
}

function metricOf(stat: string): { name: string; labels: Record<string, string> } {
  const { name, labels } = decodeMetricName(stat.slice(PREFIX.length));
  return { name, labels: { ...labels } };
}

async function readTotals(address: URL): Promise<Totals> {
  const url = pageOf(address, "/stats", { format: "json", histogram_buckets: "detailed", filter: FILTER });
  const { status, json } = await jsonAnswer(url).catch((error: Error) => {
    throw new Error(
      `${error.message} Give the admin address of an Envoy with --admin, or a Prometheus with --prometheus.`,
    );
  });
  const stats = (json as Partial<Page> | undefined)?.stats;
  if (!Array.isArray(stats)) {
    throw new Error(
      `${url.origin} is not the admin address of an Envoy: ${url.pathname} answers ${status} without statistics.`,
    );
  }
  if (stats.length === 0) {
    throw new Error(
      `The Envoy at ${url.origin} has no statistics of MCP: it does not run the filter, or not yet. The file envoy/envoy.yaml shows how to add it.`,
    );
  }
  const totals: Totals = { atMs: performance.now(), values: new Map(), bins: new Map() };
  for (const stat of stats) {
    if ("value" in stat) totals.values.set(stat.name, stat.value);
    else for (const { name, totals: bins } of stat.histograms.details ?? []) addBins(totals, name, bins);
  }
  return totals;
}

function addBins(totals: Totals, stat: string, bins: readonly Bin[]): void {
  totals.bins.set(stat, new Map(bins.map((bin) => [`${bin.lower_bound} ${bin.width}`, bin])));
}
