/** Reads and compares what Envoy says of MCP at /stats/prometheus. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Envoy } from "../../scripts/envoy/process.ts";
import { readSamples, type Sample } from "../../scripts/statistics/exposition.ts";

/** One line of the exposition. */
export type Metric = Sample;

/** Values by series; see {@link series}. */
export type Counts = Record<string, number>;

/** The labels that every family of a stream has in envoy.yaml's set-up. */
const COMMON = { mcp_role: "server", mcp_server: "mcp_upstream" };

const TICK_MS = 1000;
const FLUSH_MS = 1000;
/** A flush merges the workers' histograms by messages between threads. */
const MERGE_MS = 300;

/** The filter's own lines. Histograms are as of the last flush. */
export async function readMetrics(envoy: Envoy): Promise<Metric[]> {
  return readSamples(await envoy.stats(), "mcp_");
}

/** Waits for two ticks and a flush, after which all that has happened is to be read. */
export async function flushed(): Promise<void> {
  await sleep(2 * TICK_MS + FLUSH_MS + MERGE_MS);
}

/** The key of a series in {@link Counts}. The labels that all share are added; empty ones count as absent. */
export function series(name: string, labels: Record<string, string>): string {
  return seriesKey(name, { ...COMMON, ...labels });
}

function seriesKey(name: string, labels: Record<string, string>): string {
  const present = Object.entries(labels).filter(([, value]) => value !== "");
  return [name, ...present.map(([label, value]) => `${label}=${value}`).sort()].join(" ");
}

/** A name as a label's value: bytes other than ASCII letters, digits and `_-./:@+` are percent-encoded. */
export function labelValue(name: string): string {
  const encoded = (byte: number) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  return Array.from(Buffer.from(name), (byte) => {
    const character = String.fromCharCode(byte);
    return /[A-Za-z0-9_./:@+-]/.test(character) ? character : encoded(byte);
  }).join("");
}

/** Those of streams and operations alone: sessions have tests of their own. */
export function ofStreams(metrics: Metric[]): Metric[] {
  return metrics.filter(({ name }) => !/^mcp_sessions?_/.test(name));
}

/** The counters, and of the histograms how many values they hold. */
export function countsOf(metrics: Metric[]): Counts {
  const counted = metrics.filter(({ name }) => /_total$|_count$/.test(name));
  return Object.fromEntries(counted.map(({ name, labels, value }) => [seriesKey(name, labels), value]));
}

/** The counters alone, which are true at any time. */
export function countersOf(metrics: Metric[]): Counts {
  return countsOf(metrics.filter(({ name }) => name.endsWith("_total")));
}

/** What came to `before`; series that did not change are left out. */
export function added(before: Counts, after: Counts): Counts {
  const changes = Object.entries(after).map(([key, value]) => [key, value - (before[key] ?? 0)] as const);
  return Object.fromEntries(changes.filter(([, change]) => change !== 0));
}

/** Adds `amount` to a series. */
export function count(counts: Counts, name: string, labels: Record<string, string>, amount = 1): void {
  const key = series(name, labels);
  counts[key] = (counts[key] ?? 0) + amount;
}

/** The values that a label has in any of these metrics. */
export function valuesOf(metrics: Metric[], label: string): string[] {
  return [...new Set(metrics.flatMap(({ labels }) => (label in labels ? [labels[label]] : [])))].sort();
}
