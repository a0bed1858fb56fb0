import assert from "node:assert/strict";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { itHolds } from "../unit/property.ts";
import { readInput, show } from "./notation.ts";

describe("the notation of bytes", () => {
  const some = fc.oneof(
    fc.uint8Array({ maxLength: 8 }),
    fc.string({ unit: "binary", maxLength: 8 }).map((text) => Buffer.from(text)),
    fc
      .constantFrom("⟨", "⟩", "␊", "⟨cut⟩", "ab".repeat(20), "\0".repeat(20), "é".repeat(17))
      .map((text) => Buffer.from(text)),
  );

  itHolds(
    "shows them so that the same bytes are read",
    1000,
    fc.property(fc.array(some, { maxLength: 5 }), (parts) => {
      const bytes = Buffer.concat(parts);
      const shown = show(bytes);
      assert.deepEqual(readInput(shown), { bytes, cuts: [] });
      assert.ok(!shown.includes("\n"));
    }),
  );

  it("has no bytes for line breaks and cuts", () => {
    expect(readInput("a\nb⟨cut⟩⟨2 × c␊⟩⟨C3⟩")).toEqual({ bytes: Buffer.from("abc\nc\n\xc3", "latin1"), cuts: [2] });
  });

  it("has nothing else between brackets", () => {
    expect(() => readInput("⟨c3⟩")).toThrow("⟨c3⟩ is neither");
  });
});
