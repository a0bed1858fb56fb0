import assert from "node:assert/strict";
import { createHash } from "node:crypto";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { TestModule } from "../module.ts";
import { itHolds } from "../property.ts";

interface Exports {
  feed(at: number, length: number): void;
  finish(to: number): void;
}

const DIGEST = 32;

const module: TestModule<Exports> = new TestModule("sha256");
const to = module.exports.allocate(DIGEST);

function digest(pieces: readonly Uint8Array[]): string {
  for (const piece of pieces) module.lend(piece, (at, length) => module.exports.feed(at, length));
  module.exports.finish(to);
  return module.bytes(to, DIGEST).toString("hex");
}

const expected = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

describe("SHA-256", () => {
  it("is that of the standard's examples", () => {
    expect(digest([Buffer.from("abc")])).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect(digest([])).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  });

  it("is that of node:crypto for each length up to four blocks, cut at every byte around a block's border", () => {
    for (let length = 0; length <= 256; length++) {
      const bytes = Buffer.from(Array.from({ length }, (_, i) => (i * 7 + length) & 255));
      for (const cut of [0, 1, 55, 56, 63, 64, 65, 119, 128, length]) {
        expect(digest([bytes.subarray(0, cut), bytes.subarray(cut)])).toBe(expected(bytes));
      }
    }
  });

  it("is that of node:crypto for a mebibyte in pieces of any size", () => {
    const bytes = Buffer.alloc(1 << 20, "The quick brown fox jumps over the lazy dog. ");
    for (const size of [1 << 20, 65536, 4095, 61]) {
      const pieces: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
      expect(digest(pieces)).toBe(expected(bytes));
    }
  });

  itHolds(
    "is that of node:crypto however the bytes are cut",
    500,
    fc.property(fc.array(fc.uint8Array({ maxLength: 150, size: "max" }), { maxLength: 6 }), (pieces) => {
      assert.equal(digest(pieces), expected(Buffer.concat(pieces)));
    }),
  );
});
