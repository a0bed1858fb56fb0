import assert from "node:assert/strict";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { chunkSizes, cut, single } from "../chunks.ts";
import { type Node, gaps, write } from "../json/documents.ts";
import { itHolds } from "../property.ts";
import { frame, framings } from "../sse/streams.ts";
import { batches } from "./messages.ts";
import { itemsOf } from "./oracle.ts";
import { DEFAULT_SETTINGS, type Message, type Faulty, TOKEN_KINDS, readMessages } from "./reader.ts";

/** A batch as it is written, and the text of each of its elements. */
const written = fc
  .record({ node: batches, gaps, isEvent: fc.boolean() })
  // In an event stream a carriage return would end a line of the text.
  .map(({ node, gaps, isEvent }) => ({
    node,
    isEvent,
    gaps: gaps.map((gap) => gap.replaceAll(isEvent ? "\r" : "", "")),
  }))
  .map(({ node, isEvent, gaps }) => {
    const texts = new Map<Node, string>();
    const text = write(node, gaps, (each, json) => texts.set(each, json));
    return { isEvent, text, elements: itemsOf(node)!.map((each) => texts.get(each)!) };
  });

const settings = fc.record({
  estimate: fc.boolean(),
  maxBytes: fc.constantFrom(0, 50, 262_144),
  scale: fc.constantFrom(0.5, 1),
});

/** What an element of a batch is by itself: an array is no batch there. */
function alone(element: string, settings = DEFAULT_SETTINGS): Message | Faulty {
  if (element.startsWith("[")) return { fault: "NotJsonRpc" };
  const [message] = readMessages(false, [Buffer.from(element)], settings);
  return message;
}

describe("each element of a batch", () => {
  itHolds(
    "is what it is alone, in any chunks, as JSON and in an event",
    1000,
    fc.property(written, framings, settings, chunkSizes, ({ isEvent, text, elements }, framing, settings, sizes) => {
      const bytes = Buffer.from(isEvent ? frame([text], framing) : text);
      const each = elements.map((element) => alone(element, settings));
      const expected = each.length > 0 ? each : [{ fault: "NotJsonRpc" }];
      for (const chunks of [[bytes], cut(bytes, sizes), single(bytes)]) {
        assert.deepEqual(readMessages(isEvent, chunks, settings), expected);
      }
    }),
  );

  itHolds(
    "that has come to its end is so too where the batch then breaks off, wherever",
    500,
    fc.property(written, fc.nat(), chunkSizes, ({ text, elements }, at, sizes) => {
      const bytes = Buffer.from(text);
      const open = bytes.indexOf("[") + 1;
      const end = open + (at % (bytes.lastIndexOf("]") + 1 - open));
      let next = open;
      const whole = elements.filter((element) => {
        next = bytes.indexOf(element, next) + Buffer.byteLength(element);
        // The end of a number shows in what follows.
        return /\d$/.test(element) ? next < end : next <= end;
      });
      const messages = readMessages(false, cut(bytes.subarray(0, end), sizes));
      assert.deepEqual(messages, [...whole.map((element) => alone(element)), { fault: "Truncated" }]);
    }),
  );

  it("is generated in every kind, with tokens of every kind, between elements that are not messages", () => {
    const all = fc
      .sample(written, { numRuns: 1000, seed: 1 })
      .map(({ elements }) => elements.map((each) => alone(each)));
    const whole = all.flat().filter((message) => "kind" in message);
    for (const kind of ["Request", "Notification", "Response"]) {
      expect(whole.filter((message) => message.kind === kind).length, kind).toBeGreaterThan(100);
    }
    for (const [i, kind] of TOKEN_KINDS.entries()) {
      expect(whole.filter(({ tokens }) => tokens[i] > 0).length, kind).toBeGreaterThan(10);
    }
    const beside = (broken: number, kept: number): number =>
      all.filter((messages) =>
        messages.some((each, i) => "kind" in each && "fault" in (messages[i + broken - kept] ?? {})),
      ).length;
    expect(beside(0, 1)).toBeGreaterThan(100);
    expect(beside(1, 0)).toBeGreaterThan(100);
  });
});
