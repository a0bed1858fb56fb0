import assert from "node:assert/strict";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { TestModule } from "../module.ts";
import { itHolds } from "../property.ts";

interface Exports {
  timestamp(nanoseconds: bigint): number;
  number(value: bigint, width: number): number;
}

const module: TestModule<Exports> = new TestModule("timestamp");
const written = (nanoseconds: bigint) => JSON.parse(module.string(module.exports.timestamp(nanoseconds))) as string;

describe("a timestamp", () => {
  it.each([
    [0n, "1970-01-01T00:00:00.000Z"],
    [951_782_400_123_999_999n, "2000-02-29T00:00:00.123Z"],
    [951_868_799_999_999_999n, "2000-02-29T23:59:59.999Z"],
    [4_107_542_400_000_000_000n, "2100-03-01T00:00:00.000Z"],
    [1_798_761_599_999_000_000n, "2026-12-31T23:59:59.999Z"],
    [2n ** 64n - 1n, "2554-07-21T23:34:33.709Z"],
  ])("of %d is %s", (nanoseconds, text) => expect(written(nanoseconds)).toBe(text));

  itHolds(
    "is what Date writes",
    5000,
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (nanoseconds) => {
      assert.equal(written(nanoseconds), new Date(Number(nanoseconds / 1_000_000n)).toISOString());
    }),
  );
});

describe("a number", () => {
  it.each([
    [0n, 1, "0"],
    [7n, 3, "007"],
    [1234n, 3, "1234"],
    [2n ** 64n - 1n, 1, "18446744073709551615"],
    [5n, 20, "00000000000000000005"],
  ])("of %d with %i digits at least is %s", (value, width, text) => {
    expect(module.string(module.exports.number(value, width))).toBe(text);
  });
});
