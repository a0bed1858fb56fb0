import assert from "node:assert/strict";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { TestModule } from "../module.ts";
import { itHolds } from "../property.ts";

interface Exports {
  ofHeader(at: number, length: number): bigint;
  ofText(at: number, length: number): bigint;
}

const module: TestModule<Exports> = new TestModule("mirrored");

const ofHeader = (value: string) =>
  module.lend(Buffer.from(value), (at, length) => module.exports.ofHeader(at, length));
const ofText = (text: string | Uint8Array) =>
  module.lend(Buffer.from(text), (at, length) => module.exports.ofText(at, length));
const encoded = (base64: string) => `=?base64?${base64}?=`;

const texts = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.string({ unit: "grapheme-ascii", maxLength: 300 }),
);

describe("a header that repeats a text of the body", () => {
  itHolds(
    "is the same as the text, as it is, or as base64 with or without padding",
    1000,
    fc.property(texts, (text) => {
      const expected = ofText(text);
      const base64 = Buffer.from(text).toString("base64");
      assert.equal(ofHeader(encoded(base64)), expected);
      assert.equal(ofHeader(encoded(base64.replace(/=+$/, ""))), expected);
      if (!text.startsWith("=?base64?")) assert.equal(ofHeader(text), expected);
    }),
  );

  itHolds(
    "of any bytes in base64 is what Node's decoder makes of it",
    1000,
    fc.property(fc.uint8Array({ maxLength: 400, size: "max" }), (bytes) => {
      assert.equal(ofHeader(encoded(Buffer.from(bytes).toString("base64"))), ofText(bytes));
    }),
  );

  itHolds(
    "is another for another text",
    1000,
    fc.property(texts, texts, (one, other) => {
      const [left, right] = [one, other].map((text) => Buffer.from(text).toString("base64"));
      // Lone surrogates are all written alike.
      assert.equal(ofText(one) === ofText(other), left === right);
      assert.equal(ofHeader(encoded(left)) === ofHeader(encoded(right)), left === right);
    }),
  );

  it.each([
    "=?base64?YQ",
    "=?base64?YQ=",
    "=?BASE64?YQ==?=",
    "=?base64?Y!==?=",
    "=?base64?Y-_=?=",
    "=?base64",
    "?=",
    "base64?YQ==?=",
  ])("is as it is written where it is no base64: %s", (value) => {
    expect(ofHeader(value)).toBe(ofText(value));
  });

  it("may be as long as headers are, and is never nothing", () => {
    for (const size of [0, 1, 3000, 4096]) {
      const text = "x".repeat(size);
      expect(ofHeader(encoded(Buffer.from(text).toString("base64")))).toBe(ofText(text));
      expect(ofText(text)).not.toBe(0n);
    }
    // A fast-check run found these two to be equal once (seed 349982647).
    expect(ofText("")).not.toBe(ofText("\u0001"));
    expect(ofHeader(encoded(""))).not.toBe(ofHeader(encoded("AQ==")));
    // What is too long to be decoded is compared as it is written.
    const long = encoded(Buffer.from("x".repeat(5000)).toString("base64"));
    expect(ofHeader(long)).toBe(ofHeader(long));
    expect(ofHeader(long)).not.toBe(ofText("x".repeat(5000)));
  });
});
