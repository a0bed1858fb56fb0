import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { chunkSizes, cut, single } from "../chunks.ts";
import { itHolds } from "../property.ts";
import { readTestCorpora } from "./corpus-texts.ts";
import { KINDS, type Measured, TOKEN, estimate, measure, measureRepeated, memorySize } from "./meter.ts";

/** Default of `tokens.maxBytes`, in bytes. */
const HEAD = 1024;
const MEGABYTE = 1_000_000;

function text(words: string, length: number): Buffer {
  return Buffer.from(words.repeat(Math.ceil(length / words.length)).slice(0, length));
}

function costs(found: Partial<Record<number, number>>): number[] {
  return Array.from({ length: KINDS }, (_, kind) => found[kind] ?? 0);
}

/** How far the measured cost of a text is from what all of it costs. */
function errorOf(bytes: Uint8Array, bound: number): number {
  return measure(bound, [{ kind: 0, bytes }])[0] / estimate(bytes) - 1;
}

const PROSE = "The quick brown fox jumps over the lazy dog, and nobody knows why it would. ";
const JSON_ROWS = '{"id":1047,"name":"Anna Maria","isActive":true,"balance":-103.25,"tags":["a","b"]},\n';
const CODE = "export function add(a: i32, b: i32): i32 {\n  // Both of them.\n  return a + b;\n}\n\n";

describe("texts up to the bound", () => {
  const texts = [
    { kind: 0, bytes: text(PROSE, 5000) },
    { kind: 7, bytes: Buffer.from("é€😀 — „Grüße“") },
    { kind: 0, bytes: new Uint8Array() },
    { kind: 3, bytes: text(CODE, 3000) },
    { kind: 0, bytes: Buffer.from("one more") },
  ];

  it("cost exactly what the estimator says of each, kind by kind", () => {
    const [prose, symbols, , code, more] = texts.map(({ bytes }) => estimate(bytes));
    const expected = costs({ 0: prose + more, 3: code, 7: symbols });
    const total = texts.reduce((sum, { bytes }) => sum + bytes.length, 0);
    for (const bound of [total, total + 1, 2 ** 30]) {
      expect(measure(bound, texts)).toEqual(expected);
      expect(measure(bound, texts, single)).toEqual(expected);
    }
  });

  it("are texts of their own: what ends one does not go on in the next", () => {
    const halves = [Buffer.from("inter"), Buffer.from("national")];
    const [one, other] = halves.map(estimate);
    expect(one + other).not.toBe(estimate(Buffer.concat(halves)));
    expect(measure(100, [...halves.map((bytes) => ({ kind: 1, bytes }))])).toEqual(costs({ 1: one + other }));
  });

  it("cost nothing where there are none, or only empty ones", () => {
    expect(measure(100, [])).toEqual(costs({}));
    expect(measure(0, [{ kind: 2, bytes: new Uint8Array() }])).toEqual(costs({}));
  });

  it("are forgotten with the next message", () => {
    measure(10, [{ kind: 4, bytes: text(PROSE, 200_000) }]);
    expect(measure(10, [{ kind: 4, bytes: Buffer.from("word") }])).toEqual(costs({ 4: estimate(Buffer.from("word")) }));
  });
});

describe("a text beyond the head", () => {
  it.each([
    ["prose", PROSE],
    ["rows of JSON", JSON_ROWS],
    ["code", CODE],
    ["Chinese", "敏捷的棕色狐狸跳过了懒狗，没有人知道为什么。"],
    ["numbers", "3.14159 2.71828 1000000 "],
  ])("that is alike throughout, as %s, is less than 3 percent off", (_what, words) => {
    const bytes = Buffer.from(words.repeat(Math.ceil((2 * MEGABYTE) / Buffer.byteLength(words))));
    for (const bound of [0, 1000, 262_144]) expect(Math.abs(errorOf(bytes, bound))).toBeLessThan(0.03);
    expect(errorOf(bytes, 2 ** 30)).toBe(0);
  });

  it("that mixes much is less than 15 percent off", () => {
    const files = [
      "README.md",
      "package-lock.json",
      "docs/metrics.md",
      "docs/configuration.md",
      "CHANGELOG.md",
      "LICENSE",
    ];
    const all = files.map((file) => readFileSync(file));
    const bytes = Buffer.concat(Array.from({ length: 12 }, (_, i) => all[i % all.length]));
    expect(bytes.length).toBeGreaterThan(400_000);
    expect(Math.abs(errorOf(bytes, 0))).toBeLessThan(0.15);
  });

  it("is like the other texts of its message where nothing of its own was read", () => {
    const texts = [
      { kind: 0, bytes: text(PROSE, 4000) },
      { kind: 5, bytes: text(PROSE, 200) },
    ];
    const [prose, , , , , other] = measure(4000, texts);
    expect(prose).toBe(estimate(text(PROSE, 4000)));
    expect(other / 200 / (prose / 4000)).toBeCloseTo(1, 1);
  });

  it("of a kind whose texts are all in the head is exact, whatever others are", () => {
    const first = text(PROSE, 1000);
    const measured = measure(1000, [
      { kind: 1, bytes: first },
      { kind: 0, bytes: text(JSON_ROWS, 100_000) },
    ]);
    expect(measured[1]).toBe(estimate(first));
    expect(measured[0]).toBeGreaterThan(0);
  });

  it("costs a quarter of a token a byte where nothing is read at all", () => {
    expect(measure(0, [{ kind: 0, bytes: Buffer.from("~") }])).toEqual(costs({ 0: estimate(Buffer.from("~")) }));
  });
});

