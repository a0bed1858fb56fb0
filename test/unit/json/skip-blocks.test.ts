import assert from "node:assert/strict";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { chunkSizes, cut, halves } from "../chunks.ts";
import { itHolds } from "../property.ts";
import * as blocks from "./blocks.ts";
import { gaps, nodes, write } from "./documents.ts";
import { type TokenName, type Tokenized, tokenLine, tokenize } from "./tokenizer.ts";

const skipMembers = (token: TokenName) => (token === "Key" ? "value" : "nothing");

function skipped(...chunks: Uint8Array[]): Tokenized {
  return tokenize(chunks, skipMembers);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Whether the text is JSON, by JSON.parse and, while the members of its root are skipped, by the tokenizer. */
function check(text: string): void {
  const { fault, complete, tokens } = skipped(Buffer.from(text));
  if (!isJson(text)) assert.ok(fault === "Syntax" || !complete, text);
  else assert.ok(fault === "None" && complete && tokens.includes(tokenLine("Key", Buffer.from("b"))), text);
}

describe("skipping blocks of bytes takes what JSON.parse takes", () => {
  it.each([
    ["rows", blocks.ROWS],
    ["nested containers", blocks.NESTED],
    ["values with white space", blocks.ROWS.replaceAll(/[,:{}[\]]/g, " $&\n ")],
  ])("of %s where a byte is wrong", (_, json) => {
    for (const mutated of blocks.mutations(json)) {
      check(blocks.inArray(mutated));
      check(blocks.inObject(mutated));
      check(blocks.atEnd(mutated));
    }
  });

  it.each([
    ["numbers", blocks.NUMBERS],
    ["literals", blocks.WORDS],
    ["strings", blocks.PIECES.flatMap((piece) => [`"${piece}"`, `"${piece}y"`, `"${piece}${"y".repeat(70)}"`])],
    ["pairs", blocks.VALUES.flatMap((one) => blocks.VALUES.map((other) => one + other))],
    ["lists", blocks.VALUES.flatMap((one) => blocks.VALUES.map((other) => `[${one},${other}]`))],
    ["members", blocks.VALUES.flatMap((one) => blocks.VALUES.map((other) => `{${one}:${other}}`))],
    ["spaced members", blocks.VALUES.flatMap((one) => blocks.VALUES.map((other) => `{ ${one} : ${other} , "k" : 1 }`))],
  ])("of %s at each place of a block", (_, values) => {
    for (const value of values) {
      for (const json of blocks.shifted(value)) {
        check(blocks.inArray(json));
        check(blocks.inObject(`[${json}]`));
      }
      check(blocks.inObject(value));
    }
  });

  it("in whatever two chunks", () => {
    const text = Buffer.from(blocks.inArray(`${blocks.ROWS},${blocks.NESTED},${blocks.ROWS}`));
    const whole = skipped(text);
    expect(whole).toMatchObject({ fault: "None", complete: true });
    for (const chunks of halves(text)) expect(skipped(...chunks)).toEqual(whole);
  });

  it.each([62, 63, 64, 65, 66, 509, 510])("in containers that are %i deep, and closes each of its kind", (depth) => {
    const opens = Array.from({ length: depth }, (_, level) => (level % 3 === 0 ? "[" : '{"k":'));
    const closes = opens.map((open) => (open === "[" ? "]" : "}")).reverse();
    const nested = `${opens.join("")}0${closes.join("")}`;
    check(blocks.inArray(`${nested},${nested}`));
    for (const [at, close] of closes.entries()) {
      const wrong = closes.with(at, close === "]" ? "}" : "]");
      check(blocks.inArray(`${opens.join("")}0${wrong.join("")}`));
    }
  });

  it("but no more than 512 containers", () => {
    const nested = (depth: number) => blocks.inArray("[".repeat(depth) + "]".repeat(depth));
    expect(skipped(Buffer.from(nested(510)))).toMatchObject({ fault: "None", complete: true });
    expect(skipped(Buffer.from(nested(511)))).toMatchObject({ fault: "Depth" });
  });

  const documents = fc.record({ values: fc.array(nodes(), { minLength: 1, maxLength: 6 }), gaps });
  const edits = fc.array(fc.record({ at: fc.nat(2000), put: fc.constantFrom(...'{}[]",:\\01.-e tn', "") }), {
    maxLength: 2,
  });

  itHolds(
    "of any values, in any chunks",
    600,
    fc.property(documents, edits, chunkSizes, ({ values, gaps }, edits, sizes) => {
      const characters = Array.from(values.map((node) => write(node, gaps)).join(","));
      for (const { at, put } of edits) characters.splice(at % (characters.length + 1), 1, put);
      const text = blocks.inArray(characters.join(""));
      check(text);
      const bytes = Buffer.from(text);
      assert.deepEqual(
        skipped(
          ...cut(
            bytes,
            sizes.map((size) => size * 8),
          ),
        ),
        skipped(bytes),
      );
    }),
  );
});
