import assert from "node:assert/strict";

import fc from "fast-check";
import { expect, it } from "vitest";

import { TestModule } from "../module.ts";
import { itHolds } from "../property.ts";

interface Exports {
  create(length: number): void;
  put(index: number, value: bigint): void;
  nth(n: number): bigint;
}

const { exports } = new TestModule<Exports>("select");

/** The value at index `n` of the values in ascending order. */
function nth(values: bigint[], n: number): bigint {
  exports.create(values.length);
  values.forEach((value, index) => exports.put(index, value));
  return BigInt.asUintN(64, exports.nth(n));
}

const ascending = (values: bigint[]) => values.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
const numbers = fc.oneof(fc.bigInt({ min: 0n, max: 5n }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));

itHolds(
  "the value of a rank is that of the sorted values",
  2000,
  fc.property(fc.array(numbers, { minLength: 1, maxLength: 60, size: "max" }), fc.nat(), (values, at) => {
    const n = at % values.length;
    assert.equal(nth(values, n), ascending(values)[n]);
  }),
);

it.each([
  ["in order", (i: number) => i],
  ["in reverse", (i: number) => -i + 50_000],
  ["all the same", () => 7],
  ["few values", (i: number) => i % 3],
])("of many: %s", (_order, of) => {
  const values = Array.from({ length: 50_000 }, (_, i) => BigInt(of(i)));
  for (const n of [0, 1, 24_999, 49_999]) expect(nth(values, n)).toBe(ascending(values)[n]);
});
