/** What has been counted, and what must have been. */
import type { Plugin } from "../../index.ts";
import { tokensOfKind } from "../../../estimator.ts";
import { countsBy, startFilter } from "../filter.ts";

/** What `mcp_tokens_total` has counted, by kind and tool: `kind tool`. */
export function tokenCounts(plugin: Plugin): Record<string, number> {
  return countsBy(plugin, "mcp_tokens_total", "mcp_token_kind", "gen_ai_tool_name");
}

/** The tokens that have been counted of what a model reads or wrote. */
export function modelTokens(plugin: Plugin): number {
  const { metrics } = plugin.vm;
  return metrics.counter("mcp_tokens_total") - metrics.counter("mcp_tokens_total", { mcp_token_kind: "structured" });
}

/** Texts by `kind tool`. */
export type Texts = Record<string, unknown[]>;

/** What {@link tokenCounts} must be once these texts have passed, those of a kind in one message. */
export function expected(texts: Texts, scale?: number): Record<string, number> {
  return Object.fromEntries(
    Object.entries(texts).map(([key, values]) => [key, tokensOfKind(key.split(" ")[0], values, scale)]),
  );
}

/** A proxy that knows the tool `echo`. */
export function start(tokens?: object): Plugin {
  return startFilter({ configuration: { labels: { tools: ["echo"] }, ...(tokens && { tokens }) } });
}
