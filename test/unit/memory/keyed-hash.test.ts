import assert from "node:assert/strict";

import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";

import { TestModule } from "../module.ts";
import { itHolds } from "../property.ts";

interface Exports {
  setKey(first: bigint, second: bigint): void;
  hash(at: number, length: number): bigint;
  streamHash(at: number, length: number): bigint;
  textHash(at: number, kept: number, total: number): bigint;
}

const module: TestModule<Exports> = new TestModule("keyed_hash");
const hash = (bytes: Uint8Array) => module.lend(bytes, (at, length) => module.exports.hash(at, length));
const streamHash = (bytes: Uint8Array) => module.lend(bytes, (at, length) => module.exports.streamHash(at, length));

/** Texts with one FNV-1a hash. */
const COLLIDING = ["8yn0iYCKYHlIj4-BwPqk", "GReLUrM4wMqfg9yzV3KQ"].map((text) => Buffer.from(text));

describe("a keyed hash", () => {
  beforeEach(() => module.exports.setKey(0x0706050403020100n, 0x0f0e0d0c0b0a0908n));

  itHolds(
    "depends on every bit of the key, and is the same in one piece and as a stream",
    500,
    fc.property(fc.uint8Array({ maxLength: 100, size: "max" }), fc.bigInt({ min: 0n, max: 127n }), (bytes, bit) => {
      const keys = [1n, 2n];
      module.exports.setKey(keys[0], keys[1]);
      const before = hash(bytes);
      assert.equal(streamHash(bytes), before);
      keys[Number(bit / 64n)] ^= 1n << (bit % 64n);
      module.exports.setKey(keys[0], keys[1]);
      assert.notEqual(hash(bytes), before);
      assert.equal(streamHash(bytes), hash(bytes));
    }),
  );

  it("differs for texts that collide without a key, and for zero bytes and one", () => {
    expect(hash(COLLIDING[0])).not.toBe(hash(COLLIDING[1]));
    expect(streamHash(COLLIDING[0])).not.toBe(streamHash(COLLIDING[1]));
    const ofNothing = hash(Buffer.from(""));
    for (let byte = 0; byte < 256; byte++) expect(hash(Buffer.from([byte]))).not.toBe(ofNothing);
  });

  it("of the beginning of a text differs from that of any whole text, or of another length", () => {
    const text = Buffer.from("x".repeat(256));
    const of = (kept: number, total: number) => module.lend(text, (at) => module.exports.textHash(at, kept, total));
    expect(of(256, 256)).toBe(hash(text));
    expect(new Set([of(256, 256), of(256, 257), of(256, 258), of(255, 257)]).size).toBe(4);
  });
});
