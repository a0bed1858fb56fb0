import assert from "node:assert/strict";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { chunkSizes, cut, single } from "../chunks.ts";
import { gaps, write } from "../json/documents.ts";
import { itHolds } from "../property.ts";
import { frame, framings } from "../sse/streams.ts";
import { messages } from "./messages.ts";
import { expectedInBody, expectedMessages, itemsOf } from "./oracle.ts";
import { DEFAULT_SETTINGS, type Message, type Faulty, TOKEN_KINDS, readMessages } from "./reader.ts";
import { expectedTokens, textsIn } from "./texts.ts";

const written = fc.record({ node: messages, gaps }).map(({ node, gaps }) => ({ node, text: write(node, gaps) }));

/** In an event stream a carriage return would end a line of the text. */
const lines = fc.record({ node: messages, gaps }).map(({ node, gaps }) => ({
  node,
  text: write(
    node,
    gaps.map((gap) => gap.replaceAll("\r", "")),
  ),
}));

/** The messages of a body, uncut, after checking that they are the same in chunks. */
function readCut(isEventStream: boolean, bytes: Uint8Array, sizes: number[]): (Message | Faulty)[] {
  const whole = readMessages(isEventStream, [bytes]);
  assert.deepEqual(readMessages(isEventStream, cut(bytes, sizes)), whole);
  assert.deepEqual(readMessages(isEventStream, single(bytes)), whole);
  return whole;
}

describe("every message", () => {
  itHolds(
    "as JSON is what JSON.parse makes of it, in any chunks",
    1000,
    fc.property(written, chunkSizes, ({ node, text }, sizes) => {
      const read = readCut(false, Buffer.from(text), sizes);
      assert.deepEqual(read, expectedMessages(text, node));
    }),
  );

  itHolds(
    "in an event stream is what eventsource-parser and JSON.parse make of it, in any chunks",
    600,
    fc.property(fc.array(lines, { maxLength: 4 }), framings, chunkSizes, (all, framing, sizes) => {
      const texts = all.map(({ text }) => text);
      const nodes = new Map(all.map(({ text, node }) => [text, node]));
      const bytes = Buffer.from(frame(texts, framing));
      const expected = expectedInBody(true, bytes, nodes);
      assert.equal(expected.length, all.flatMap(({ text, node }) => expectedMessages(text, node)).length);
      assert.deepEqual(readCut(true, bytes, sizes), expected);
    }),
  );

  itHolds(
    "that ends too early is none",
    500,
    fc.property(written, fc.nat(), chunkSizes, ({ node, text }, length, sizes) => {
      const bytes = Buffer.from(text);
      const start = bytes.subarray(0, length % bytes.length);
      const messages = readCut(false, start, sizes);
      try {
        JSON.parse(start.toString());
      } catch {
        const isBatch = node.type === "array";
        const faulty = messages.pop() as Faulty | undefined;
        if (start.toString().trim() === "") assert.equal(faulty, undefined);
        else assert.ok((isBatch ? ["Truncated"] : ["Truncated", "NotJsonRpc"]).includes(faulty!.fault));
        // Those of a batch that had come to their end.
        assert.deepEqual(messages, isBatch ? expectedMessages(text, node).slice(0, messages.length) : []);
      }
    }),
  );

  const settings = fc.record({
    estimate: fc.constant(true),
    maxBytes: fc.constantFrom(0, 1, 50, 262_144),
    scale: fc.constantFrom(0.01, 0.5, 1, 1.2, 100),
  });

  itHolds(
    "has the tokens of its texts, scaled, and is the same without them",
    500,
    fc.property(messages, chunkSizes, settings, (node, sizes, settings) => {
      const text = write(node);
      const chunks = cut(Buffer.from(text), sizes);
      const expected = expectedMessages(text, node);
      const items = itemsOf(node) ?? [node];
      const counted = expected.map((message, i) =>
        "kind" in message ? { ...message, tokens: expectedTokens(items[i], settings) } : message,
      );
      assert.deepEqual(readMessages(false, chunks, settings), counted);
      const none = { tokens: TOKEN_KINDS.map(() => 0) };
      const plain = expected.map((message) => ("kind" in message ? { ...message, ...none } : message));
      assert.deepEqual(readMessages(false, chunks, { ...settings, estimate: false }), plain);
    }),
  );

  itHolds(
    "of any bytes is read without a trap, with its tokens or without",
    500,
    fc.property(
      fc.boolean(),
      written,
      fc.array(fc.record({ at: fc.nat(), bytes: fc.uint8Array({ maxLength: 3 }), removed: fc.nat({ max: 3 }) }), {
        maxLength: 4,
      }),
      chunkSizes,
      fc.boolean(),
      (isEventStream, { text }, edits, sizes, estimate) => {
        let bytes = Buffer.from(isEventStream ? `data: ${text}\n\n` : text);
        for (const { at, bytes: put, removed } of edits) {
          const place = at % (bytes.length + 1);
          bytes = Buffer.concat([bytes.subarray(0, place), put, bytes.subarray(place + removed)]);
        }
        const whole = readMessages(isEventStream, [bytes], { ...DEFAULT_SETTINGS, estimate });
        assert.deepEqual(readMessages(isEventStream, cut(bytes, sizes), { ...DEFAULT_SETTINGS, estimate }), whole);
      },
    ),
  );

  it("is generated with texts of every kind", () => {
    const seen = fc
      .sample(written, { numRuns: 2000, seed: 1 })
      .filter(({ node, text }) => itemsOf(node) === undefined && "kind" in expectedMessages(text, node)[0])
      .flatMap(({ node }) => textsIn(node).map(({ kind }) => kind));
    for (const kind of TOKEN_KINDS) expect(seen.filter((each) => each === kind).length, kind).toBeGreaterThan(30);
  });

  it("is generated in every kind, with every outcome and fault", () => {
    const seen = fc.sample(written, { numRuns: 2000, seed: 1 }).flatMap(({ node, text }) => {
      if (itemsOf(node) !== undefined) return ["Batch"];
      const [message] = expectedMessages(text, node);
      return "kind" in message ? [message.kind, message.outcome] : [message.fault];
    });
    for (const expected of [
      ...["Request", "Notification", "Response", "NotJsonRpc", "Batch"],
      ...["ok", "tool_error", "rpc_error", "input_required", "task_accepted"],
    ]) {
      expect(seen.filter((each) => each === expected).length, expected).toBeGreaterThan(20);
    }
  });
});
