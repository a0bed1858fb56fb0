/** Reads what the terminal and the page show: the statistics of all Envoys, and the problems. */
import type { Envoy } from "../envoy/process.ts";
import { readStatistics, type Statistics } from "../statistics/statistics.ts";
import type { EnvoyLog } from "./envoy-log.ts";
import type { Problems } from "./problems.ts";
import type { UpstreamWatch } from "./upstream-watch.ts";

/** An Envoy, with the sources of information beyond its statistics. */
export interface Watched {
  envoy: Envoy;
  log: EnvoyLog;
  upstream: UpstreamWatch;
}

export interface Reading {
  statistics: Statistics;
  problems: Problems;
}

/** Reads everything once. An Envoy that does not answer has no statistics. */
export async function read(watched: readonly Watched[]): Promise<Reading> {
  const expositions = await Promise.all(watched.map(({ envoy }) => envoy.stats().catch(() => "")));
  const upstreams = await Promise.all(watched.map(({ upstream }, index) => upstream.check(expositions[index])));
  const distinct = (lines: string[]) => [...new Set(lines)];
  const problems = {
    errors: distinct(watched.flatMap(({ log }) => log.errors)),
    warnings: distinct(watched.flatMap(({ log }) => log.warnings)),
    upstreams: upstreams.filter((sentence) => sentence !== undefined),
  };
  return { statistics: readStatistics(expositions), problems };
}
