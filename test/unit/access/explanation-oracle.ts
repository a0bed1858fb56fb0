/** An independent implementation of explanations, from docs/access.md: for comparison, not for speed. */
import type { Asked, Failure } from "./policy.ts";
import {
  all,
  conditionsOf,
  isAnswer,
  type Operation,
  operationOf,
  ORDER,
  type Rule,
  type Source,
  sourceOf,
  targetOf,
  type Told,
} from "./policy-oracle.ts";

/** A part of a rule by its path, and whether it matches. */
export type Part = readonly [path: string, told: Told];

/** How closely a rule, a source or an operation matches a request. */
interface Nearness {
  readonly parts: readonly Part[];
  /** The number of parts that match, or count as matching. */
  readonly matched: number;
}

const SOURCE_FIELDS = ["anonymous", "principals", "notPrincipals", "trustDomains", "notTrustDomains"] as const;
const ADDRESS_FIELDS = ["ipBlocks", "notIpBlocks"] as const;
const TARGET_FIELDS = ["tools", "notTools", "prompts", "notPrompts", "resources", "notResources"] as const;
const OPERATION_FIELDS = ["methods", "notMethods", ...TARGET_FIELDS, "servers", "notServers"] as const;

/** The fields of a rule in the order in which its parts are named. */
export const PART_ORDER: readonly string[] = [
  ...SOURCE_FIELDS,
  ...ADDRESS_FIELDS,
  "claims",
  "to",
  "direction",
  ...OPERATION_FIELDS,
  "when",
];

/** The nearest ALLOW rule before the rule that decided; `decidedBy` -1: the default did. */
export function nearest(rules: readonly Rule[], asked: Asked, decidedBy: number): Failure | undefined {
  const candidates = rules.flatMap((rule, index) => {
    const isBefore = decidedBy < 0 || index < decidedBy;
    return isBefore && rule.action === "ALLOW" && rule.mode !== "shadow"
      ? [{ index, near: nearnessOf(rule, asked) }]
      : [];
  });
  if (candidates.length === 0) return undefined;
  const { index, near } = candidates.reduce((best, each) => (isNearer(each.near, best.near) ? each : best));
  const match = matchOf(near);
  return { rule: index, failed: failedOf(near.parts), isUnknown: match === "unknown" };
}

/** Whether a rule matches. */
export function ruleMatch(rule: Rule, asked: Asked): Told {
  return matchOf(nearnessOf(rule, asked));
}

/** The part that prevents a match of a rule; empty if it matches. */
export function ruleFailure(rule: Rule, asked: Asked): string {
  return failedOf(nearnessOf(rule, asked).parts);
}

/** All parts of a rule, in all its sources and operations. */
export function ruleParts(rule: Rule, asked: Asked): Record<string, Told> {
  const sources = (rule.from ?? []).flatMap(({ source }, i) => sourceNearness(source, i, asked).parts);
  const operations = operationsOf(rule, asked).flatMap(({ parts }) => parts);
  return Object.fromEntries([...sources, ...operations, ...conditionParts(rule, asked)]);
}

function failedOf(parts: readonly Part[]): string {
  const match = all(parts.map(([, told]) => told));
  return match === "yes" ? "" : parts.find(([, told]) => told === match)![0];
}

function matchOf({ parts }: Nearness): Told {
  return all(parts.map(([, told]) => told));
}

function isNearer(one: Nearness, other: Nearness): boolean {
  const missed = ({ parts }: Nearness) => parts.filter(([, told]) => told !== "yes").length;
  const ranks = [one, other].map((near) => [ORDER.indexOf(matchOf(near)), near.matched, -missed(near)]);
  const at = ranks[0].findIndex((rank, i) => rank !== ranks[1][i]);
  return at >= 0 && ranks[0][at] > ranks[1][at];
}

function nearestOf(all: readonly Nearness[]): Nearness {
  return all.reduce((best, each) => (isNearer(each, best) ? each : best));
}

function nearnessOf(rule: Rule, asked: Asked): Nearness {
  const sources = (rule.from ?? []).map(({ source }, i) => sourceNearness(source, i, asked));
  const source = sources.length ? nearestOf(sources) : { parts: [], matched: 0 };
  const operations = operationsOf(rule, asked);
  const operation = operations.length ? nearestOf(operations) : { parts: [], matched: 0 };
  const conditions = conditionParts(rule, asked);
  return {
    parts: [...source.parts, ...operation.parts, ...conditions],
    matched: source.matched + operation.matched + matchedOf(conditions),
  };
}

function matchedOf(parts: readonly Part[]): number {
  return parts.filter(([, told]) => told === "yes").length;
}

function sourceNearness(source: Source, index: number, asked: Asked): Nearness {
  const path = `from[${index}].source`;
  const parts: Part[] = [];
  for (const field of [...SOURCE_FIELDS, ...ADDRESS_FIELDS]) {
    if (source[field] !== undefined) parts.push([`${path}.${field}`, sourceOf({ [field]: source[field] }, asked)]);
  }
  source.claims?.forEach((claim, i) => parts.push([`${path}.claims[${i}]`, sourceOf({ claims: [claim] }, asked)]));
  return { parts, matched: matchedOf(parts) };
}

function operationsOf({ to, action }: Rule, asked: Asked): Nearness[] {
  if (to !== undefined) return to.map(({ operation }, i) => operationNearness(operation, i, asked));
  const isAbout = action === "DENY" || !isAnswer(asked);
  return isAbout ? [] : [{ parts: [["to", "no"]], matched: 0 }];
}

function operationNearness(operation: Operation, index: number, asked: Asked): Nearness {
  const path = `to[${index}].operation`;
  const direction = isAnswer(asked) ? "server_to_client" : "client_to_server";
  if ((operation.direction ?? "client_to_server") !== direction) {
    return { parts: [[`${path}.direction`, "no"]], matched: 0 };
  }
  const parts: Part[] = [];
  for (const field of OPERATION_FIELDS) {
    if (operation[field] === undefined) continue;
    parts.push([`${path}.${field}`, operationOf({ [field]: operation[field] }, asked)]);
  }
  const kind = TARGET_FIELDS.find((field) => operation[field] !== undefined);
  const isOfKind = kind !== undefined && kind.replace("not", "").toLowerCase() === `${targetOf(asked.message)[0]}s`;
  return { parts, matched: matchedOf(parts) + (isOfKind ? 1 : 0) };
}

function conditionParts({ when = [] }: Rule, asked: Asked): Part[] {
  return conditionsOf({ when }, asked).map((told, i): Part => [`when[${i}]`, told]);
}
