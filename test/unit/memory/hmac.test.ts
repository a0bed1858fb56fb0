import assert from "node:assert/strict";
import { createHmac } from "node:crypto";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { TestModule } from "../module.ts";
import { itHolds } from "../property.ts";

interface Exports {
  setKey(at: number, length: number): void;
  write(at: number, length: number, to: number): void;
}

const CODE = 32;

const module: TestModule<Exports> = new TestModule("hmac");
const to = module.exports.allocate(CODE);

function code(key: string, message: Uint8Array): string {
  module.lend(Buffer.from(key), (at, length) => module.exports.setKey(at, length));
  module.lend(message, (at, length) => module.exports.write(at, length, to));
  return module.bytes(to, CODE).toString("hex");
}

const expected = (key: string, message: Uint8Array) => createHmac("sha256", key).update(message).digest("hex");

describe("HMAC-SHA-256", () => {
  it("is that of the standard's examples (RFC 4231, 4.3)", () => {
    expect(code("Jefe", Buffer.from("what do ya want for nothing?"))).toBe(
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    );
  });

  it("is that of node:crypto for keys around the size of a block", () => {
    for (let length = 0; length <= 130; length++) {
      const key = "k".repeat(length);
      const message = Buffer.alloc(length * 3, 7);
      expect(code(key, message)).toBe(expected(key, message));
    }
  });

  itHolds(
    "is that of node:crypto for any key and message",
    200,
    fc.property(fc.string({ unit: "grapheme", maxLength: 100 }), fc.uint8Array({ maxLength: 300 }), (key, message) =>
      assert.equal(code(key, message), expected(key, message)),
    ),
  );
});
