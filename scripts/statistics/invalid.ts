/** Counts invalid configurations. */
import type { Sample } from "./exposition.ts";

/** The number of plugins with an invalid configuration. */
export function readInvalid(samples: readonly Sample[]): number {
  const gauges = samples.filter(({ name }) => name === "mcp_configuration_invalid");
  return gauges.reduce((sum, { value }) => sum + value, 0);
}
