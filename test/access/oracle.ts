/** A second implementation of the policy language, for values that a parser has read. */
import type { Shape } from "../fixtures/parsers/programs.ts";
import type { Condition, Operation, Policy, Rule, RuleAction, Scalar } from "./policies.ts";

/**
 * The part of a message that policies decide about. The programs below test/fixtures/parsers also define it as types.
 */
export const CALL_SHAPE: Shape = {
  method: null,
  id: null,
  params: {
    name: null,
    uri: null,
    taskId: null,
    ref: { type: null, name: null, uri: null },
    arguments: { path: null, count: null, force: null, options: { mask: null } },
  },
};

/** Whether a condition holds. As in the policy language, unknown never allows and always denies. */
const Match = { No: 0, Unknown: 1, Yes: 2 } as const;

type Target = readonly [kind: "tools" | "prompts" | "resources" | "none", name: unknown];

/** The policy's decision about a parsed message; undefined if it is not a call. */
export function verdict(policy: Policy, message: unknown): RuleAction | undefined {
  const method = member(message, "method");
  if (typeof method !== "string") return undefined;
  if (!mayBeId(member(message, "id"))) return "DENY";
  const verdicts = targetsOf(method, member(message, "params")).map((target) => {
    const rule = policy.rules.find((rule) => applies(rule, method, target, message));
    return rule?.action ?? policy.defaultAction;
  });
  return verdicts.includes("DENY") ? "DENY" : "ALLOW";
}

/**
 * Whether a value may be the id of a call, or missing: a string or an integer. Typed parsers do not accept null as an
 * id.
 */
function mayBeId(id: unknown): boolean {
  return id === undefined || id === null || typeof id === "string" || Number.isInteger(id);
}

/** The targets of a call: several if servers may differ. */
function targetsOf(method: string, params: unknown): Target[] {
  if (method === "tools/call") return [["tools", member(params, "name")]];
  if (method === "prompts/get") return [["prompts", member(params, "name")]];
  if (/^resources\/(?:read|subscribe|unsubscribe)$/.test(method)) return resourcesBy(member(params, "uri"));
  if (method !== "completion/complete") return [["none", undefined]];
  const ref = member(params, "ref");
  const [type, name, uri] = [member(ref, "type"), member(ref, "name"), member(ref, "uri")];
  if (type === "ref/prompt") return [["prompts", name]];
  if (type === "ref/resource") return [["resources", uri]];
  const targets: Target[] = [];
  if (typeof name === "string") targets.push(["prompts", name]);
  if (typeof uri === "string") targets.push(["resources", uri]);
  return targets.length > 0 ? targets : [["none", undefined]];
}

/**
 * The possible meanings of a resource's URI: some servers look it up in the form of a URL parser. A referenced template
 * is used as written.
 */
function resourcesBy(uri: unknown): Target[] {
  const isUrl = typeof uri === "string" && URL.canParse(uri);
  return [["resources", uri], ...(isUrl ? [["resources", new URL(uri).href] as const] : [])];
}

function applies(rule: Rule, method: string, target: Target, message: unknown): boolean {
  const operations = rule.to?.map(({ operation }) => matchOperation(operation, method, target)) ?? [Match.Yes];
  const conditions = rule.when?.map((condition) => matchCondition(condition, message)) ?? [];
  const match = Math.min(Math.max(...operations), ...conditions);
  return match === Match.Yes || (match === Match.Unknown && rule.action === "DENY");
}

function matchOperation(operation: Operation, method: string, [kind, name]: Target): number {
  let match = matchText(operation.methods, operation.notMethods, method);
  for (const [named, values, notValues] of [
    ["tools", operation.tools, operation.notTools],
    ["prompts", operation.prompts, operation.notPrompts],
    ["resources", operation.resources, operation.notResources],
  ] as const) {
    if (values === undefined && notValues === undefined) continue;
    if (kind !== named) return Match.No;
    match = Math.min(match, typeof name === "string" ? matchText(values, notValues, name) : Match.Unknown);
  }
  return match;
}

function matchCondition({ key, values, notValues }: Condition, message: unknown): number {
  let value: unknown = message;
  for (const name of ["params", "arguments", ...key.slice("mcp.arguments[".length, -1).split("][")]) {
    if (!isObject(value)) return Match.Unknown;
    value = member(value, name);
    if (value === undefined) return values === undefined ? Match.Unknown : Match.No;
  }
  return isPlain(value)
    ? Math.min(values ? matchAny(values, value) : Match.Yes, Match.Yes - matchAny(notValues ?? [], value))
    : Match.Unknown;
}

/** Whether a value is a scalar that cannot have been rounded. */
function isPlain(value: unknown): value is Scalar {
  if (typeof value === "number") return Number.isSafeInteger(value);
  return typeof value === "string" || typeof value === "boolean";
}

/** Whether a value matches one of these. Unknown if one of them has another type. */
function matchAny(patterns: readonly Scalar[], value: Scalar): number {
  const ofKind = patterns.filter((pattern) => typeof pattern === typeof value);
  if (ofKind.some((pattern) => globOf(String(pattern)).test(String(value)))) return Match.Yes;
  return ofKind.length < patterns.length ? Match.Unknown : Match.No;
}

function matchText(values: readonly Scalar[] = ["*"], notValues: readonly Scalar[] = [], text: string): number {
  const matches = (pattern: Scalar) => globOf(String(pattern)).test(text);
  return values.some(matches) && !notValues.some(matches) ? Match.Yes : Match.No;
}

const globs = new Map<string, RegExp>();

function globOf(pattern: string): RegExp {
  let glob = globs.get(pattern);
  if (glob === undefined) {
    const parts = pattern.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    glob = new RegExp(`^${parts.join("[^]*")}$`);
    globs.set(pattern, glob);
  }
  return glob;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function member(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}
