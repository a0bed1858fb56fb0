/** Formats numbers for tables: three digits and a unit. */
import { type Buckets, histogramQuantile } from "./quantile.ts";

const NOTHING = "–";
/** The marks before a percentile, which say how exact it is. */
export const MARKS = { interpolated: "~", atMost: "≤", beyond: ">" };

/** Formats a duration in milliseconds; a dash for undefined. */
export function formatDuration(ms: number | undefined): string {
  if (ms === undefined) return NOTHING;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return `${(ms / 1000).toFixed(ms < 100_000 ? 1 : 0)} s`;
}

export function formatBytes(bytes: number): string {
  return bytes < 1024 ? `${bytes} B` : inUnits(bytes, 1024, [" KiB", " MiB", " GiB", " TiB"]);
}

/** Formats a number of tokens; a dash for 0. */
export function formatTokens(tokens: number): string {
  if (tokens === 0) return NOTHING;
  return tokens < 1000 ? String(tokens) : inUnits(tokens, 1000, ["k", "M", "G"]);
}

function inUnits(amount: number, factor: number, units: string[]): string {
  let value = amount / factor;
  let unit = 0;
  for (; value >= factor && unit < units.length - 1; unit++) value /= factor;
  return `${value.toFixed(1)}${units[unit]}`;
}

/** A percentile of milliseconds: interpolated if there are `enough` values, otherwise the upper bound of its bucket. */
export function formatQuantile(q: number, enough: number, milliseconds: Buckets): string {
  const found = histogramQuantile(q, milliseconds);
  if (found === undefined) return formatDuration(undefined);
  const { lower, upper, value, count } = found;
  if (upper === Infinity) return MARKS.beyond + formatDuration(lower);
  return count < enough ? MARKS.atMost + formatDuration(upper) : MARKS.interpolated + formatDuration(value);
}
