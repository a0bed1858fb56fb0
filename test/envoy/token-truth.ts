/** Works out of recorded exchanges which tokens the filter must have counted. */
import { tokensOfKind } from "../estimator.ts";
import { type Passed, textsOfExchange } from "../fixtures/texts.ts";
import { count, type Counts } from "./prometheus.ts";
import type { Recorded } from "./recording.ts";
import { messagesOf, type Wire, wireOf } from "./wire.ts";

/** The texts of each exchange, as far as it has come: those of a call count when it ends. */
export function textsByExchange(exchanges: readonly Recorded[]): Map<Recorded, Passed[]> {
  const posted = postedBySession(wireOf(exchanges));
  return new Map(exchanges.map((exchange) => [exchange, textsOf(exchange, posted.get(exchange))]));
}

/** All texts of all exchanges. */
export function textsOfAll(exchanges: readonly Recorded[]): Passed[] {
  return [...textsByExchange(exchanges).values()].flat();
}

/** The counters of tokens after these exchanges. `isLabelled`: whether a name has a label value of its own. */
export function tokenTruthOf(exchanges: readonly Recorded[], isLabelled: (name: string) => boolean): Counts {
  const counts: Counts = {};
  for (const { kind, texts, tool } of textsOfAll(exchanges)) {
    const tokens = tokensOfKind(kind, texts);
    if (tokens === 0) continue;
    const gen_ai_tool_name = tool === undefined ? "" : isLabelled(tool) ? tool : "_OTHER";
    const labels = { mcp_token_kind: kind, mcp_token_source: "estimated", gen_ai_tool_name };
    count(counts, "mcp_tokens_total", labels, tokens);
  }
  return counts;
}

function textsOf(exchange: Recorded, posted: readonly string[] = []): Passed[] {
  return textsOfExchange(exchange.ended === "open" ? "" : exchange.body, messagesOf(exchange), posted);
}

/** What was posted in the session of each GET stream, which may bring the answers. */
function postedBySession({ sent, received }: Wire): Map<Recorded, string[]> {
  const bySession = new Map<string, string[]>();
  for (const { session, text } of sent) {
    if (session !== null) bySession.set(session, [...(bySession.get(session) ?? []), text]);
  }
  const streams = received.filter(({ exchange, session }) => exchange.method === "GET" && session !== null);
  return new Map(streams.map(({ exchange, session }) => [exchange, bySession.get(session!) ?? []]));
}
