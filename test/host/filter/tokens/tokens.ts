/** The counted tokens, and the expected tokens. */
import type { Plugin } from "../../../../scripts/host/index.ts";
import { tokensOfKind } from "../../../estimator.ts";
import { countsBy, startFilter } from "../filter.ts";

/** The values of `mcp_tokens_total` by `kind tool`. */
export function tokenCounts(plugin: Plugin): Record<string, number> {
  return countsBy(plugin, "mcp_tokens_total", "mcp_token_kind", "gen_ai_tool_name");
}

/** The counted tokens of texts that a model reads or wrote. */
export function modelTokens(plugin: Plugin): number {
  const { metrics } = plugin.vm;
  return metrics.counter("mcp_tokens_total") - metrics.counter("mcp_tokens_total", { mcp_token_kind: "structured" });
}

/** Texts by `kind tool`. */
export type Texts = Record<string, unknown[]>;

/** The expected {@link tokenCounts} after these texts have passed. The texts of a kind are in one message. */
export function expected(texts: Texts, scale?: number): Record<string, number> {
  return Object.fromEntries(
    Object.entries(texts).map(([key, values]) => [key, tokensOfKind(key.split(" ")[0], values, scale)]),
  );
}

/** A proxy that knows the tool `echo`. */
export function start(tokens?: object): Plugin {
  return startFilter({ configuration: { labels: { tools: ["echo"] }, ...(tokens && { tokens }) } });
}
