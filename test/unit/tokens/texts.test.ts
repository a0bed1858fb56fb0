import assert from "node:assert/strict";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { chunkSizes, cut, halves, single } from "../chunks.ts";
import { gaps, nodes, write } from "../json/documents.ts";
import { itHolds } from "../property.ts";
import { estimate } from "./meter.ts";
import { costOfValues } from "./texts.ts";

/** The default of `tokens.maxBytes`. */
const HEAD = 1024;
const ALL = 2 ** 30;
const MEGABYTE = 1_000_000;

const PROSE =
  'The report says "revenue grew by 4 %".\n\tTotals are in euro (€); see C:\\reports\\q3.xlsx — Zürich 😀.\n';
const TABLE = "1\t2\t3\t4\t5\t6\n7\t8\t9\t0\t1\t2\n";
const ROW = {
  id: 1047,
  name: "Anna Maria",
  isActive: true,
  note: 'said "yes"\n',
  balance: -103.25,
  tags: ["a", "b c"],
};

function repeated(text: string, size: number): string {
  return text.repeat(Math.ceil(size / text.length));
}

function json(value: unknown, indent?: number): Buffer {
  return Buffer.from(JSON.stringify(value, null, indent));
}

/** JSON that has no byte beyond ASCII, as many libraries write it by default. */
function asciiJson(value: unknown): Buffer {
  const escape = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return Buffer.from(JSON.stringify(value).replace(/[^\0-\x7f]/g, escape));
}

const rows = Array.from({ length: MEGABYTE / 100 }, (_, id) => ({ ...ROW, id }));

/** Each text in JSON, and where that differs in JSON without bytes beyond ASCII. */
const LONG: readonly [name: string, value: unknown, bytes: Buffer][] = [
  ["prose with escapes", repeated(PROSE, MEGABYTE)],
  ["a table, in which escapes are close to each other", repeated(TABLE, MEGABYTE)],
  ["JSON in a string", JSON.stringify(rows)],
  ["JSON in JSON in a string", JSON.stringify(JSON.stringify(rows))],
  ["rows", rows],
  ["line ends", "\n".repeat(MEGABYTE)],
  [
    "backslashes before what looks like code points, behind spaces",
    `${" ".repeat(1100)}${repeated("\\uqzx", MEGABYTE)}`,
  ],
  ["backslashes", `${repeated("q7", 1100)}${"\\".repeat(MEGABYTE)}`],
  ["backslashes in an object", { name: " ".repeat(1100), text: repeated("\\u7q", MEGABYTE) }],
].map(([name, value]) => [name as string, value, json(value)]);
const FORMS: typeof LONG = [
  ...LONG,
  ["prose with escapes, in ASCII", LONG[0][1], asciiJson(LONG[0][1])],
  ["rows, indented", rows, json(rows, 2)],
];

describe("a long text", () => {
  it.each(FORMS)("is less than 3 percent off: %s", (_name, value, bytes) => {
    const exact = estimate(Buffer.from(typeof value === "string" ? value : JSON.stringify(value)));
    expect(costOfValues(ALL, [bytes])).toBe(exact);
    expect(Math.abs(costOfValues(HEAD, [bytes]) / exact - 1)).toBeLessThan(0.03);
  });

  it.each(FORMS)("costs the same in any chunks: %s", (_name, _value, bytes) => {
    const part = bytes.subarray(0, 150_000);
    for (const head of [0, HEAD]) {
      const whole = costOfValues(head, [part]);
      for (const sizes of [[1], [3, 1], [61, 67], [1447, 1], [16_384], [65_536]]) {
        expect(costOfValues(head, [part], (value) => cut(value, sizes))).toBe(whole);
      }
    }
  });
});

describe("a text cut at each byte costs the same", () => {
  const values: readonly [string, unknown][] = [
    ["a string", repeated(PROSE, 9000)],
    ["a table", repeated(TABLE, 9000)],
    ["rows", rows.slice(0, 60)],
  ];
  it.each(values)("%s", (_name, value) => {
    for (const bytes of [json(value), asciiJson(value), json(value, 1)]) {
      const whole = costOfValues(300, [bytes]);
      for (const parts of halves(bytes)) expect(costOfValues(300, [bytes], () => parts)).toBe(whole);
      expect(costOfValues(300, [bytes], single)).toBe(whole);
    }
  });
});

describe("every text", () => {
  const value = fc.tuple(nodes(), gaps, fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 10_000 }));
  const values = fc.array(
    value.map(([node, gaps, times, size]) => {
      const json = write(node, gaps).trim();
      const count = Math.ceil((times === 1 ? 1 : size) / json.length);
      if (node.type === "string") return Buffer.from(`"${json.slice(1, -1).repeat(count)}"`);
      return Buffer.from(`[${Array(count).fill(json).join(",")}]`);
    }),
    { minLength: 1, maxLength: 5 },
  );
  const heads = fc.oneof(fc.constantFrom(0, 1, ALL), fc.nat({ max: 2000 }));

  itHolds(
    "costs the same in any chunks",
    500,
    fc.property(heads, values, chunkSizes, (head, values, sizes) => {
      const whole = costOfValues(head, values);
      assert.equal(
        costOfValues(head, values, (bytes) => cut(bytes, sizes)),
        whole,
      );
      assert.equal(costOfValues(head, values, single), whole);
    }),
  );
});
