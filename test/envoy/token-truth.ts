/** Works out of recorded exchanges which tokens the filter must have counted. */
import { tokensOf } from "../estimator.ts";
import { type Passed, textsOfExchange } from "../fixtures/texts.ts";
import { count, type Counts } from "./prometheus.ts";
import type { Recorded } from "./recording.ts";
import { messagesOf } from "./truth.ts";

/** The texts of an exchange, as far as it has come: those of a call count when it ends. */
export function textsOf(exchange: Recorded): Passed[] {
  return textsOfExchange(exchange.ended === "open" ? "" : exchange.body, messagesOf(exchange));
}

/** All tokens of an exchange. */
export function tokensOfExchange(exchange: Recorded): number {
  return textsOf(exchange).reduce((sum, { texts }) => sum + tokensOf(texts), 0);
}

/** The counters of tokens after these exchanges. `isLabelled`: whether a name has a label value of its own. */
export function tokenTruthOf(exchanges: Recorded[], isLabelled: (name: string) => boolean): Counts {
  const counts: Counts = {};
  for (const { kind, texts, tool } of exchanges.flatMap(textsOf)) {
    const tokens = tokensOf(texts);
    if (tokens === 0) continue;
    const gen_ai_tool_name = tool === undefined ? "" : isLabelled(tool) ? tool : "_OTHER";
    const labels = { mcp_token_kind: kind, mcp_token_source: "estimated", gen_ai_tool_name };
    count(counts, "mcp_tokens_total", labels, tokens);
  }
  return counts;
}
