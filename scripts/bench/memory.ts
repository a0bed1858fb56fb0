/** Measures the start and the memory of a variant in a separate Envoy, because one process has only one total. */
import { type BenchEnvoyOptions, startBenchEnvoy } from "./bootstrap.ts";
import { runLoad } from "./generator.ts";
import { cpuMicroseconds, residentBytes, resetPeak } from "./process-usage.ts";
import type { Variant } from "./variants.ts";
import type { Workload } from "./workloads.ts";

/** Resident memory of the process, and CPU time of its start. */
export interface Memory {
  variant: string;
  /** CPU time in microseconds until the process was ready. By then the module is loaded, compiled and configured for
   *  each thread. */
  startMicros: number;
  /** Before the first request. */
  idleBytes: number;
  /** Peak under each workload, run one after the other. */
  peakBytes: Record<string, number>;
}

/** How to load the variant. */
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
