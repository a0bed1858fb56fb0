/** All that a run found, as `--json` writes it, and how its figures are written for people. */
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
  /** Bytes of the messages. */
  requestBytes: number;
  responseBytes: number;
  /** Of each cell. */
  requests: number;
  cells: Cell[];
  /** By variant, a sample for each round. */
  samples: Record<string, Sample[]>;
}

/** Microseconds: three digits, and never less than a tenth. */
export function micros(value: number): string {
  if (Math.abs(value) < 100) return value.toFixed(1);
  return Math.abs(value) < 10_000 ? value.toFixed(0) : `${(value / 1000).toFixed(1)} ms`;
}

/** The median, with the quartiles behind it. */
export function withSpread({ median, low, high }: Spread, format: (value: number) => string): string {
  return `${format(median)} (${format(low)}–${format(high)})`;
}

/** A ratio; a dash where there is none. */
export function ratio(value: Spread | undefined): string {
  return value === undefined ? "–" : `${value.median.toFixed(2)} ×`;
}

export function mebibytes(bytes: number): string {
  return (bytes / (1 << 20)).toFixed(1);
}

/** Requests a second: three digits. */
export function rate(value: number): string {
  return value < 1000 ? value.toFixed(0) : `${(value / 1000).toFixed(1)} k`;
}
