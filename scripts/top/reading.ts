/** What `top` reads from a source of statistics. */
import type { Sample } from "../statistics/exposition.ts";

/** Observed durations of one label set. */
export interface Durations {
  labels: Record<string, string>;
  /** The number of durations in each range of milliseconds; the last upper bound may be Infinity. */
  bins: { lower: number; upper: number; count: number }[];
}

/** The filter's statistics over some time. */
export interface Reading {
  /** The seconds that counters and durations cover. */
  seconds: number;
  /** Counters (`…_total`) as increases per second, and gauges as they are. */
  samples: Sample[];
  durations: Durations[];
}

/** A place that has statistics. */
export interface Source {
  /** The next reading. Rejects with one sentence that says why there is none and what to do. */
  read(): Promise<Reading>;
}
