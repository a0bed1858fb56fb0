/** Summarizes samples: medians, spread, and ratios between variants of the same round. */
import type { Measured, Sample } from "./measure.ts";
import { oldIdOf } from "./variants.ts";

/** A median and the quartiles around it. */
export interface Spread {
  median: number;
  low: number;
  high: number;
}

/** A variant with a workload. Ratios are absent if their reference was not measured or costs nothing. */
export interface Cell {
  variant: string;
  cpu: Spread;
  /** CPU time in excess of that without a filter. */
  added?: Spread;
  /** The added CPU time divided by what the native filter adds. */
  addedToNative?: Spread;
  /** The total CPU time divided by that of the empty filter. */
  totalToFloor?: Spread;
  /** Total and added CPU time divided by those of the old module: see `--against`. */
  totalToOld?: Spread;
  addedToOld?: Spread;
  throughput: Spread;
  p50: Spread;
  p99: Spread;
  envoyBusy: Spread;
  upstreamBusy: Spread;
}

/** The cells of a workload, in the order of the variants. */
export function summarize({ samples }: Measured): Cell[] {
  const cpuOf = (id: string): number[] | undefined => samples[id]?.map(({ cpu }) => cpu);
  const none = cpuOf("none");
  const floor = cpuOf("floor");
  const native = added(cpuOf("native"), none);
  return Object.entries(samples).map(([variant, list]) => {
    const of = (key: keyof Sample) => spread(list.map((sample) => sample[key]));
    const cpu = list.map((sample) => sample.cpu);
    const old = cpuOf(oldIdOf(variant));
    const over = variant === "none" ? undefined : added(cpu, none);
    return {
      variant,
      cpu: of("cpu"),
      ...present("added", over),
      ...present("addedToNative", ratios(over, native)),
      ...present("totalToFloor", ratios(cpu, floor)),
      ...present("totalToOld", ratios(cpu, old)),
      ...present("addedToOld", ratios(over, added(old, none))),
      throughput: of("throughput"),
      p50: of("p50"),
      p99: of("p99"),
      envoyBusy: of("envoyBusy"),
      upstreamBusy: of("upstreamBusy"),
    };
  });
}

/** The median and the quartiles, interpolated between two values if necessary. */
export function spread(values: readonly number[]): Spread {
  return { median: quantile(values, 0.5), low: quantile(values, 0.25), high: quantile(values, 0.75) };
}

/** The quantile of `values` at this share, interpolated between two values if necessary. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  const place = share * (sorted.length - 1);
  const below = sorted[Math.floor(place)];
  return below + (sorted[Math.ceil(place)] - below) * (place % 1);
}

/** The differences to `base`, by round. */
function added(values?: readonly number[], base?: readonly number[]): number[] | undefined {
  if (values === undefined || base === undefined) return undefined;
  return values.map((value, round) => value - base[round]);
}

/**
 * The ratios to `base`, by round. Undefined unless the base is above 0 in each, because otherwise it is lost in noise.
 */
function ratios(values?: readonly number[], base?: readonly number[]): number[] | undefined {
  if (values === undefined || base === undefined || base.some((value) => value <= 0)) return undefined;
  return values.map((value, round) => value / base[round]);
}

function present<Key extends string>(key: Key, values?: readonly number[]): Partial<Record<Key, Spread>> {
  return values === undefined ? {} : ({ [key]: spread(values) } as Record<Key, Spread>);
}
