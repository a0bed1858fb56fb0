/** Which limits apply to a request: those that the filter asks about it, and that reject a second such request. */
import type { Plugin } from "../host/index.ts";
import type { CallerFacts } from "./caller.ts";
import type { Configuration, Rule } from "./configuration.ts";
import type { KeyPart, KeyValue } from "./key.ts";
import { labelsOf } from "./labels.ts";
import { type Field, isRejected, withRule } from "./probe.ts";
import type { Request } from "./request.ts";

/** An allowance of `amount` per period, and at most `burst` at once. */
export interface Rate {
  readonly amount: number;
  readonly per: string;
  readonly burst: number;
}

/** A rule that applies to a request, with the whole allowance that the request uses. */
export interface LimitReport {
  readonly name: string;
  readonly mode: "enforce" | "shadow";
  /** What the allowance belongs to; empty if all requests share it. */
  readonly key: readonly KeyValue[];
  readonly requests?: Rate;
  readonly tokens?: Rate & { readonly kinds: readonly string[] };
  /** Calls at one time. */
  readonly concurrency?: number;
  readonly repeats?: Rate;
  readonly queue?: { readonly maxWait: string; readonly maxLength: number };
}

/** The pseudo rule of the limits that adapt. */
export const ADAPTIVE = "_adaptive";

const MODEL_KINDS = ["result", "definitions", "prompt", "resource"];
const ONE: Readonly<Record<Field, unknown>> = {
  requests: { amount: 1, per: "1h" },
  repeats: { amount: 1, per: "1h" },
  concurrency: 1,
};

/** The rules that this plugin has asked about the only message that it has seen, in their order. */
export function askedRules(plugin: Plugin, { limits }: Configuration): { rules: Rule[]; isAdaptive: boolean } {
  const asked = new Set(labelsOf(plugin, "mcp_limit_decisions_total").map((labels) => labels.mcp_limit_rule));
  return { rules: (limits?.rules ?? []).filter(({ name }) => asked.has(name)), isAdaptive: asked.has(ADAPTIVE) };
}

/** What a rule limits about this request. `valueOf` finds the value of a part of its key. */
export function limitReport(
  rule: Rule,
  configuration: Configuration,
  caller: CallerFacts,
  request: Request,
  valueOf: (part: KeyPart) => KeyValue,
): LimitReport {
  const applies = (field: Field) =>
    rule[field] !== undefined && isLimitedBy(rule, field, configuration, caller, request);
  const isShadow = configuration.limits?.mode === "shadow" || rule.mode === "shadow";
  const tokens = rule.tokens as { kinds?: string[] } | undefined;
  const queue = rule.queue as { maxWait?: string; maxLength?: number } | undefined;
  return {
    name: rule.name,
    mode: isShadow ? "shadow" : "enforce",
    key: (rule.key as KeyPart[]).map(valueOf),
    ...(applies("requests") && { requests: rateOf(rule.requests) }),
    ...(tokens !== undefined && { tokens: { ...rateOf(tokens), kinds: tokens.kinds ?? MODEL_KINDS } }),
    ...(applies("concurrency") && { concurrency: rule.concurrency as number }),
    ...(applies("repeats") && { repeats: rateOf(rule.repeats) }),
    ...(queue !== undefined && !isShadow && { queue: { maxWait: "2s", maxLength: 100, ...queue } }),
  };
}

function rateOf(rate: unknown): Rate {
  const { amount, per, burst } = rate as { amount: number; per: string; burst?: number };
  return { amount, per, burst: burst ?? amount };
}

/** Whether the filter rejects a second such request while the first runs, if the rule has only this limit, of 1. */
function isLimitedBy(
  { from, to, key }: Rule,
  field: Field,
  configuration: Configuration,
  caller: CallerFacts,
  request: Request,
): boolean {
  const scope = { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
  const plugin = withRule(configuration, scope, key as KeyPart[], field, ONE[field]);
  return [1, 2].map(() => isRejected(plugin, caller, request))[1];
}
