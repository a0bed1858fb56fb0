/** Adds up, for each server, the sessions and the tokens. */
import type { Sample } from "./exposition.ts";
import { REPEATED_TOKENS } from "./outcomes.ts";

/** Totals of a server. */
export interface ServerTotals {
  sessionsActive: number;
  /** The number of active sessions by `mcp_session_state`. */
  sessionsByState: Record<string, number>;
  /** The number of sessions that started here, or started elsewhere and were first seen here later. */
  sessionsSeen: number;
  /** Estimated tokens that models wrote or read. */
  tokens: number;
  /** Estimated tokens of the listed definitions: tools, prompts and resources. */
  definitionTokens: number;
}

/** The totals by server. */
export function readServers(samples: readonly Sample[]): Map<string, ServerTotals> {
  const servers = new Map<string, ServerTotals>();
  for (const { name, labels, value } of samples) {
    if (!name.startsWith("mcp_")) continue;
    const server = labels.mcp_server ?? "";
    const totals = servers.get(server) ?? newTotals();
    servers.set(server, totals);
    if (name === "mcp_sessions_active") addSessions(totals, labels.mcp_session_state ?? "", value);
    else if (name === "mcp_sessions_started_total" || name === "mcp_sessions_adopted_total")
      totals.sessionsSeen += value;
    else if (name === "mcp_tokens_total" && labels.mcp_token_kind !== REPEATED_TOKENS) totals.tokens += value;
    else if (name === "mcp_definition_tokens") totals.definitionTokens += value;
  }
  return servers;
}

function newTotals(): ServerTotals {
  return { sessionsActive: 0, sessionsByState: {}, sessionsSeen: 0, tokens: 0, definitionTokens: 0 };
}

function addSessions(totals: ServerTotals, state: string, count: number): void {
  totals.sessionsActive += count;
  totals.sessionsByState[state] = (totals.sessionsByState[state] ?? 0) + count;
}
