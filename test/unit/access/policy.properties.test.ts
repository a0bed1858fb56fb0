import assert from "node:assert/strict";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { itHolds } from "../property.ts";
import { decide, takePolicy } from "./policy.ts";
import { asked, rules } from "./policy-cases.ts";
import { applying, isDenied, type Rule } from "./policy-oracle.ts";

/** Whether messages decide nothing: a policy that asks who calls, and which server, and no more. */
function needsNoBody(rules: readonly Rule[]): boolean {
  return rules.every(({ action, mode, to, when = [] }) => {
    if (mode === "shadow") return true;
    if (to === undefined) return action === "ALLOW" && when.length === 0;
    return (
      when.length === 0 &&
      to.every(({ operation }) => Object.keys(operation).every((key) => /^(not)?servers$/i.test(key)))
    );
  });
}

describe("a policy", () => {
  const seen = { denied: 0, allowed: 0, byRule: 0, before: 0 };

  itHolds(
    "decides as its description says, and knows before the message only what is so whatever it says",
    4000,
    fc.property(
      rules,
      fc.constantFrom("ALLOW" as const, "DENY" as const),
      fc.array(asked, { minLength: 1, maxLength: 8 }),
      (rules, defaultAction, all) => {
        takePolicy({ rules, defaultAction });
        for (const asked of all) {
          const decided = decide(asked);
          const expected = isDenied(rules, defaultAction, asked);
          const expectedRules = applying(rules, asked);
          const shadows = (indices: number[]) => indices.filter((i) => rules[i].mode === "shadow");
          assert.deepEqual(shadows(decided.applying), shadows(expectedRules));
          assert.equal(decided.rule, expectedRules.find((i) => rules[i].mode !== "shadow") ?? -1);
          assert.equal(decided.isDenied, expected);
          if (decided.isAllowedBefore) assert.ok(!expected);
          const isAnswer = !("method" in asked.message);
          if (needsNoBody(rules) && !isAnswer) assert.equal(decided.isAllowedBefore, !expected);
          seen[expected ? "denied" : "allowed"]++;
          if (decided.rule >= 0) seen.byRule++;
          if (decided.isAllowedBefore) seen.before++;
        }
      },
    ),
  );

  it("was asked for all of it", () => {
    for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(500);
  });
});
