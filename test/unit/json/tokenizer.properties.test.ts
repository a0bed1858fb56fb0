import assert from "node:assert/strict";

import fc from "fast-check";
import { describe } from "vitest";

import { chunkSizes, cut, single } from "../chunks.ts";
import { itHolds } from "../property.ts";
import { evaluate, gaps, nodes, write } from "./documents.ts";
import { chooser, reference } from "./reference.ts";
import { type Skip, type Span, type TokenName, locate, tokenLine, tokenize } from "./tokenizer.ts";

const documents = fc.record({ node: nodes(), gaps }).map(({ node, gaps }) => ({ node, text: write(node, gaps) }));

/** Puts an end to the number that a document may be: it becomes a token only by what follows. */
function closed(text: string): Buffer {
  return Buffer.from(`${text}\n`);
}

const STRUCTURE: Partial<Record<TokenName, string>> = {
  ObjectStart: "{",
  ObjectEnd: "}",
  ArrayStart: "[",
  ArrayEnd: "]",
  True: "true",
  False: "false",
  Null: "null",
};

/** The line of a token, made from the bytes at its offsets alone. */
function lineOf({ token, start, end }: Span, document: Buffer): string {
  const written = document.subarray(start, end).toString();
  if (token === "Number") return tokenLine(token, Buffer.from(written));
  if (token === "Key" || token === "String") return tokenLine(token, Buffer.from(JSON.parse(written) as string));
  assert.equal(written, STRUCTURE[token]);
  return tokenLine(token);
}

describe("every JSON document", () => {
  itHolds(
    "gives the tokens that it was written from, in any chunks",
    1000,
    fc.property(documents, chunkSizes, ({ node, text }, sizes) => {
      assert.deepEqual(JSON.parse(text), evaluate(node));
      const bytes = closed(text);
      const expected = {
        tokens: reference(node),
        fault: "None",
        complete: true,
        blank: false,
        size: node.type === "array" || node.type === "object" ? Buffer.byteLength(text.trim()) : 0,
      };
      assert.deepEqual(tokenize([bytes]), expected);
      assert.deepEqual(tokenize(cut(bytes, sizes)), expected);
    }),
  );

  itHolds(
    "gives the offsets of its tokens, in any chunks and next to anything that is skipped",
    1000,
    fc.property(
      documents,
      chunkSizes,
      fc.array(fc.constantFrom<Skip>("nothing", "nothing", "value", "container"), { minLength: 1, maxLength: 9 }),
      ({ text }, sizes, choices) => {
        const bytes = closed(text);
        const spans = locate([bytes], chooser(choices));
        const { tokens } = tokenize([bytes], chooser(choices));
        assert.deepEqual(
          spans.map((span) => lineOf(span, bytes)),
          tokens,
        );
        let end = 0;
        for (const span of spans) {
          assert.ok(span.start >= end && span.end > span.start);
          end = span.end;
        }
        assert.deepEqual(locate(cut(bytes, sizes), chooser(choices)), spans);
      },
    ),
  );

  itHolds(
    "gives no token of what is skipped",
    1000,
    fc.property(
      documents,
      chunkSizes,
      fc.array(fc.constantFrom<Skip>("nothing", "nothing", "value", "container"), { minLength: 1, maxLength: 9 }),
      ({ node, text }, sizes, choices) => {
        const bytes = closed(text);
        const whole = tokenize([bytes], chooser(choices));
        assert.deepEqual(whole.tokens, reference(node, chooser(choices)));
        assert.ok(whole.complete);
        assert.deepEqual(tokenize(cut(bytes, sizes), chooser(choices)), whole);
      },
    ),
  );
});

/** Characters that mean something in JSON, and some that nearly do. */
const telling = fc.constantFrom(
  ...'{}[]",:\\/0123456789.-+eEutrfalsn \t\n\r\0\u001f\v\u00a0é😀\ufeff',
  '"a"',
  "true",
  "1e5",
  "\\u",
);

/** A document with some of its characters taken out, put in, replaced, doubled, or with its end cut off. */
const mutated = fc
  .tuple(
    documents,
    fc.array(
      fc.record({
        at: fc.nat({ max: 400 }),
        remove: fc.integer({ min: 0, max: 2 }),
        insert: fc.option(telling, { nil: "" }),
        truncate: fc.integer({ min: 0, max: 9 }).map((number) => number === 0),
      }),
      { minLength: 1, maxLength: 3 },
    ),
  )
  .map(([{ text }, edits]) => {
    const characters = Array.from(text);
    for (const { at, remove, insert, truncate } of edits) {
      const place = at % (characters.length + 1);
      characters.splice(place, truncate ? Infinity : remove, ...Array.from(insert));
    }
    return characters.join("");
  });

const garbage = fc.array(telling, { maxLength: 12 }).map((characters) => characters.join(""));

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe("every text", () => {
  itHolds(
    "is complete and without a fault just where JSON.parse takes it, in any chunks",
    1000,
    fc.property(
      fc.oneof(
        mutated,
        garbage,
        documents.map(({ text }) => text),
      ),
      chunkSizes,
      (text, sizes) => {
        const bytes = Buffer.from(text);
        const whole = tokenize([bytes]);
        assert.equal(whole.complete && whole.fault === "None", isJson(text));
        assert.equal(whole.blank, /^[ \t\n\r]*$/.test(text));
        assert.deepEqual(tokenize(cut(bytes, sizes)), whole);
        assert.deepEqual(tokenize(single(bytes)), whole);
      },
    ),
  );

  itHolds(
    "is checked as strictly where it is deep inside of what is skipped",
    2000,
    fc.property(fc.oneof(mutated, garbage, telling), chunkSizes, (text, sizes) => {
      const wrapped = `{"skipped":[[${text}],{"a":${text}}],"b":1}`;
      const bytes = Buffer.from(wrapped);
      const skip = (token: TokenName) => (token === "Key" ? "value" : "nothing");
      const whole = tokenize([bytes], skip);
      assert.equal(whole.complete && whole.fault === "None", isJson(wrapped));
      assert.deepEqual(tokenize(cut(bytes, sizes), skip), whole);
      assert.deepEqual(tokenize(single(bytes), skip), whole);
    }),
  );

  itHolds(
    "even of no known encoding, is read without a trap",
    500,
    fc.property(fc.uint8Array({ maxLength: 64 }), chunkSizes, (bytes, sizes) => {
      assert.deepEqual(tokenize(cut(bytes, sizes)), tokenize([bytes]));
    }),
  );
});
