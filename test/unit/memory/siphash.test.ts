import assert from "node:assert/strict";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { TestModule } from "../module.ts";
import { itHolds } from "../property.ts";

interface Exports {
  hash(key0: bigint, key1: bigint, at: number, length: number, rounds: number, finalRounds: number): bigint;
}

/** Rounds for each word and at the end: SipHash-2-4, and SipHash-1-3. */
const PAPERS: readonly [number, number] = [2, 4];
const FAST: readonly [number, number] = [1, 3];

const module: TestModule<Exports> = new TestModule("siphash");

function hash(key: Uint8Array, message: Uint8Array, [perWord, final] = PAPERS): bigint {
  const [key0, key1] = [0, 8].map((offset) => Buffer.from(key).readBigUInt64LE(offset));
  return BigInt.asUintN(
    64,
    module.lend(message, (at, length) => module.exports.hash(key0, key1, at, length, perWord, final)),
  );
}

function rotate(value: bigint, bits: bigint): bigint {
  return BigInt.asUintN(64, (value << bits) | (value >> (64n - bits)));
}

/** SipHash as section 2 of the paper defines it (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012). */
function sipHash(key: Uint8Array, message: Uint8Array, [perWord, final] = PAPERS): bigint {
  const [k0, k1] = [0, 8].map((offset) => Buffer.from(key).readBigUInt64LE(offset));
  const v = [
    k0 ^ 0x736f6d6570736575n,
    k1 ^ 0x646f72616e646f6dn,
    k0 ^ 0x6c7967656e657261n,
    k1 ^ 0x7465646279746573n,
  ] as const;
  let [v0, v1, v2, v3] = v;
  const rounds = (count: number): void => {
    for (let i = 0; i < count; i++) {
      v0 = BigInt.asUintN(64, v0 + v1);
      v2 = BigInt.asUintN(64, v2 + v3);
      v1 = rotate(v1, 13n) ^ v0;
      v3 = rotate(v3, 16n) ^ v2;
      v0 = rotate(v0, 32n);
      v2 = BigInt.asUintN(64, v2 + v1);
      v0 = BigInt.asUintN(64, v0 + v3);
      v1 = rotate(v1, 17n) ^ v2;
      v3 = rotate(v3, 21n) ^ v0;
      v2 = rotate(v2, 32n);
    }
  };
  const padded = Buffer.alloc(Math.floor(message.length / 8) * 8 + 8);
  padded.set(message);
  padded[padded.length - 1] = message.length % 256;
  for (let at = 0; at < padded.length; at += 8) {
    const word = padded.readBigUInt64LE(at);
    v3 ^= word;
    rounds(perWord);
    v0 ^= word;
  }
  v2 ^= 0xffn;
  rounds(final);
  return v0 ^ v1 ^ v2 ^ v3;
}

/** The bytes 00, 01, 02, …, of this length. */
function counting(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i);
}

describe("SipHash", () => {
  it("gives the values that its authors published", () => {
    const key = counting(16);
    expect(hash(key, counting(0))).toBe(0x726fdb47dd0e0e31n);
    expect(hash(key, counting(15))).toBe(0xa129ca6149be45e5n);
  });

  it("is the paper's for the key and messages of its test vectors", () => {
    const key = counting(16);
    for (let length = 0; length < 64; length++) {
      expect(hash(key, counting(length)), `${length} bytes`).toBe(sipHash(key, counting(length)));
    }
  });

  itHolds(
    "is the paper's for any key and message, with more rounds and with fewer",
    300,
    fc.property(
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      fc.uint8Array({ maxLength: 300, size: "max" }),
      fc.constantFrom(PAPERS, FAST),
      (key, message, rounds) => assert.equal(hash(key, message, rounds), sipHash(key, message, rounds)),
    ),
  );

  it("is that of Swift's standard library with fewer rounds", () => {
    // stdlib/SipHash: the first two of its vectors for SipHash-1-3.
    expect(hash(counting(16), counting(0), FAST)).toBe(0xabac0158050fc4dcn);
    expect(hash(counting(16), counting(1), FAST)).toBe(0xc9f49bf37d57ca93n);
  });
});
