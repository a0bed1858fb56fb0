import assert from "node:assert/strict";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { chunkSizes, cut, halves, single } from "../chunks.ts";
import { TestModule } from "../module.ts";
import { itHolds } from "../property.ts";
import { type Node, evaluate, gaps, nodes, spelled, spellings, write } from "./documents.ts";
import { TOKENS, tokenLine, type TokenName } from "./tokenizer.ts";

const EACH = Symbol("each element");
type Path = (string | typeof EACH)[];

/** The fields of modules/fields.ts. */
const FIELDS = new Map<number, Path>([
  [1, []],
  [2, ["a"]],
  [3, ["a", "b"]],
  [4, ["a", "b", "c"]],
  [5, ["x", "y"]],
  [6, ["list", EACH]],
  [7, ["list", EACH, "name"]],
  [8, ["grid", EACH, EACH]],
  [63, ["x", '"/']],
]);

interface Read {
  /** Each field found in a line: its number, and the token that begins its value. */
  readonly found: string[];
  /** The fields that stand in the document. */
  readonly present: number[];
  readonly complete: boolean;
}

interface Exports {
  begin(): void;
  feed(at: number, length: number): void;
  complete(): number;
  has(field: number): number;
}

let found: string[] = [];

const module: TestModule<Exports> = new TestModule("fields", {
  field(field: number, value: number, at: number, length: number, total: number): void {
    found.push(`${field} ${tokenLine(TOKENS[value], module.bytes(at, length), total)}`);
  },
});

function read(chunks: readonly Uint8Array[]): Read {
  const { exports } = module;
  found = [];
  exports.begin();
  for (const chunk of chunks) module.lend(chunk, (at, length) => exports.feed(at, length));
  const present = [...FIELDS.keys()].filter((field) => exports.has(field) !== 0);
  return { found, present, complete: exports.complete() !== 0 };
}

/** The same document in any cut. */
function readCut(json: string): Read {
  const bytes = Buffer.from(json);
  const whole = read([bytes]);
  for (const chunks of [single(bytes), ...halves(bytes)]) expect(read(chunks)).toEqual(whole);
  return whole;
}

function startsWith(path: Path, start: Path): boolean {
  return start.every((name, i) => path[i] === name);
}

/** What {@link read} must find in a document, by the tree that it was written from. */
function reference(root: Node): string[] {
  const lines: string[] = [];
  const visit = (node: Node, path: Path): void => {
    if (![...FIELDS.values()].some((field) => startsWith(field, path))) return;
    for (const [field, at] of FIELDS) {
      if (at.length === path.length && startsWith(at, path)) lines.push(`${field} ${firstLine(node)}`);
    }
    if (node.type === "array") node.items.forEach((item) => visit(item, [...path, EACH]));
    if (node.type === "object") node.members.forEach(({ key, value }) => visit(value, [...path, key.value]));
  };
  visit(root, []);
  return lines;
}

function firstLine(node: Node): string {
  const line = (name: TokenName, text = ""): string => tokenLine(name, Buffer.from(text));
  switch (node.type) {
    case "literal":
      return line(node.text === "null" ? "Null" : node.text === "true" ? "True" : "False");
    case "number":
      return line("Number", node.text);
    case "string":
      return line("String", node.spelling.value);
    case "array":
      return "ArrayStart";
    case "object":
      return "ObjectStart";
  }
}

/** Whether JSON.parse's value has something at a path. */
function stands(value: unknown, path: Path): boolean {
  for (const name of path) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
    if (!Object.hasOwn(value, name)) return false;
    value = (value as Record<typeof name, unknown>)[name];
  }
  return true;
}

describe("the fields of a document", () => {
  it("are found in any order of members, whatever lies between", () => {
    expect(readCut('{"z":{"a":1},"a":{"d":[{"b":2}],"b":{"x":[],"c":"text"},"e":null},"x":{"y":true}}')).toEqual({
      found: ["1 ObjectStart", "2 ObjectStart", "3 ObjectStart", "4 String 4 text", "5 True"],
      present: [1, 2, 3, 4, 5],
      complete: true,
    });
  });

  it("are known by the text of their names, however it is written", () => {
    expect(readCut(String.raw`{"\u0061":1,"\u0078":{"\"\/":2,"\u0079y":3},"A":4,"a\u0000":5}`)).toEqual({
      found: ["1 ObjectStart", "2 Number 1 1", "63 Number 1 2"],
      present: [1, 2, 63],
      complete: true,
    });
  });

  it("count as they stand last where a name stands twice", () => {
    expect(readCut('{"a":{"b":{"c":1}},"a":{"b":2}}').present).toEqual([1, 2, 3]);
    expect(readCut('{"a":{"b":{"c":1}},"a":3}').present).toEqual([1, 2]);
    expect(readCut('{"x":{"y":1},"x":[]}').present).toEqual([1]);
    expect(readCut('{"x":{"y":1},"x":{"y":2}}').found).toEqual(["1 ObjectStart", "5 Number 1 1", "5 Number 1 2"]);
  });

  it("may be the elements of arrays, and lie in them", () => {
    expect(readCut('{"list":[1,{"name":"n","b":[]},[{"name":2}]],"grid":[[1],2,[[3],{}]]}').found).toEqual([
      "1 ObjectStart",
      "6 Number 1 1",
      "6 ObjectStart",
      "7 String 1 n",
      "6 ArrayStart",
      "8 Number 1 1",
      "8 ArrayStart",
      "8 ObjectStart",
    ]);
  });

  it("are not where another type stands", () => {
    expect(readCut('{"list":{"[]":1,"name":2},"a":[{"b":1}],"grid":[{"a":[1]}]}').found).toEqual([
      "1 ObjectStart",
      "2 ArrayStart",
    ]);
    expect(readCut('[{"a":1}]').found).toEqual(["1 ArrayStart"]);
    expect(readCut('"a"').found).toEqual(["1 String 1 a"]);
  });

  const names = ["a", "a", "b", "c", "x", "y", '"/', "list", "grid", "name", "[]"];
  const keys = fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...names).chain(spelled) },
    { weight: 1, arbitrary: spellings },
  );

  itHolds(
    "are those that JSON.parse would find, in any chunks",
    1000,
    fc.property(nodes(keys), gaps, chunkSizes, (node, gaps, sizes) => {
      const bytes = Buffer.from(`${write(node, gaps)}\n`);
      const whole = read([bytes]);
      assert.deepEqual(whole.found, reference(node));
      assert.ok(whole.complete);
      const value = evaluate(node);
      for (const [field, path] of FIELDS) {
        // Of a field in an array only the last element's counts: nothing asks for it.
        if (path.includes(EACH)) continue;
        assert.equal(whole.present.includes(field), stands(value, path), `field ${field}`);
      }
      assert.deepEqual(read(cut(bytes, sizes)), whole);
    }),
  );
});
