/** Adds up what an access policy denied. */
import type { Sample } from "./exposition.ts";

/** The messages and undecidable requests that one rule denied for one target. */
export interface Denial {
  server: string;
  rule: string;
  /** A tool, a prompt or a method; empty if the request was rejected without being read. */
  target: string;
  /** Only counted, not denied: the policy or the rule is in shadow mode. */
  isShadow: boolean;
  count: number;
}

/** The denials, ordered by server and then by count, highest first. */
export function readDenials(samples: readonly Sample[]): Denial[] {
  const denials = new Map<string, Denial>();
  for (const { name, labels, value } of samples) {
    if (name !== "mcp_access_decisions_total" || labels.mcp_access_action !== "deny" || value === 0) continue;
    const { mcp_server: server = "", mcp_access_rule: rule = "", mcp_access_mode: mode } = labels;
    const target = labels.gen_ai_tool_name || labels.gen_ai_prompt_name || labels.mcp_method_name || "";
    const key = JSON.stringify([server, rule, target, mode]);
    const denial = denials.get(key) ?? { server, rule, target, isShadow: mode === "shadow", count: 0 };
    denial.count += value;
    denials.set(key, denial);
  }
  return [...denials.values()].sort((a, b) =>
    a.server === b.server ? b.count - a.count : a.server < b.server ? -1 : 1,
  );
}
