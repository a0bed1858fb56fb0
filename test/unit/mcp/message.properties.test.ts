import assert from "node:assert/strict";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { chunkSizes, cut, single } from "../chunks.ts";
import { gaps, write } from "../json/documents.ts";
import { itHolds } from "../property.ts";
import { frame, framings } from "../sse/streams.ts";
import { messages } from "./messages.ts";
import { expectedMessage, expectedMessages } from "./oracle.ts";
import { type Message, type Refused, readMessages } from "./reader.ts";

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
function readCut(isEventStream: boolean, bytes: Uint8Array, sizes: number[]): (Message | Refused)[] {
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
      assert.deepEqual(read, [expectedMessage(text, node)]);
    }),
  );

  itHolds(
    "in an event stream is what eventsource-parser and JSON.parse make of it, in any chunks",
    600,
    fc.property(fc.array(lines, { maxLength: 4 }), framings, chunkSizes, (all, framing, sizes) => {
      const texts = all.map(({ text }) => text);
      const nodes = new Map(all.map(({ text, node }) => [text, node]));
      const bytes = Buffer.from(frame(texts, framing));
      const expected = expectedMessages(true, bytes, nodes);
      assert.equal(expected.length, texts.length);
      assert.deepEqual(readCut(true, bytes, sizes), expected);
    }),
  );

  itHolds(
    "that ends too early is none",
    500,
    fc.property(written, fc.nat(), chunkSizes, ({ text }, length, sizes) => {
      const bytes = Buffer.from(text);
      const start = bytes.subarray(0, length % bytes.length);
      const [message] = readCut(false, start, sizes);
      try {
        JSON.parse(start.toString());
      } catch {
        if (start.toString().trim() === "") assert.equal(message, undefined);
        else assert.ok(["Truncated", "NotJsonRpc", "Batch"].includes((message as Refused).refusal));
      }
    }),
  );

  it("is generated in every kind, with every outcome and refusal", () => {
    const seen = fc
      .sample(written, { numRuns: 2000, seed: 1 })
      .map(({ node, text }) => expectedMessage(text, node))
      .flatMap((message) => ("kind" in message ? [message.kind, message.outcome] : [message.refusal]));
    for (const expected of [
      ...["Request", "Notification", "Response", "NotJsonRpc", "Batch"],
      ...["ok", "tool_error", "rpc_error", "input_required", "task_accepted"],
    ]) {
      expect(seen.filter((each) => each === expected).length, expected).toBeGreaterThan(20);
    }
  });
});
