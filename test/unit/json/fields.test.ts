import assert from "node:assert/strict";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { chunkSizes, cut, halves, single } from "../chunks.ts";
import { itHolds } from "../property.ts";
import { type Node, evaluate, gaps, nodes, spelled, spellings, write } from "./documents.ts";
import { DOCUMENT_END, FIELDS, type Read, read, reference } from "./fields.ts";
import { ANY, EACH, type Path } from "./path.ts";

/** The same document in any cut. */
function readCut(json: string): Pick<Read, "found" | "present" | "complete"> {
  const bytes = Buffer.from(json);
  const whole = read([bytes]);
  for (const chunks of [single(bytes), ...halves(bytes)]) expect(read(chunks)).toEqual(whole);
  const { found, present, complete } = whole;
  return { found, present, complete };
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

  it("may be in the members of an object, whatever their names, but for those that have fields of their own", () => {
    expect(
      readCut('{"any":{"p":{"name":1,"x":{"name":2}},"known":{"name":3},"":{"name":4},"{}":{"name":5},"q":[6]}}'),
    ).toMatchObject({
      found: ["1 ObjectStart", "11 Number 1 1", "13 ObjectStart", "11 Number 1 4", "11 Number 1 5"],
      complete: true,
    });
    expect(readCut('{"any":[{"name":1}]}').found).toEqual(["1 ObjectStart"]);
    expect(readCut('{"only":{"p":1,"":{"q":2}}}').found).toEqual(["1 ObjectStart", "14 Number 1 1", "14 ObjectStart"]);
    expect(readCut('{"{}":{"name":1},"any":{}}').found).toEqual(["1 ObjectStart"]);
  });

  it("are not where another type stands", () => {
    expect(readCut('{"list":{"[]":1,"name":2},"a":[{"b":1}],"grid":[{"a":[1]}]}').found).toEqual([
      "1 ObjectStart",
      "2 ArrayStart",
    ]);
    expect(readCut('[[{"a":1}]]').found).toEqual(["1 ArrayStart", DOCUMENT_END]);
    expect(readCut('"a"').found).toEqual(["1 String 1 a"]);
  });

  it("are those of each document in a list, and of the last one those that stand", () => {
    expect(readCut('[{"a":{"b":1}},[{"a":1}],7,{"x":{"y":2},"raw":[3]}]')).toEqual({
      found: [
        ...["1 ObjectStart", "2 ObjectStart", "3 Number 1 1", DOCUMENT_END],
        ...["1 ArrayStart", DOCUMENT_END],
        "1 Number 1 7",
        ...["1 ObjectStart", "5 Number 1 2", "9 = [3]", DOCUMENT_END],
      ],
      present: [1, 5],
      complete: true,
    });
    expect(readCut(" [ ] ")).toEqual({ found: [], present: [], complete: true });
    expect(readCut('[{"a":1}').complete).toBe(false);
  });

  const common = [
    "a",
    "a",
    "b",
    "c",
    "x",
    "y",
    '"/',
    "list",
    "grid",
    "name",
    "[]",
    "any",
    "known",
    "only",
    "{}",
    "raw",
    "raw",
  ];
  const keys = fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...common).chain(spelled) },
    { weight: 1, arbitrary: spellings },
  );

  itHolds(
    "are those that JSON.parse would find, those captured as they are written, in any chunks",
    1000,
    fc.property(nodes(keys), gaps, chunkSizes, (node, gaps, sizes) => {
      const written = new Map<Node, string>();
      const bytes = Buffer.from(`${write(node, gaps, (value, text) => written.set(value, text))}\n`);
      const whole = read([bytes]);
      assert.deepEqual(whole.found, reference(node, written));
      assert.ok(whole.complete);
      assert.equal(whole.open, undefined);
      // Of a list, the last document decides what is reported.
      const last = node.type === "array" ? node.items.at(-1) : node;
      const value = last && evaluate(last);
      for (const [field, path] of FIELDS) {
        // Of a field in an array or in any member only the last one's counts: nothing asks for it.
        if (path.includes(EACH) || path.includes(ANY)) continue;
        assert.equal(whole.present.includes(field), last !== undefined && stands(value, path), `field ${field}`);
      }
      assert.deepEqual(read(cut(bytes, sizes)), whole);
      assert.deepEqual(read(single(bytes)), whole);
    }),
  );
});
