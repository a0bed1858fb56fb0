/** Reads from /stats/prometheus what an access policy denied, and renders it as lines below the table. */
import colors from "picocolors";
import { readSamples } from "../envoy/exposition.ts";
import { nameOf } from "./names.ts";

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

/** The meanings of the built-in rule names. */
const SPECIAL_RULES: Record<string, string> = {
  _default: "no rule allows it",
  _refused: "the request cannot be decided; the log names the reason",
  _batch: "another message of its batch is denied",
  _closed: "there is no valid policy, so all MCP is denied",
};

/** The denials in all expositions, ordered by server and then by count, highest first. */
export function readDenials(expositions: readonly string[]): Denial[] {
  const denials = new Map<string, Denial>();
  for (const { labels, value } of expositions.flatMap((text) => readSamples(text, "mcp_access_decisions_total"))) {
    if (labels.mcp_access_action !== "deny" || value === 0) continue;
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

/** Renders one line per denial, at most `lines`, and the meanings of built-in rules. Returns "" if there are no denials. */
export function renderDenials(denials: readonly Denial[], lines = Infinity): string {
  if (denials.length === 0) return "";
  const shown = denials.slice(0, Math.max(1, lines));
  const counts = shown.map(({ count }) => String(count));
  const width = Math.max(...counts.map(({ length }) => length));
  const rows = shown.map(({ server, rule, target, isShadow }, index) => {
    const what = `${nameOf(server)}  ${target === "" ? "a request" : nameOf(target)}`;
    const mode = isShadow ? colors.dim(" in shadow mode: not denied") : "";
    return `  ${colors.red(counts[index].padStart(width))}  ${what}  by ${rule}${mode}`;
  });
  const left = denials.length - shown.length;
  if (left > 0) rows.push(colors.dim(`  and ${left} more`));
  const special = Object.keys(SPECIAL_RULES).filter((name) => shown.some(({ rule }) => rule === name));
  const meanings = special.map((name) => colors.dim(`  ${name}: ${SPECIAL_RULES[name]}`));
  return [colors.bold("denied"), ...rows, ...meanings].join("\n");
}
