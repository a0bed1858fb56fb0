import assert from "node:assert/strict";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { numbers, spellings } from "../json/documents.ts";
import { itHolds } from "../property.ts";
import { canonicalNumber } from "./numbers.ts";
import { alikeOf, idOf } from "./reader.ts";

describe("a request id", () => {
  it.each([
    ["1", "1.0", "10e-1", "0.1e1", "1E0", "0.001e+3", "1.000", "100e-02"],
    ["0", "-0", "0.0", "0e5", "-0.00e-7"],
    ["-1", "-1.0", "-10e-1"],
    ["100", "1e2", "1E+2", "100.0", "0.1e3"],
    ["9007199254740993", "9007199254740993.0", "9.007199254740993e15"],
    ["1e400", "10e399", "0.1e401"],
    ['"a"', String.raw`"\u0061"`],
    ['"/é😀"', String.raw`"\/\u00e9\uD83D\uDE00"`],
    ["null", " null"],
  ])("is the same in every spelling: %s", (...same) => {
    expect(new Set(same.map(idOf)).size).toBe(1);
  });

  it("differs by value, sign, size, case and type", () => {
    const different = [
      ...["1", "-1", "2", "10", "0", "0.1", "1.5", "11", "101", "1e10", "1e11", "1e-2", "123", "12", "1e400", "1e-400"],
      // Beyond the precision of a double.
      ...["9007199254740992", "9007199254740993", "18446744073709551616", "18446744073709551617"],
      ...['""', '"1"', '"1.0"', '"-1"', '" 1"', '"01"', '"null"', '"a"', '"A"', '"aa"', '"a\\u0000"', "null"],
    ];
    expect(new Set(different.map(idOf)).size).toBe(different.length);
  });

  it("may be longer than the stored part", () => {
    const long = "x".repeat(1000);
    expect(idOf(`"${long}"`)).toBe(idOf(`"\\u0078${long.slice(1)}"`));
    expect(idOf(`"${long}"`)).not.toBe(idOf(`"${long}x"`));
    expect(idOf(`"${long}"`)).not.toBe(idOf(`"y${long.slice(1)}"`));
  });

  it("differs from one that was chosen to collide with it", () => {
    const chosen = [
      // One FNV-1a hash.
      ['"8yn0iYCKYHlIj4-BwPqk"', '"GReLUrM4wMqfg9yzV3KQ"'],
      // Exponents that are too large to be computed.
      ["1e1234567891", "1e1234567892"],
      ["1e123456789", "1e1234567891"],
      ["1e1000000000", "1e9999999999"],
      // The bytes that are hashed for a number.
      ["1", '"\\u0000\\u0000\\u0000\\u0000\\u00001"'],
    ];
    for (const [one, other] of chosen) expect(idOf(one), one).not.toBe(idOf(other));
  });

  it.each([
    ["7", '"7"'],
    ['"7"', "7"],
    ['"\\u0037"', "7"],
    ["7.0", '"7"'],
    ["70e-1", '"7"'],
    ['"7.0"', "7"],
    ['"-7e0"', "-7"],
    ['"-0"', "0"],
    ["-12", '"-12"'],
    ['"0"', "0"],
    ['"9007199254740993"', "9007199254740993"],
  ])("%s is taken for %s", (one, other) => {
    expect(alikeOf(one)).toBe(idOf(other));
    expect(idOf(one)).not.toBe(idOf(other));
  });

  it("that is not a number, or not written like one, is not treated as a number", () => {
    for (const json of ['""', '"a"', '" 7"', '"7 "', '"07"', '"+7"', '"0x7"', '"7."', '"-"', '"1e"', "null", '"7a"']) {
      expect(alikeOf(json), json).toBe("");
    }
    expect(alikeOf(`"${"1".repeat(300)}"`)).toBe("");
  });

  it("is invalid if it is not a string, number or null", () => {
    expect(["true", "false", "{}", "[]", '["a"]'].map((json) => idOf(json).split(" ")[0])).toEqual(
      Array<string>(5).fill("Invalid"),
    );
  });

  itHolds(
    "that is a number and its text differ, but are taken for each other",
    300,
    fc.property(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), (value) => {
      assert.notEqual(idOf(`${value}`), idOf(`"${value}"`));
      assert.equal(alikeOf(`${value}`), idOf(`"${value}"`));
      assert.equal(alikeOf(`"${value}"`), idOf(`${value}`));
      assert.notEqual(idOf(`"${value}.0"`), idOf(`"${value}"`));
    }),
  );

  const short = numbers.filter((json) => json.length < 200);
  /** Few numbers written in many ways. */
  const alike = fc
    .tuple(
      fc.constantFrom("", "-"),
      fc.integer({ min: 0, max: 12 }),
      fc.integer({ min: 0, max: 3 }),
      fc.integer({ min: -2, max: 2 }),
    )
    .map(([sign, integer, zeros, power]) => `${sign}${integer}${zeros > 0 ? `.${"0".repeat(zeros)}` : ""}e${power}`);

  itHolds(
    "that is a number equals another just where the numbers are equal",
    1000,
    fc.property(fc.oneof(short, alike), fc.oneof(short, alike), (one, other) => {
      assert.equal(idOf(one) === idOf(other), canonicalNumber(one) === canonicalNumber(other));
      assert.equal(idOf(one), idOf(canonicalNumber(one)));
    }),
  );

  itHolds(
    "that is a string equals another just where the texts are equal",
    500,
    fc.property(spellings, spellings, (one, other) => {
      const bytes = (text: string): string => Buffer.from(text).toString("latin1");
      assert.equal(idOf(one.json), idOf(JSON.stringify(one.value)));
      assert.equal(idOf(one.json) === idOf(other.json), bytes(one.value) === bytes(other.value));
    }),
  );
});
