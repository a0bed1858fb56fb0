/** Measures every variant with every workload, in rounds, so that other load on the machine affects all alike. */
import type { BenchEnvoy } from "./bootstrap.ts";
import { runLoad } from "./generator.ts";
import { cpuMicroseconds } from "./process-usage.ts";
import type { Variant } from "./variants.ts";
import type { Workload } from "./workloads.ts";

/** One cell of one round. */
export interface Sample {
  /** CPU time of the Envoy process per request, in microseconds. */
  cpu: number;
  /** Requests per second. */
  throughput: number;
  /** Latency in microseconds. */
  p50: number;
  p99: number;
  /** The fraction of one core that Envoy used. If it is well below 1, something else was the bottleneck. */
  envoyBusy: number;
  /** The fraction of one core that this process used, which is the upstream. */
  upstreamBusy: number;
}

/** A workload's samples by the variant's id, one for each round. */
export interface Measured {
  workload: Workload;
  /** Number of requests of each cell. */
  requests: number;
  samples: Record<string, Sample[]>;
}

/** Options of {@link measure}. */
export interface MeasureOptions {
  envoy: BenchEnvoy;
  variants: readonly Variant[];
  workloads: readonly Workload[];
  rounds: number;
  seconds: number;
  requests?: number;
  connections: number;
  rate?: number;
  /** Called with one line for each step that takes time. */
  progress: (line: string) => void;
  /** Called before each load. */
  onLoad: (variant: Variant, workload: Workload, requests: number) => void;
  signal?: AbortSignal;
}

const MAX_REQUESTS = 500_000;
/** Number of requests of the first cell, from which the number for the others is computed. */
const FIRST_REQUESTS = 64;
/** The fraction of a cell's requests that is run to warm up. */
const WARM_UP = 0.25;
/** A cell that takes this many times longer than planned is aborted. */
const PATIENCE = 60;

export async function measure(options: MeasureOptions): Promise<Measured[]> {
  const { variants, workloads, rounds, progress } = options;
  const results: Measured[] = [];
  for (const workload of workloads) {
    progress(`Warming up: ${workload.id}, ${workload.title}`);
    const requests = options.requests ?? (await findRequests(options, workload));
    const samples = Object.fromEntries(variants.map(({ id }) => [id, [] as Sample[]]));
    results.push({ workload, requests, samples });
    for (const variant of variants) await sample(options, variant, workload, Math.ceil(requests * WARM_UP));
  }
  for (let round = 0; round < rounds; round++) {
    for (const [index, { workload, requests, samples }] of results.entries()) {
      progress(`Round ${round + 1} of ${rounds}: ${workload.id}, ${requests} requests`);
      for (const variant of rotated(variants, round + index)) {
        samples[variant.id].push(await sample(options, variant, workload, requests));
      }
    }
  }
  return results;
}

/** The number of requests that fill the planned time of a cell. */
async function findRequests(options: MeasureOptions, workload: Workload): Promise<number> {
  const { throughput } = await sample(options, options.variants[0], workload, FIRST_REQUESTS);
  const requests = Math.min(MAX_REQUESTS, throughput * options.seconds);
  // The same number on each connection.
  return Math.max(2, Math.round(requests / options.connections)) * options.connections;
}

async function sample(
  { envoy, seconds, connections, rate, onLoad, signal }: MeasureOptions,
  variant: Variant,
  workload: Workload,
  requests: number,
): Promise<Sample> {
  onLoad(variant, workload, requests);
  const cpuBefore = cpuMicroseconds(envoy.pid);
  const upstreamBefore = process.cpuUsage();
  const timeoutSeconds = Math.max(30, seconds * PATIENCE);
  const url = envoy.urlOf(variant);
  const load = await runLoad({ url, workload, requests, connections, rate, timeoutSeconds, signal });
  const cpu = cpuMicroseconds(envoy.pid) - cpuBefore;
  const { user, system } = process.cpuUsage(upstreamBefore);
  return {
    cpu: cpu / requests,
    throughput: requests / load.seconds,
    ...load.latency,
    envoyBusy: cpu / 1e6 / load.seconds,
    upstreamBusy: (user + system) / 1e6 / load.seconds,
  };
}

function rotated<Item>(items: readonly Item[], by: number): Item[] {
  const start = by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}