const corpora = (await readTestCorpora()).map(({ text }) => Buffer.from(text));

describe("the estimates of many messages", () => {
  const itWithTexts = it.skipIf(corpora.length === 0);
  const all = Buffer.concat(corpora);

  /** What cutting all texts into messages of this size gives: how far their sum is off, and each of them. */
  function errorsOf(bytes: Uint8Array, size: number, head: number): { sum: number; each: number[] } {
    const messages = cut(bytes, [size]).filter(({ length }) => length === size);
    const exact = messages.map(estimate);
    const sampled = messages.map((message) => measure(head, [{ kind: 0, bytes: message }])[0]);
    const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);
    return { sum: sum(sampled) / sum(exact) - 1, each: sampled.map((value, i) => value / exact[i] - 1) };
  }

  itWithTexts.each([
    [2048, 0.5],
    [8192, 0.2],
    [65_536, 0.15],
    [262_144, 0.15],
    [1_048_576, 0.15],
  ])("of %i bytes are right on average, and each is within a bound", (size, bound) => {
    const { sum, each } = errorsOf(all, size, HEAD);
    expect(Math.abs(sum)).toBeLessThan(0.02);
    expect(Math.max(...each.map(Math.abs))).toBeLessThan(bound);
  });

  itWithTexts("are right on average for every text", () => {
    for (const bytes of corpora.filter(({ length }) => length > 65_536)) {
      expect(Math.abs(errorsOf(bytes, 65_536, HEAD).sum)).toBeLessThan(0.15);
    }
  });

  // A row of words and a row of digits, which cost twice as much a byte: a sample with a fixed phase sees one of them.
  it.each([128, 256, 512, 1000, 1024, 2048, 4096, 65_536])("with rows of %i bytes are right on average", (length) => {
    const rows = [text(PROSE, length / 2), text("7302 ", length / 2)];
    const bytes = Buffer.concat(Array.from({ length: Math.ceil((48 * MEGABYTE) / length) }, () => rows).flat());
    for (const size of [65_536 + 1, 1_000_000]) {
      expect(Math.abs(errorsOf(bytes, size, HEAD).sum)).toBeLessThan(0.02);
    }
  });
});

describe("texts of any size", () => {
  const words = fc.constantFrom(PROSE, JSON_ROWS, CODE, "é€😀", "\n\n  ", "word", "=====", "敏捷的棕色", "7");
  const sizes = fc.oneof(
    { weight: 3, arbitrary: fc.nat({ max: 60 }) },
    { weight: 1, arbitrary: fc.nat({ max: 9000 }) },
    { weight: 1, arbitrary: fc.constantFrom(2047, 2048, 65_536, 150_000) },
  );
  const measured = fc
    .record({ kind: fc.nat({ max: KINDS - 1 }), words, size: sizes })
    .map(({ kind, words, size }): Measured => {
      const bytes = Buffer.from(words);
      return { kind, bytes: Buffer.alloc(size, bytes) };
    });
  const bounds = fc.oneof(fc.constantFrom(0, 1, 4096), fc.nat({ max: 20_000 }), fc.constant(2 ** 30));
  /** The last size is large, so that a text of many bytes does not come in too many chunks. */
  const chops = fc.oneof(chunkSizes, fc.constantFrom([4096], [1447, 1], [65_536], [100_000]));

  itHolds(
    "cost the same in any chunks, and not much more than they could",
    300,
    fc.property(bounds, fc.array(measured, { maxLength: 6 }), chops, (bound, texts, sizes) => {
      const whole = measure(bound, texts);
      const coarse = sizes.length === 1 ? sizes : [...sizes, 3000];
      assert.deepEqual(
        measure(bound, texts, (bytes) => cut(bytes, coarse)),
        whole,
      );
      for (const [kind, cost] of whole.entries()) {
        const bytes = texts.filter((text) => text.kind === kind).reduce((sum, text) => sum + text.bytes.length, 0);
        assert(cost >= 0 && cost <= 4 * TOKEN * bytes, `${cost} for ${bytes} bytes`);
      }
    }),
  );
});

describe("a hundred megabytes", () => {
  it.each([0, 262_144])("are measured in flat memory, within 3 percent all the way; bound %i", (bound) => {
    const slice = Buffer.from(PROSE.repeat(900)).subarray(0, 65_536);
    measureRepeated(bound, slice, 2);
    const before = memorySize();
    const times = 1600;
    const after = measureRepeated(bound, slice, times);
    expect(memorySize()).toBe(before);
    const exact = estimate(slice) * times;
    const errors = after.map((cost, i) => Math.abs((cost * times) / (exact * (i + 1)) - 1));
    expect(Math.max(...errors)).toBeLessThan(0.03);
    // Beyond what 32 bits hold.
    expect(exact / TOKEN).toBeGreaterThan(20 * MEGABYTE);
    expect(exact).toBeGreaterThan(2 ** 34);
  });

  it("read to the last byte cost their sum", () => {
    const slice = text(CODE, 65_536);
    const times = 300;
    expect(measureRepeated(2 ** 30, slice, times)[times - 1]).toBe(estimate(slice) * times);
  });
});
