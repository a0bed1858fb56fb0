import assert from "node:assert/strict";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { type CatalogueExports, readCatalogue } from "../../../scripts/metrics/catalogue.ts";
import { TestModule } from "../module.ts";
import { itHolds } from "../property.ts";

interface Exports extends CatalogueExports {
  familyCount(): number;
  isGauge(family: number): number;
  methodCount(): number;
  lastRule(): number;
  nobody(): number;
  noCaller(): number;
  metric(...fields: Fields): bigint;
  series(server: number, method: number, kind: number, target: number): bigint;
}

type Fields = [
  family: number,
  server: number,
  caller: number,
  who: number,
  method: number,
  kind: number,
  target: number,
  first: number,
  second: number,
  third: number,
];

/** The highest that `labels.maxServers` and `labels.maxTools` allow, and the kinds of targets. */
const SERVERS = 64;
const TOOLS = 1024;
/** Callers with a label value of their own. */
const CALLERS = 64;
const KINDS = 2;
const module = new TestModule<Exports>("keys");
const keys = module.exports;
const catalogue = readCatalogue(keys, (at) => module.string(at));
const families = keys.familyCount();
const methods = keys.methodCount();

/** How many indices the values of each of a family's labels with closed sets have, one of which may stand for none. */
function ownSizes(family: number): number[] {
  return catalogue.families[family].labels
    .filter(({ name }) => name !== "mcp_role" && name !== "mcp_method_name")
    .flatMap(({ values }) => (values === undefined ? [] : [values.length + 1]));
}

/** The same for three labels: one index for each that the family lacks. */
function closedSizes(family: number): number[] {
  return [...ownSizes(family), 1, 1, 1];
}

describe("the key of a metric", () => {
  it("has room for all families and methods", () => {
    expect(catalogue.families.length).toBe(families);
    expect(module.string(keys.methodName(methods - 1))).not.toBe("");
    expect(() => keys.methodName(methods)).toThrow();
    expect(keys.nobody()).toBeGreaterThan(keys.lastRule());
  });

  it("has room for all labels with closed sets: two, and three of a gauge", () => {
    const tooMany = catalogue.families.filter((_, i) => ownSizes(i).length > (keys.isGauge(i) ? 3 : 2));
    expect(tooMany.map(({ name }) => name)).toEqual([]);
  });

  it("is another one for all labels that a family has, at either end of the other ranges", () => {
    const all = new Set<bigint>();
    let count = 0;
    for (let family = 0; family < families; family++) {
      const [firsts, seconds, thirds] = closedSizes(family);
      for (const [server, caller, who, method, kind, target] of [
        [0, 0, 0, 0, 0, 0],
        [SERVERS, 0, 0, 0, 0, 0],
        [0, keys.noCaller(), 0, 0, 0, 0],
        [0, CALLERS, 0, 0, 0, 0],
        [0, 0, keys.nobody(), 0, 0, 0],
        [0, 0, keys.lastRule(), 0, 0, 0],
        [0, 0, 0, methods - 1, 0, 0],
        [0, 0, 0, 0, KINDS, 0],
        [0, 0, 0, 0, 0, TOOLS],
        [SERVERS, keys.noCaller(), keys.nobody(), methods - 1, KINDS, TOOLS],
      ]) {
        for (let first = 0; first < firsts; first++) {
          for (let second = 0; second < seconds; second++) {
            for (let third = 0; third < thirds; third++, count++)
              all.add(keys.metric(family, server, caller, who, method, kind, target, first, second, third));
          }
        }
      }
    }
    expect(count).toBeGreaterThan(1000);
    expect(all.size).toBe(count);
  });

  const fields: fc.Arbitrary<Fields> = fc.tuple(
    fc.nat({ max: families - 1 }),
    fc.nat({ max: SERVERS }),
    fc.nat({ max: keys.noCaller() }),
    fc.nat({ max: keys.nobody() }),
    fc.nat({ max: methods - 1 }),
    fc.nat({ max: KINDS }),
    fc.nat({ max: TOOLS }),
    fc.nat({ max: 15 }),
    fc.nat({ max: 15 }),
    fc.nat({ max: 15 }),
  );

  itHolds(
    "is never shared by two sets of labels that differ in one of them, nor is that of a series",
    5000,
    fc.property(fields, fields, fc.nat({ max: 9 }), (one, values, at) => {
      const other: Fields = [...one];
      other[at] = values[at];
      assert.equal(keys.metric(...one) === keys.metric(...other), one[at] === other[at]);
      const [, server, , , method, kind, target] = one;
      const [, server2, , , method2, kind2, target2] = other;
      const isSame = server === server2 && method === method2 && kind === kind2 && target === target2;
      const series = keys.series(server, method, kind, target);
      assert.equal(series === keys.series(server2, method2, kind2, target2), isSame);
    }),
  );
});
