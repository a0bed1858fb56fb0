import assert from "node:assert/strict";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { cut, chunkSizes, halves } from "../chunks.ts";
import { TestModule } from "../module.ts";
import { itHolds } from "../property.ts";

interface Exports {
  begin: () => void;
  feed: (at: number, length: number) => number;
  isComplete: () => number;
  beginDocument: () => void;
  writeRaw: (at: number, length: number) => void;
  writeText: (at: number, length: number) => void;
  writeBytes: (at: number, length: number) => void;
  documentAt: () => number;
  documentLength: () => number;
}

const module: TestModule<Exports> = new TestModule("utf8");
const { exports } = module;

function isUtf8(chunks: readonly Uint8Array[]): boolean {
  exports.begin();
  return chunks.every((chunk) => module.lend(chunk, exports.feed) !== 0) && exports.isComplete() !== 0;
}

function oracle(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** Bytes at which sequences change their meaning. */
const EDGES = [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee];
const edge = fc.constantFrom(...EDGES, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff);
const bytes = fc.oneof(
  fc.array(edge, { maxLength: 6 }).map((all) => Uint8Array.from(all)),
  fc.string({ unit: "binary", maxLength: 40 }).map((text) => Uint8Array.from(Buffer.from(text))),
  fc.tuple(fc.nat(40), fc.array(edge, { maxLength: 4 }), fc.nat(40)).map(([before, all, behind]) =>
    // Where sixteen bytes are passed at a time.
    Uint8Array.from([...Array<number>(before).fill(0x61), ...all, ...Array<number>(behind).fill(0x62)]),
  ),
);

describe("bytes are UTF-8", () => {
  itHolds(
    "just where TextDecoder takes them, in whatever chunks they come",
    20_000,
    fc.property(bytes, chunkSizes, (bytes, sizes) => {
      const expected = oracle(bytes);
      assert.equal(isUtf8([bytes]), expected);
      assert.equal(isUtf8(cut(bytes, sizes)), expected);
    }),
  );

  it("of all sequences of two bytes, and of three and four from the edges", () => {
    for (let first = 0; first < 256; first++) {
      for (let second = 0; second < 256; second++) {
        const pair = Uint8Array.of(first, second);
        expect(isUtf8([pair]), Buffer.from(pair).toString("hex")).toBe(oracle(pair));
      }
    }
    for (const first of EDGES.concat(0xef, 0xf0, 0xf4, 0xf5)) {
      for (const second of EDGES) {
        for (const third of [0x7f, 0x80, 0xbf, 0xc0]) {
          for (const fourth of [[], [0x7f], [0x80], [0xbf], [0xc0]]) {
            const sequence = Uint8Array.from([first, second, third, ...fourth]);
            expect(isUtf8([sequence]), Buffer.from(sequence).toString("hex")).toBe(oracle(sequence));
          }
        }
      }
    }
  });

  it("cut anywhere", () => {
    const text = Buffer.from(`${"a".repeat(20)}ä€😀${"b".repeat(20)}\u{10ffff}\ud7ff\ue000`);
    for (const [left, right] of halves(text)) {
      expect(isUtf8([left, right])).toBe(true);
      expect(isUtf8([left])).toBe(oracle(left));
    }
  });
});

describe("a document that is written", () => {
  const write = (parts: readonly [kind: "raw" | "text" | "bytes", text: string][]) => {
    exports.beginDocument();
    const writers = { raw: exports.writeRaw, text: exports.writeText, bytes: exports.writeBytes };
    for (const [kind, text] of parts) module.lend(Buffer.from(text), writers[kind]);
    return module.bytes(exports.documentAt(), exports.documentLength()).toString();
  };

  itHolds(
    "has texts that are read as what they were",
    2000,
    fc.property(fc.array(fc.string({ unit: "binary", maxLength: 300 }), { maxLength: 5 }), (texts) => {
      const wellFormed = texts.map((text) => Buffer.from(text).toString());
      const parts = wellFormed.flatMap((text, i): [["raw" | "text", string], ["raw" | "text", string]] => [
        ["raw", i === 0 ? "[" : ","],
        ["text", text],
      ]);
      assert.deepEqual(JSON.parse(write([...parts, ["raw", texts.length > 0 ? "]" : "[]"]])), wellFormed);
    }),
  );

  it("has no control characters, so that it is one line of a log", () => {
    const all = String.fromCharCode(...Array.from({ length: 128 }, (_, i) => i));
    const written = write([["text", all]]);
    expect(JSON.parse(written)).toBe(all);
    expect(written).toMatch(/^[ -~]*$/);
  });

  it("grows as it must, and begins anew", () => {
    const long = "x".repeat(5000);
    expect(
      write([
        ["bytes", long],
        ["raw", long],
        ["text", "\u0001".repeat(5000)],
      ]),
    ).toHaveLength(10_002 + 30_000);
    expect(write([["raw", "{}"]])).toBe("{}");
  });
});
