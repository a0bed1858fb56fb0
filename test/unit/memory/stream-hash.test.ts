import assert from "node:assert/strict";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { chunkSizes, cut, halves, single } from "../chunks.ts";
import { TestModule } from "../module.ts";
import { itHolds } from "../property.ts";

interface Exports {
  begin(): void;
  feed(at: number, length: number): void;
  value(): bigint;
}

const module: TestModule<Exports> = new TestModule("stream_hash");

function hash(chunks: readonly Uint8Array[]): bigint {
  module.exports.begin();
  for (const chunk of chunks) module.lend(chunk, (at, length) => module.exports.feed(at, length));
  return BigInt.asUintN(64, module.exports.value());
}

/** Hashed data often differ in one byte only. */
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 100, size: "max" }),
  fc.array(fc.constantFrom(0, 1, 255), { maxLength: 40 }).map((values) => Uint8Array.from(values)),
);

describe("the hash of bytes in chunks", () => {
  it("is the same for all chunk boundaries in short texts", () => {
    for (let length = 0; length <= 40; length++) {
      const text = Uint8Array.from({ length }, (_, i) => i * 7);
      const expected = hash([text]);
      for (const chunks of halves(text)) expect(hash(chunks)).toBe(expected);
      expect(hash(single(text))).toBe(expected);
    }
  });

  itHolds(
    "is the same for any cut",
    2000,
    fc.property(bytes, chunkSizes, (text, sizes) => {
      const expected = hash([text]);
      assert.equal(hash(cut(text, sizes)), expected);
      assert.equal(hash(single(text)), expected);
    }),
  );

  itHolds(
    "may be asked for on the way, and is that of what came so far",
    300,
    fc.property(bytes, chunkSizes, (text, sizes) => {
      const expected = hash([text]);
      module.exports.begin();
      let length = 0;
      for (const chunk of cut(text, sizes)) {
        module.lend(chunk, (at, size) => module.exports.feed(at, size));
        length += chunk.length;
        const soFar = BigInt.asUintN(64, module.exports.value());
        if (length < text.length) assert.notEqual(soFar, expected);
        else assert.equal(soFar, expected);
      }
    }),
  );

  itHolds(
    "differs where a byte does, or where zero bytes come before or behind",
    1000,
    fc.property(
      bytes,
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      fc.integer({ min: 1, max: 20 }),
      (text, at, by, zeros) => {
        const hashes = new Set([
          hash([text]),
          hash([text, new Uint8Array(zeros)]),
          hash([new Uint8Array(zeros), text, Uint8Array.of(1)]),
        ]);
        assert.equal(hashes.size, 3);
        if (text.length === 0) return;
        const other = Uint8Array.from(text);
        other[at % text.length] ^= by;
        assert.notEqual(hash([other]), hash([text]));
      },
    ),
  );

  it("has few collisions: none in a million", () => {
    const seen = new Set<bigint>();
    const text = Buffer.alloc(12);
    for (let i = 0; i < 1_000_000; i++) {
      text.writeUInt32LE(i, i % 9);
      text.writeUInt8(i % 251, 11);
      seen.add(hash([text.subarray(0, 8 + (i % 5)), Buffer.from([i & 255, (i >> 8) & 255, (i >> 16) & 255])]));
    }
    expect(seen.size).toBe(1_000_000);
  });
});
