import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { chunkSizes, cut, single } from "../chunks.ts";
import { itHolds } from "../property.ts";
import { KINDS, type Measured, TOKEN, estimate, measure, measureRepeated, memorySize, reference } from "./meter.ts";

const PERIOD = 65_536;
const SAMPLE = 4096;
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

describe("a text beyond the bound", () => {
  it("is exact as long as nothing of it is passed over", () => {
    const bytes = text(PROSE, 10_000 + SAMPLE);
    const exact = estimate(bytes.subarray(0, 10_000)) + estimate(bytes.subarray(10_000));
    expect(measure(10_000, [{ kind: 0, bytes }])).toEqual(costs({ 0: exact }));
    expect(measure(0, [{ kind: 0, bytes: bytes.subarray(0, SAMPLE) }])).toEqual(
      costs({ 0: estimate(bytes.subarray(0, SAMPLE)) }),
    );
  });

  it("of a kind of which nothing is passed over is exact, whatever others are", () => {
    const first = text(PROSE, 1000);
    const last = text(CODE, SAMPLE);
    const texts = [
      { kind: 1, bytes: first },
      { kind: 0, bytes: text(JSON_ROWS, 2 * PERIOD) },
      { kind: 2, bytes: last },
    ];
    const measured = measure(1000, texts);
    expect([measured[1], measured[2]]).toEqual([estimate(first), estimate(last)]);
    expect(measured[0]).toBeGreaterThan(0);
  });

  it("of which all is passed over costs what the sample of others is like", () => {
    const sampled = text(PROSE, SAMPLE);
    const texts = [
      { kind: 0, bytes: sampled },
      { kind: 5, bytes: text(PROSE, 50_000) },
    ];
    const rate = estimate(sampled) / SAMPLE;
    expect(measure(0, texts)).toEqual(costs({ 0: estimate(sampled), 5: Math.trunc(50_000 * rate) }));
  });

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
});

describe("texts of any size", () => {
  const words = fc.constantFrom(PROSE, JSON_ROWS, CODE, "é€😀", "\n\n  ", "word", "=====", "敏捷的棕色", "7");
  const sizes = fc.oneof(
    { weight: 3, arbitrary: fc.nat({ max: 60 }) },
    { weight: 1, arbitrary: fc.nat({ max: 9000 }) },
    { weight: 1, arbitrary: fc.constantFrom(SAMPLE, PERIOD - SAMPLE, PERIOD, PERIOD + 1, 150_000) },
  );
  const measured = fc
    .record({ kind: fc.nat({ max: KINDS - 1 }), words, size: sizes })
    .map(({ kind, words, size }): Measured => {
      const bytes = Buffer.from(words);
      return { kind, bytes: Buffer.alloc(size, bytes) };
    });
  const bounds = fc.oneof(fc.constantFrom(0, 1, SAMPLE, PERIOD), fc.nat({ max: 20_000 }), fc.constant(2 ** 30));
  /** The last size is large, so that a text of many bytes does not come in too many chunks. */
  const chops = fc.oneof(chunkSizes, fc.constantFrom([4096], [1447, 1], [65_536], [100_000]));

  itHolds(
    "cost what the bytes read are estimated at, and those passed over like the sample, in any chunks",
    300,
    fc.property(bounds, fc.array(measured, { maxLength: 6 }), chops, (bound, texts, sizes) => {
      const whole = measure(bound, texts);
      assert.deepEqual(whole, reference(bound, texts));
      const coarse = sizes.length === 1 ? sizes : [...sizes, 3000];
      assert.deepEqual(
        measure(bound, texts, (bytes) => cut(bytes, coarse)),
        whole,
      );
    }),
  );
});

describe("a hundred megabytes", () => {
  it.each([0, 262_144])("are measured in flat memory, and never cost less than before; bound %i", (bound) => {
    const slice = Buffer.from(PROSE.repeat(900)).subarray(0, PERIOD);
    measureRepeated(bound, slice, 2);
    const before = memorySize();
    const times = 1600;
    const after = measureRepeated(bound, slice, times);
    expect(memorySize()).toBe(before);
    expect(after.every((cost, i) => cost > (after[i - 1] ?? 0))).toBe(true);
    const exact = estimate(slice) * times;
    expect(Math.abs(after[times - 1] / exact - 1)).toBeLessThan(0.03);
    // Beyond what 32 bits hold.
    expect(exact / TOKEN).toBeGreaterThan(20 * MEGABYTE);
    expect(exact).toBeGreaterThan(2 ** 34);
  });

  it("read to the last byte cost their sum", () => {
    const slice = text(CODE, PERIOD);
    const times = 300;
    expect(measureRepeated(2 ** 30, slice, times)[times - 1]).toBe(estimate(slice) * times);
  });
});
