/** The start and the memory that a variant takes: of an Envoy of its own, as those of one process cannot be told apart. */
import { type BenchEnvoyOptions, startBenchEnvoy } from "./bootstrap.ts";
import { runLoad } from "./generator.ts";
import { cpuMicroseconds, residentBytes, resetPeak } from "./process-usage.ts";
import type { Variant } from "./variants.ts";
import type { Workload } from "./workloads.ts";

/** Resident memory of the process, and what its start took. */
export interface Memory {
  variant: string;
  /** Microseconds of CPU until it was ready: a module is loaded, compiled and configured for each thread by then. */
  startMicros: number;
  /** Before the first request. */
  idleBytes: number;
  /** The most that it was under each workload, one after the other. */
  peakBytes: Record<string, number>;
}

/** How to load it. */
export interface MemoryOptions extends Omit<BenchEnvoyOptions, "variants"> {
  workloads: readonly { workload: Workload; requests: number }[];
  connections: number;
}

const TIMEOUT_SECONDS = 60;

export async function measureMemory(variant: Variant, options: MemoryOptions): Promise<Memory> {
  const { workloads, connections, signal } = options;
  const envoy = await startBenchEnvoy({ ...options, variants: [variant] });
  try {
    const startMicros = cpuMicroseconds(envoy.pid);
    const idleBytes = residentBytes(envoy.pid).now;
    const peakBytes: Memory["peakBytes"] = {};
    for (const { workload, requests } of workloads) {
      resetPeak(envoy.pid);
      const url = envoy.urlOf(variant);
      await runLoad({ url, workload, requests, connections, timeoutSeconds: TIMEOUT_SECONDS, signal });
      peakBytes[workload.id] = residentBytes(envoy.pid).peak;
    }
    return { variant: variant.id, startMicros, idleBytes, peakBytes };
  } finally {
    await envoy.stop();
  }
}
