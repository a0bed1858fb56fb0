/** Formats numbers for the table: three digits and a unit. */

const NOTHING = "–";

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
