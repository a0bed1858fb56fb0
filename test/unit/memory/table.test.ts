import assert from "node:assert/strict";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { TestModule } from "../module.ts";
import { itHolds } from "../property.ts";

interface Exports {
  create(capacity: number): void;
  size(): number;
  get(key: bigint): bigint;
  set(key: bigint, value: bigint): void;
  remove(key: bigint): void;
  clear(): void;
}

const { exports: table } = new TestModule<Exports>("table");

/** The module passes 64-bit numbers, which JavaScript sees as signed. */
function get(key: bigint): bigint {
  return BigInt.asUintN(64, table.get(key));
}

const MAX = 2n ** 64n - 1n;

/** Few keys, so that they repeat, including the extremes. */
const keys = fc.oneof(
  { weight: 8, arbitrary: fc.bigInt({ min: 1n, max: 60n }) },
  { weight: 2, arbitrary: fc.bigInt({ min: 1n, max: 60n }).map((key) => (key << 58n) | 1n) },
  { weight: 1, arbitrary: fc.constantFrom(MAX, 2n ** 63n, 2n ** 32n) },
);

const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ set: keys, value: fc.bigInt({ min: 0n, max: MAX }) }) },
    { weight: 3, arbitrary: fc.record({ remove: keys }) },
    fc.record({ clear: fc.oneof({ weight: 40, arbitrary: fc.constant(false) }, fc.constant(true)) }),
  ),
  { maxLength: 300, size: "max" },
);

describe("a table", () => {
  itHolds(
    "holds what a Map holds",
    500,
    fc.property(fc.constantFrom(1, 2, 8, 64), steps, (capacity, steps) => {
      table.create(capacity);
      const model = new Map<bigint, bigint>();
      const seen = new Set<bigint>();
      for (const step of steps) {
        if ("set" in step) {
          table.set(step.set, step.value);
          model.set(step.set, step.value);
          seen.add(step.set);
        } else if ("clear" in step) {
          if (!step.clear) continue;
          table.clear();
          model.clear();
        } else {
          table.remove(step.remove);
          model.delete(step.remove);
        }
        assert.equal(table.size(), model.size);
      }
      for (const key of seen) assert.equal(get(key), model.get(key) ?? 0n, `key ${key}`);
    }),
  );

  it("is empty at first", () => {
    table.create(64);
    expect(get(1n)).toBe(0n);
    table.remove(1n);
    expect(table.size()).toBe(0);
  });

  it("grows, and empties again", () => {
    table.create(1);
    const count = 20_000;
    for (let key = 1; key <= count; key++) table.set(BigInt(key), BigInt(key * 3));
    expect(table.size()).toBe(count);
    for (let key = 1; key <= count; key++) expect(get(BigInt(key))).toBe(BigInt(key * 3));
    for (let key = 1; key <= count; key += 2) table.remove(BigInt(key));
    for (let key = 1; key <= count; key++) expect(get(BigInt(key))).toBe(key % 2 ? 0n : BigInt(key * 3));
    for (let key = 2; key <= count; key += 2) table.remove(BigInt(key));
    expect(table.size()).toBe(0);
  });

  it("needs no more memory if as many keys are added as removed", () => {
    table.create(64);
    const pages = (): number => table.memory!.buffer.byteLength;
    const turn = (from: number): void => {
      for (let key = from; key < from + 64; key++) table.set(BigInt(key), 1n);
      for (let key = from; key < from + 64; key++) table.remove(BigInt(key));
    };
    turn(1);
    const before = pages();
    for (let from = 1; from < 200_000; from += 64) turn(from);
    expect(pages()).toBe(before);
    expect(table.size()).toBe(0);
  });
});
