/** What the access policy decides about one message, and how each of its rules matches. */
import type { Plugin } from "../host/index.ts";
import type { Configuration, Rule } from "./configuration.ts";
import type { Driven } from "./drive.ts";
import { labelsOf } from "./labels.ts";

/** Whether a part of a rule matches: a field of a source or of an operation, or a condition. */
export type Match = "yes" | "no" | "unknown";

/** How a rule matches a message, as the filter reports it. */
export interface RuleReport {
  readonly name: string;
  readonly action: "ALLOW" | "DENY";
  readonly mode: "enforce" | "shadow";
  readonly applies: boolean;
  readonly decides: boolean;
  /** By path within the rule, like `from[0].source.principals`. */
  readonly parts: Readonly<Record<string, Match>>;
  /** The paths of the parts because of which the rule does not apply; empty if it applies. */
  readonly missed: readonly string[];
}

/** A decision of a rule that is in shadow mode, or of a policy in shadow mode. */
export interface ShadowDecision {
  readonly rule: string;
  readonly action: "allow" | "deny";
}

/** What the policy says about a message. */
export interface AccessReport {
  readonly mode: "enforce" | "shadow";
  /** The rule that decides; otherwise `_default`, `_pin`, `_refused` or `_unchecked`. */
  readonly rule: string;
  readonly action: "allow" | "deny";
  readonly rules: readonly RuleReport[];
  /** Rules that would decide if they were not in shadow mode. */
  readonly shadow: readonly ShadowDecision[];
}

/** Why a request is refused, and what is at fault. */
export interface Refusal {
  readonly reason: string;
  readonly member?: string;
  readonly header?: string;
}

/** A line of JSON in the filter's log. */
type Line = Readonly<Record<string, unknown>>;

const ALTERNATIVE = /^(from|to)\[\d+\]/;

/** What the policy decides about the only message that this plugin has seen. Undefined if it decides nothing. */
export function accessReport(plugin: Plugin, { state }: Driven, { access }: Configuration): AccessReport | undefined {
  const decisions = decisionsOf(plugin);
  if (decisions.length === 0) return undefined;
  const mode = access?.mode === "shadow" ? "shadow" : "enforce";
  const decidedBy = state.get("mcp.rule") ?? decisions[0].rule;
  const index = decisions.findIndex(
    ({ rule, mode: own }) => rule === decidedBy && (own === mode || access === undefined),
  );
  const [{ rule, action }] = decisions.splice(Math.max(index, 0), 1);
  return {
    mode,
    rule,
    action,
    rules: rulesOf(plugin, access?.rules ?? []),
    shadow: decisions.map(({ rule, action }) => ({ rule, action })),
  };
}

/** Why a request is refused, by a line about it; nothing if the line is about something else. */
export function refusalIn({ reason, member, header }: Line): Refusal[] {
  if (typeof reason !== "string") return [];
  return [{ reason, ...(typeof member === "string" && { member }), ...(typeof header === "string" && { header }) }];
}

/** The lines of the filter's log about an event. */
export function linesOf(plugin: Plugin, event: string): Line[] {
  const begin = `{"event":"${event}"`;
  const texts = plugin.vm.logs.map(({ message }) => message).filter((message) => message.startsWith(begin));
  return texts.map((text) => JSON.parse(text) as Line);
}

function decisionsOf(plugin: Plugin): { rule: string; mode: string; action: "allow" | "deny" }[] {
  return labelsOf(plugin, "mcp_access_decisions_total").map((labels) => {
    const action = labels.mcp_access_action === "deny" ? "deny" : "allow";
    return { rule: labels.mcp_access_rule, mode: labels.mcp_access_mode, action };
  });
}

/** A line of the log for each rule. A list in the answer has further lines, with names of its elements. */
function rulesOf(plugin: Plugin, rules: readonly Rule[]): RuleReport[] {
  const lines = linesOf(plugin, "mcp_access_rule").slice(0, rules.length);
  return lines.map((line) => {
    const { rule: name, action, mode, applies, decides, parts } = line as unknown as RuleReport & { rule: string };
    return { name, action, mode, applies, decides, parts, missed: missedBy(action, applies, parts) };
  });
}

/** The parts because of which a rule does not apply. One of several sources must match, and one of several operations. What
 *  cannot be determined counts as a match in a DENY rule. */
function missedBy(action: "ALLOW" | "DENY", applies: boolean, parts: RuleReport["parts"]): string[] {
  if (applies) return [];
  const fails = (path: string) => parts[path] === "no" || (parts[path] === "unknown" && action === "ALLOW");
  const paths = Object.keys(parts);
  const alternatives = new Map<string, Map<string, boolean>>();
  for (const path of paths) {
    const [alternative, group] = ALTERNATIVE.exec(path) ?? [];
    if (alternative === undefined) continue;
    const failing = alternatives.get(group) ?? new Map<string, boolean>();
    alternatives.set(group, failing.set(alternative, (failing.get(alternative) ?? false) || fails(path)));
  }
  return paths.filter((path) => {
    const group = ALTERNATIVE.exec(path)?.[1];
    const isMet = group !== undefined && [...alternatives.get(group)!.values()].includes(false);
    return fails(path) && !isMet;
  });
}
