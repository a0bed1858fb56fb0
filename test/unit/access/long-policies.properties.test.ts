import assert from "node:assert/strict";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { itHolds } from "../property.ts";
import { decide, takePolicy, type Asked } from "./policy.ts";
import { applying, type Operation, type Rule, type Source } from "./policy-oracle.ts";

/** As many as a policy can have. */
const RULES = 120;

/** Names that differ about the sixteenth byte, before it, or behind it, and at their ends. */
const STEMS = ["", "a", "remove_", "sixteen_bytes__", "sixteen_bytes___", "sixteen_bytes___and_more"];
const stem = fc.constantFrom(...STEMS);
const ending = fc.oneof(fc.nat(60).map(String), fc.constantFrom("", "\x01", "é"));
const name = fc.tuple(stem, ending).map(([start, end]) => start + end);
const pattern = fc
  .tuple(name, fc.constantFrom("", "", "", "*", "*_x", "*2"))
  .map(([start, end]) => start + end)
  .filter((text) => text.length > 0);
/** A URI that is plain: of any other nothing can be told. */
const uriOf = (text: string) => `a:${text.replace(/[^\w*]/g, "-")}`;
const uriPattern = pattern.map(uriOf);
const patterns = fc.array(fc.oneof(pattern, uriPattern), { minLength: 1, maxLength: 2 });

const TARGETS = ["tools", "notTools", "prompts", "notPrompts", "resources", "notResources"] as const;
const METHODS = [
  "tools/call",
  "tools/list",
  "prompts/get",
  "completion/complete",
  "resources/read",
  "ping",
  "tools/other",
];

const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ tools: patterns }) },
  {
    weight: 4,
    arbitrary: fc.tuple(fc.constantFrom(...TARGETS), patterns).map(([field, texts]) => ({ [field]: texts })),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      methods: fc.constantFrom<string[]>(["tools/*"], ["ping"], ["tools/list"], ["tools/other"]),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      methods: fc.constant<string[]>(["roots/list"]),
      direction: fc.constant("server_to_client" as const),
    }),
  },
);
const rules: fc.Arbitrary<Rule[]> = fc
  .array(
    fc.record(
      {
        action: fc.constantFrom("ALLOW" as const, "DENY" as const),
        mode: fc.constantFrom("enforce" as const, "enforce" as const, "shadow" as const),
        from: fc.constantFrom<{ source: Source }[]>(
          [{ source: { principals: ["spiffe://a/x"] } }],
          [{ source: { anonymous: true } }],
        ),
        to: fc.array(fc.record({ operation }), { minLength: 1, maxLength: 2 }),
      },
      { requiredKeys: ["action", "to"] },
    ),
    { minLength: RULES, maxLength: RULES },
  )
  .map((all) => all.map((rule, index) => ({ name: `r${index}`, ...rule })));

const asked: fc.Arbitrary<Asked> = fc
  .tuple(fc.constantFrom(...METHODS), name, fc.constantFrom("", "spiffe://a/x"))
  .map(([method, text, principal]) => ({
    principal,
    message: { jsonrpc: "2.0", id: 1, method, params: paramsOf(method, text) },
  }));

function paramsOf(method: string, text: string): object {
  if (method === "completion/complete") return { ref: { type: "ref/prompt", name: text } };
  return method === "resources/read" ? { uri: uriOf(text) } : { name: text };
}

describe("a long policy", () => {
  const decidedBy = new Set<number>();

  itHolds(
    "decides by the first rule that applies, wherever that is",
    300,
    fc.property(rules, fc.array(asked, { minLength: 10, maxLength: 10 }), (rules, all) => {
      takePolicy({ rules });
      for (const asked of all) {
        const { rule } = decide(asked);
        assert.equal(rule, applying(rules, asked).find((index) => rules[index].mode !== "shadow") ?? -1);
        decidedBy.add(rule);
      }
    }),
  );

  it("was decided by rules of all places", () => {
    expect(decidedBy.size).toBeGreaterThan(40);
    expect(Math.max(...decidedBy)).toBeGreaterThan(64);
  });
});
