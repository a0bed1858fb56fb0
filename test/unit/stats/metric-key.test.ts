import assert from "node:assert/strict";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { TestModule } from "../module.ts";
import { itHolds } from "../property.ts";

interface Exports {
  familyCount(): number;
  methodCount(): number;
  lastRule(): number;
  nobody(): number;
  family(index: number): number;
  method(index: number): number;
  ownLabels(family: number, first: number, second: number): number;
  metric(...fields: Fields): bigint;
  series(server: number, method: number, kind: number, target: number): bigint;
}

type Fields = [
  family: number,
  server: number,
  who: number,
  method: number,
  kind: number,
  target: number,
  first: number,
  second: number,
];

/** The highest that `labels.maxServers` and `labels.maxTools` allow, and the kinds of targets. */
const SERVERS = 64;
const TOOLS = 1024;
const KINDS = 2;
const { exports: keys } = new TestModule<Exports>("keys");
const families = keys.familyCount();
const methods = keys.methodCount();

const isThere = (read: () => unknown) => {
  try {
    read();
    return true;
  } catch {
    return false;
  }
};

/** How many values a family's own label has; 1 where it has none. */
function valuesOf(labels: (index: number) => unknown): number {
  if (isThere(() => labels(1000))) return 1;
  return Array.from({ length: 1000 }).findIndex((_, i) => !isThere(() => labels(i)));
}

describe("the key of a metric", () => {
  it("has room for all families and methods", () => {
    expect(isThere(() => keys.family(families - 1))).toBe(true);
    expect(isThere(() => keys.family(families))).toBe(false);
    expect(isThere(() => keys.method(methods - 1))).toBe(true);
    expect(isThere(() => keys.method(methods))).toBe(false);
    expect(keys.nobody()).toBeGreaterThan(keys.lastRule());
  });

  it("is another one for all labels that a family has, at either end of the other ranges", () => {
    const all = new Set<bigint>();
    let count = 0;
    for (let family = 0; family < families; family++) {
      const firsts = valuesOf((first) => keys.ownLabels(family, first, 0));
      const seconds = valuesOf((second) => keys.ownLabels(family, 0, second));
      for (const [server, who, method, kind, target] of [
        [0, 0, 0, 0, 0],
        [SERVERS, 0, 0, 0, 0],
        [0, keys.nobody(), 0, 0, 0],
        [0, keys.lastRule(), 0, 0, 0],
        [0, 0, methods - 1, 0, 0],
        [0, 0, 0, KINDS, 0],
        [0, 0, 0, 0, TOOLS],
        [SERVERS, keys.nobody(), methods - 1, KINDS, TOOLS],
      ]) {
        for (let first = 0; first < firsts; first++) {
          for (let second = 0; second < seconds; second++, count++)
            all.add(keys.metric(family, server, who, method, kind, target, first, second));
        }
      }
    }
    expect(count).toBeGreaterThan(1000);
    expect(all.size).toBe(count);
  });

  const fields: fc.Arbitrary<Fields> = fc.tuple(
    fc.nat({ max: families - 1 }),
    fc.nat({ max: SERVERS }),
    fc.nat({ max: keys.nobody() }),
    fc.nat({ max: methods - 1 }),
    fc.nat({ max: KINDS }),
    fc.nat({ max: TOOLS }),
    fc.nat({ max: 15 }),
    fc.nat({ max: 15 }),
  );

  itHolds(
    "is never shared by two sets of labels that differ in one of them, nor is that of a series",
    5000,
    fc.property(fields, fields, fc.nat({ max: 7 }), (one, values, at) => {
      const other: Fields = [...one];
      other[at] = values[at];
      assert.equal(keys.metric(...one) === keys.metric(...other), one[at] === other[at]);
      const [, server, , method, kind, target] = one;
      const [, server2, , method2, kind2, target2] = other;
      const isSame = server === server2 && method === method2 && kind === kind2 && target === target2;
      const series = keys.series(server, method, kind, target);
      assert.equal(series === keys.series(server2, method2, kind2, target2), isSame);
    }),
  );
});
