import assert from "node:assert/strict";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { TestModule } from "../module.ts";
import { itHolds } from "../property.ts";

interface Exports {
  begin: () => void;
  value: (at: number, length: number) => void;
  notValue: (at: number, length: number) => void;
  end: () => void;
  match: (at: number, length: number, isCut: boolean) => number;
  matchNothing: () => number;
  beginConditions: () => void;
  addCondition: () => number;
  conditionMatches: (at: number, length: number) => bigint;
  conditionHash: () => bigint;
}

const MATCHES = ["no", "unknown", "yes"];
const module: TestModule<Exports> = new TestModule("patterns");
const { exports } = module;

/** Sets the patterns that are tested. */
function take(values: readonly string[], notValues: readonly string[] = []): void {
  exports.begin();
  for (const text of values) module.lend(Buffer.from(text), exports.value);
  for (const text of notValues) module.lend(Buffer.from(text), exports.notValue);
  exports.end();
}

const match = (text: string | Uint8Array, isCut = false) =>
  MATCHES[module.lend(Buffer.from(text), (at, length) => exports.match(at, length, isCut))];

/** What a pattern says, as a regular expression over bytes. */
function oracle(pattern: string): RegExp {
  const bytes = Buffer.from(pattern).toString("latin1");
  const parts = bytes.split("*").map((part) => part.replace(/[^\w]/g, (char) => `\\x${hex(char)}`));
  return new RegExp(`^${parts.join("[^]*")}$`);
}

const hex = (char: string) => char.charCodeAt(0).toString(16).padStart(2, "0");
const isMatch = (pattern: string, text: string) => oracle(pattern).test(Buffer.from(text).toString("latin1"));

const letters = fc.constantFrom("a", "b", "a", "/", "é", "?", ".", "A");
const texts = fc.array(letters, { maxLength: 9 }).map((all) => all.join(""));
const patterns = fc.array(fc.oneof(letters, fc.constant("*")), { maxLength: 7 }).map((all) => all.join(""));

describe("a pattern", () => {
  it.each([
    ["", "", "yes"],
    ["", "a", "no"],
    ["*", "", "yes"],
    ["*", "anything", "yes"],
    ["a*", "a", "yes"],
    ["a*", "ba", "no"],
    ["*a", "ba", "yes"],
    ["a*b*c", "aXbYbc", "yes"],
    ["a*b*c", "acb", "no"],
    ["**", "x", "yes"],
    ["/tmp/*", "/tmp/", "yes"],
    ["/tmp/*", "/tmpx/", "no"],
    ["a", "A", "no"],
    ["a?c", "abc", "no"],
    ["a.c", "abc", "no"],
    ["a\\*", "a*", "no"],
  ])("%j against %j: %s", (pattern, text, expected) => {
    take([pattern]);
    expect(match(text)).toBe(expected);
    take([], [pattern]);
    expect(match(text)).toBe(expected === "yes" ? "no" : "yes");
  });

  itHolds(
    "is what a regular expression says",
    3000,
    fc.property(patterns, texts, (pattern, text) => {
      take([pattern]);
      assert.equal(match(text) === "yes", isMatch(pattern, text));
      assert.notEqual(match(text), "unknown");
    }),
  );

  itHolds(
    "of lists: one of the values, and none of the others",
    2000,
    fc.property(fc.array(patterns, { maxLength: 3 }), fc.array(patterns, { maxLength: 3 }), texts, (yes, no, text) => {
      take(yes, no);
      const isOne = yes.length === 0 || yes.some((pattern) => isMatch(pattern, text));
      assert.equal(match(text) === "yes", isOne && !no.some((pattern) => isMatch(pattern, text)));
    }),
  );

  itHolds(
    "of a cut text is certain only if the missing rest cannot change it",
    3000,
    fc.property(patterns, texts, texts, letters, (pattern, text, rest, first) => {
      take([pattern]);
      const cut = match(text, true);
      if (cut !== "unknown") assert.equal(match(text + first + rest), cut);
      // What decides about anything that begins so, is known.
      if (pattern.indexOf("*") === pattern.length - 1 && text.length >= pattern.length) assert.notEqual(cut, "unknown");
      if (!pattern.includes("*") && (text.length >= pattern.length || !pattern.startsWith(text))) {
        assert.equal(cut, "no");
      }
    }),
  );

  it("takes time of no more than both lengths", () => {
    take([`${"a*".repeat(120)}b`]);
    const started = performance.now();
    for (let i = 0; i < 100; i++) expect(match("a".repeat(256))).toBe("no");
    expect(performance.now() - started).toBeLessThan(2000);
  });

  it.each([
    [[], [], "yes"],
    [["*"], [], "no"],
    [[], ["a"], "unknown"],
    [["*"], ["a"], "no"],
  ])("of nothing, with values %j and not %j: %s", (values, notValues, expected) => {
    take(values, notValues);
    expect(MATCHES[exports.matchNothing()]).toBe(expected);
  });
});

describe("conditions on clients' names", () => {
  it("are kept as two bits each, up to 31 of them", () => {
    exports.beginConditions();
    const lists = Array.from({ length: 31 }, (_, i) => (i % 3 === 0 ? ["claude*"] : i % 3 === 1 ? ["x"] : ["claude"]));
    lists.forEach((values, i) => {
      take(values);
      expect(exports.addCondition()).toBe(i);
    });
    const kept = module.lend(Buffer.from("claude-code"), (at, length) => exports.conditionMatches(at, length));
    const bits = lists.map((_, i) => MATCHES[Number((kept >> BigInt(i * 2)) & 3n)]);
    expect(bits).toEqual(lists.map((_, i) => (i % 3 === 0 ? "yes" : "no")));
    expect(kept).toBeLessThan(1n << 62n);
  });

  it("have a hash that depends on their texts and their order", () => {
    const hash = (...lists: [string[], string[]?][]) => {
      exports.beginConditions();
      for (const [values, notValues] of lists) {
        take(values, notValues);
        exports.addCondition();
      }
      return exports.conditionHash();
    };
    const all = [
      hash(),
      hash([["a"]]),
      hash([[], ["a"]]),
      hash([["a", "b"]]),
      hash([["ab"]]),
      hash([["a"]], [["b"]]),
      hash([["b"]], [["a"]]),
      hash([["a"], ["b"]]),
    ];
    expect(new Set(all).size).toBe(all.length);
    expect(hash([["a"]], [["b"]])).toBe(all[5]);
  });
});
