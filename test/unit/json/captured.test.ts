import assert from "node:assert/strict";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { chunkSizes, cut, halves, single } from "../chunks.ts";
import { itHolds } from "../property.ts";
import { type Node, gaps, nodes, spelled, write } from "./documents.ts";
import { DOCUMENT_END, capturedLine, read } from "./fields.ts";

/** The lines of what is captured and of field 2 in a document, the same in any cut. */
function found(json: string): string[] {
  const bytes = Buffer.from(json);
  const whole = read([bytes]);
  for (const chunks of [single(bytes), ...halves(bytes), [new Uint8Array(), bytes, new Uint8Array()]]) {
    expect(read(chunks)).toEqual(whole);
  }
  expect(whole).toMatchObject({ complete: true, isFaulty: false, open: undefined });
  return whole.found.filter((line) => !line.startsWith("1 "));
}

function captured(json: string): string {
  return capturedLine(9, Buffer.from(json));
}

describe("a value that is captured", () => {
  it.each([
    ...['"text"', '""', String.raw`"\"\\\u0022\ud83d\ude00\n"`, '"é€😀"', '"{[,:]}"', `"${"long ".repeat(200)}"`],
    ...["0", "-0", "17", "-1.50e+3", "1".repeat(300), "true", "false", "null"],
    ...["{}", "[]", "{ }", "[\n]", '{"a":{"raw":[]}}', '[[[],[{"raw":"x"}]],1 , 2]', '{ "raw" : 1 ,\t"" : null }'],
    ...['{"a":1,"a":2}', '["a" , true,\r\n-1]', "[".repeat(100) + "]".repeat(100)],
  ])("%s comes as it is written, and nothing around it", (value) => {
    expect(found(`{"raw":${value}}`)).toEqual([captured(value)]);
    expect(found(`{"raw": \n\t${value}\r\n ,"a":7}`)).toEqual([captured(value), "2 Number 1 7"]);
    expect(found(` {"a":7 , "raw" :${value} } `)).toEqual(["2 Number 1 7", captured(value)]);
  });

  it("comes again where its name stands twice, empty parents or not", () => {
    expect(found('{"raw":1,"raw":[2],"raw":3}')).toEqual([captured("1"), captured("[2]"), captured("3")]);
  });

  it("lies in elements and in members of any name", () => {
    expect(
      found('{"list":[{"raw":{}},{"raw":1,"name":2},{}],"any":{"p":{"raw":"x"},"known":{"raw":4},"":{"raw":5}}}'),
    ).toEqual([
      ...["6 ObjectStart", "10 = {}", "6 ObjectStart", "10 = 1", "7 Number 1 2", "6 ObjectStart"],
      ...['12 = "x"', "13 ObjectStart", "12 = 5"],
    ]);
  });

  it("is not where another type stands on the way", () => {
    expect(found('{"list":{"raw":1},"any":[{"raw":2}],"x":{"raw":3},"a":{"raw":4}}')).toEqual(["2 ObjectStart"]);
    expect(found('[[{"raw":1}]]')).toEqual([DOCUMENT_END]);
    expect(found('{"RAW":1,"raw ":2,"ra":3}')).toEqual([]);
  });

  it("lies in each document of a list", () => {
    expect(found('[{"raw":1},{"raw":[2]}]')).toEqual([captured("1"), DOCUMENT_END, captured("[2]"), DOCUMENT_END]);
  });

  it("is known by its name however that is written", () => {
    expect(found(String.raw`{"\u0072aw":1,"r\u0061\u0077":2}`)).toEqual([captured("1"), captured("2")]);
  });
});

describe("a document that is cut off or faulty within a captured value", () => {
  it.each([
    ['{"raw":', undefined],
    ['{"raw":12', "12"],
    ['{"raw":"ab\\', '"ab\\'],
    ['{"raw":{"a":[1, ', '{"a":[1, '],
    ['{"raw":tru', "tru"],
  ])("%s has not come to its end", (json, open) => {
    for (const chunks of [[Buffer.from(json)], single(Buffer.from(json)), ...halves(Buffer.from(json))]) {
      expect(read(chunks)).toMatchObject({ found: ["1 ObjectStart"], open, complete: false, isFaulty: false });
    }
  });

  it.each([
    "{]",
    "[}",
    "[1,]",
    "{,}",
    '{"a"}',
    "tru}",
    "01",
    "1.}",
    '"\\x"',
    '"\n"',
    '"\\u12g4"',
    "",
    "}",
    "[".repeat(5000),
  ])("%j is never a whole value", (value) => {
    const bytes = Buffer.from(`{"raw":${value},"a":1}`);
    for (const chunks of [[bytes], single(bytes), ...(bytes.length < 100 ? halves(bytes) : [])]) {
      expect(read(chunks)).toMatchObject({ found: ["1 ObjectStart"], complete: false, isFaulty: true });
    }
  });

  it("that is whole has come to its end, whatever follows", () => {
    for (const rest of ["}}", ",}", " 1}", "]", ',"raw":tru}']) {
      const bytes = Buffer.from(`{"raw":{"x":1}${rest}`);
      for (const chunks of [[bytes], single(bytes), ...halves(bytes)]) {
        expect(read(chunks)).toMatchObject({ found: ["1 ObjectStart", captured('{"x":1}')], isFaulty: true });
      }
    }
  });

  const keys = fc.constantFrom("raw", "raw", "list", "any", "a").chain(spelled);
  const document = fc.tuple(nodes(keys), nodes(keys), gaps).map(([first, second, gaps]) => {
    const member = (key: string, value: Node) => ({ key: { value: key, json: JSON.stringify(key) }, value });
    const values = new Map<Node, string>();
    const members = [member("raw", first), member("any", second), member("raw", second)];
    const text = write({ type: "object", members }, gaps, (node, written) => values.set(node, written));
    return { text, first: values.get(first)! };
  });

  itHolds(
    "gives what JSON.parse could still take of it, and no end beyond the fault, in any chunks",
    1000,
    fc.property(
      document,
      fc.nat(),
      fc.constantFrom("", "\0", "}", ",", ":", "x", '"', "\\"),
      chunkSizes,
      (each, at, put, sizes) => {
        const bytes = Buffer.from(each.text);
        const place = at % bytes.length;
        const changed = Buffer.concat([bytes.subarray(0, place), Buffer.from(put), bytes.subarray(place + 1)]);
        const whole = read([changed]);
        const parts = read(cut(changed, sizes));
        assert.deepEqual(parts.found, whole.found);
        assert.equal(parts.isFaulty, whole.isFaulty);
        assert.equal(parts.complete, whole.complete);
        if (whole.complete) assert.equal(whole.open, undefined);
        // What is captured is a value that JSON.parse takes.
        for (const line of whole.found.filter((line) => / = /.test(line))) {
          const json = Buffer.from(line.slice(line.indexOf("=") + 2), "latin1").toString();
          assert.doesNotThrow(() => JSON.parse(json), json);
          assert.equal(json, json.trim());
        }
        // A document that is whole up to the change has given the first value by then.
        const start = bytes.indexOf(each.first, each.text.indexOf(":") + 1);
        if (place > start + Buffer.byteLength(each.first)) {
          assert.equal(whole.found[1], captured(each.first));
        }
        // What is open stands in the document.
        for (const { open } of [whole, parts]) assert.ok(changed.toString("latin1").includes(open ?? ""));
      },
    ),
  );
});
