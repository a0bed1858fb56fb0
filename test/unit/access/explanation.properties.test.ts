import assert from "node:assert/strict";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { itHolds } from "../property.ts";
import { type Asked, type Explained, explain, takePolicy } from "./policy.ts";
import { asked, rules } from "./policy-cases.ts";
import { nearest, PART_ORDER, ruleFailure, ruleMatch, ruleParts } from "./explanation-oracle.ts";
import { isAnswer, ORDER, type Operation, type Rule, type Source } from "./policy-oracle.ts";

const policies = fc.tuple(rules, fc.constantFrom("ALLOW" as const, "DENY" as const));
const requests = fc.array(asked, { minLength: 1, maxLength: 6 });

describe("an explanation", () => {
  const seen: Record<string, number> = {};
  const count = (what: string) => (seen[what] = (seen[what] ?? 0) + 1);

  itHolds(
    "names the nearest rule and its failed part as its description says, and tells of each part whether it matches",
    2000,
    fc.property(policies, requests, ([rules, defaultAction], all) => {
      takePolicy({ rules, defaultAction });
      for (const asked of all) {
        const explained = explain(asked);
        if (explained.decided.rule === -9) continue;
        assert.deepEqual(explained.nearest, nearest(rules, asked, explained.decided.rule));
        rules.forEach((rule, i) => {
          const expected = {
            match: ruleMatch(rule, asked),
            failed: ruleFailure(rule, asked),
            parts: ruleParts(rule, asked),
          };
          assert.deepEqual(explained.rules[i], expected);
          count(expected.failed.replace(/\d/g, "#"));
        });
        const deciding = explained.rules.findIndex(({ match }, i) => {
          const { action, mode } = rules[i];
          return mode !== "shadow" && (match === "yes" || (match === "unknown" && action === "DENY"));
        });
        assert.equal(deciding, explained.decided.rule);
        if (explained.nearest === undefined) continue;
        count(explained.nearest.isUnknown ? "unknown" : "failed");
      }
    }),
  );

  it("was asked for parts of all kinds", () => {
    for (const part of ["principals", "notPrincipals", "trustDomains", "notTrustDomains", "anonymous"]) {
      expect(seen[`from[#].source.${part}`], part).toBeGreaterThan(0);
    }
    for (const part of ["ipBlocks", "notIpBlocks", "claims[#]"]) {
      expect(seen[`from[#].source.${part}`], part).toBeGreaterThan(0);
    }
    for (const part of ["methods", "notMethods", "tools", "prompts", "resources", "servers", "direction"]) {
      expect(seen[`to[#].operation.${part}`], part).toBeGreaterThan(0);
    }
    for (const part of ["to", "when[#]", "unknown", "failed"]) expect(seen[part], part).toBeGreaterThan(0);
  });

  let removed = 0;
  itHolds(
    "names a part without which the rule applies, or fails at a later part, or only for what is unknown",
    1000,
    fc.property(policies, requests, ([rules, defaultAction], all) => {
      for (const asked of all) {
        takePolicy({ rules, defaultAction });
        const { nearest } = explain(asked);
        if (nearest === undefined) continue;
        const rule = onlyTheFailing(rules[nearest.rule], nearest.failed);
        const path = nearest.failed.replace(/^(from|to)\[\d+\]/, "$1[0]");
        const before = explainAlone(rule, asked);
        assert.deepEqual([before.failed, before.match === "unknown"], [path, nearest.isUnknown]);
        const after = explainAlone(without(rule, path, asked), asked);
        removed++;
        if (after.match === "yes") continue;
        const isBetter = ORDER.indexOf(after.match) > ORDER.indexOf(before.match);
        const isLater = placeOf(after.failed, path) > placeOf(path, "");
        assert.ok(isBetter || isLater, `${path}, then ${after.failed}`);
      }
    }),
  );

  it("was asked for many of them", () => expect(removed).toBeGreaterThan(500));
});

/** How one rule matches, in a policy of its own. */
function explainAlone(rule: Rule, asked: Asked): Explained["rules"][number] {
  takePolicy({ rules: [rule] });
  return explain(asked).rules[0];
}

/** The rule without sources and operations other than the one that the failed part is in. */
function onlyTheFailing(rule: Rule, failed: string): Rule {
  const [, group, index] = /^(from|to)\[(\d+)\]/.exec(failed) ?? [];
  if (group === "from") return { ...rule, from: [rule.from![Number(index)]] };
  return group === "to" ? { ...rule, to: [rule.to![Number(index)]] } : rule;
}

/** The rule without the part at this path. */
function without(rule: Rule, path: string, asked: Asked): Rule {
  const direction = isAnswer(asked) ? "server_to_client" : "client_to_server";
  if (path === "to") return { ...rule, to: [{ operation: { direction } }] };
  const [, condition] = /^when\[(\d+)\]$/.exec(path) ?? [];
  if (condition !== undefined) return { ...rule, when: withoutItem(rule.when!, condition) };
  const [, field, claim] = /\.(\w+)(?:\[(\d+)\])?$/.exec(path)!;
  if (path.startsWith("to")) {
    const operation: Operation = { ...rule.to![0].operation, [field]: undefined };
    return { ...rule, to: [{ operation: { ...operation, direction } }] };
  }
  const { source } = rule.from![0];
  const claims = source.claims && withoutItem(source.claims, claim);
  const rest: Source = claim === undefined ? { ...source, [field]: undefined } : { ...source, claims };
  const isEmpty = Object.values(rest).every((value) => value === undefined);
  return { ...rule, from: isEmpty ? undefined : [{ source: rest }] };
}

/** The list without the item of this index; undefined where none is left, since empty lists are errors. */
function withoutItem<Item>(list: readonly Item[], index: string): Item[] | undefined {
  const left = list.filter((_, i) => i !== Number(index));
  return left.length > 0 ? left : undefined;
}

/** The place of a part among those of a rule with one source and one operation, once the part at `removed` is gone. */
function placeOf(part: string, removed: string): number {
  const [, list, index] = /^(.*(?:when|claims))\[(\d+)\]$/.exec(part) ?? [];
  const [, removedList, removedIndex] = /^(.*(?:when|claims))\[(\d+)\]$/.exec(removed) ?? [];
  const isBehind = list !== undefined && list === removedList && Number(index) >= Number(removedIndex);
  const field = part
    .split(".")
    .at(-1)
    .replace(/\[\d+\]$/, "");
  return PART_ORDER.indexOf(field) * 100 + Number(index ?? 0) + (isBehind ? 1 : 0);
}
