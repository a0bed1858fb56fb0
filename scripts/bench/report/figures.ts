/** All results of a run, as `--json` writes them, and the formatting of figures. */
import type { Environment } from "../environment.ts";
import type { Memory } from "../memory.ts";
import type { Sample } from "../measure.ts";
import type { Proof } from "../proof.ts";
import type { Cell, Spread } from "../summary.ts";

export interface Report {
  environment: Environment;
  settings: { rounds: number; connections: number; rate?: number };
  variants: { id: string; title: string }[];
  workloads: WorkloadReport[];
  memory: Memory[];
  proofs: Proof[];
}

export interface WorkloadReport {
  id: string;
  title: string;
  isMcp: boolean;
  /** Sizes of the messages in bytes. */
  requestBytes: number;
  responseBytes: number;
  /** Number of requests of each cell. */
  requests: number;
  cells: Cell[];
  /** The samples by variant, one for each round. */
  samples: Record<string, Sample[]>;
}

/** Formats microseconds: three digits, and at most one decimal. */
export function micros(value: number): string {
  if (Math.abs(value) < 100) return value.toFixed(1);
  return Math.abs(value) < 10_000 ? value.toFixed(0) : `${(value / 1000).toFixed(1)} ms`;
}

/** Formats the median, followed by the quartiles. */
export function withSpread({ median, low, high }: Spread, format: (value: number) => string): string {
  return `${format(median)} (${format(low)}–${format(high)})`;
}

/** Formats a ratio; a dash if there is none. */
export function ratio(value: Spread | undefined): string {
  return value === undefined ? "–" : `${value.median.toFixed(2)} ×`;
}

export function mebibytes(bytes: number): string {
  return (bytes / (1 << 20)).toFixed(1);
}

/** Formats requests per second with three digits. */
export function rate(value: number): string {
  return value < 1000 ? value.toFixed(0) : `${(value / 1000).toFixed(1)} k`;
}
