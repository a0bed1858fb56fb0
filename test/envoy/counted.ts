/** What the filter counted of operations, notifications and what it could not read, in words. */
import { expect } from "vitest";
import type { Envoy } from "../../scripts/envoy/process.ts";
import { type Metric, readMetrics } from "./prometheus.ts";

/** Expects these operations (method, tool or prompt, outcome, JSON-RPC code: what there is of them) and notifications
 *  (direction, method), each as often as it is named, and no others; nor that anything could not be read. */
export async function expectCounted(envoy: Envoy, counted: readonly string[]): Promise<void> {
  const seen = async () => (await readMetrics(envoy)).flatMap(wordsOf).sort();
  await expect.poll(seen, { timeout: 5000 }).toEqual([...counted].sort());
}

function wordsOf({ name, labels, value }: Metric): string[] {
  const target = labels.gen_ai_tool_name ?? labels.gen_ai_prompt_name;
  const families: Record<string, (string | undefined)[]> = {
    mcp_operations_total: [labels.mcp_method_name, target, labels.mcp_outcome, labels.rpc_response_status_code],
    mcp_notifications_total: [labels.mcp_direction, labels.mcp_method_name],
    mcp_undecoded_total: ["undecoded", labels.mcp_reason],
  };
  const words = families[name];
  return words === undefined ? [] : Array<string>(value).fill(words.filter((word) => word).join(" "));
}
