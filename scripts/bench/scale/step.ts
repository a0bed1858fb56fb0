/** Measures one step of one dimension with one variant, in a separate Envoy. */
import { setTimeout as sleep } from "node:timers/promises";
import { type BenchEnvoyOptions, type WasmFilter, startBenchEnvoy } from "../bootstrap.ts";
import { cpuMicroseconds, residentBytes } from "../process-usage.ts";
import { type Spread, spread } from "../summary.ts";
import type { Variant } from "../variants.ts";
import type { Dimension } from "./dimensions.ts";

export interface StepResult {
  dimension: string;
  step: number;
  variant: string;
  /** CPU time of the Envoy process per call, in microseconds. */
  cpu: Spread;
  residentBytes: number;
  /** Linear memory of the largest VM in bytes; absent if there is no VM. */
  vmBytes?: number;
}

export interface StepOptions extends Omit<BenchEnvoyOptions, "variants" | "concurrency" | "signal"> {
  rounds: number;
  requests: number;
  signal: AbortSignal;
}

/** The filter logs its memory on a tick, once per second. */
const TELL_MS = 1500;

export async function measureStep(
  dimension: Dimension,
  step: number,
  variant: Variant,
  { rounds, requests, ...options }: StepOptions,
): Promise<StepResult> {
  const concurrency = dimension.workersAt?.(step) ?? 1;
  const envoy = await startBenchEnvoy({ ...options, variants: [tellingMemory(variant)], concurrency });
  try {
    const { load, end } = await dimension.reach({ envoy, variant, requests, signal: options.signal }, step);
    try {
      // Warms up, and reaches the step again.
      await load();
      const costs: number[] = [];
      for (let round = 0; round < rounds; round++) {
        const before = cpuMicroseconds(envoy.pid);
        await load();
        costs.push((cpuMicroseconds(envoy.pid) - before) / requests);
      }
      await sleep(TELL_MS, undefined, { signal: options.signal });
      const memory = { residentBytes: residentBytes(envoy.pid).now, vmBytes: vmBytes(envoy.log()) };
      return { dimension: dimension.id, step, variant: variant.id, cpu: spread(costs), ...memory };
    } finally {
      end();
    }
  } finally {
    await envoy.stop();
  }
}

/** The variant; if it is our filter, it also logs the size of its VM's memory. */
function tellingMemory(variant: Variant): Variant {
  if (variant.proof !== "operations") return variant;
  return {
    ...variant,
    filter: async (shipped) => {
      const filter = (await variant.filter(shipped)) as WasmFilter;
      const { configuration } = filter.typed_config.config;
      configuration.value = JSON.stringify({ ...(JSON.parse(configuration.value) as object), log: "info" });
      return filter;
    },
  };
}

function vmBytes(log: string): number | undefined {
  const pages = [...log.matchAll(/memory: (\d+) pages of 64 KiB/g)].map(([, count]) => Number(count));
  return pages.length === 0 ? undefined : Math.max(...pages) * 65_536;
}
