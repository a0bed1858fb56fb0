import assert from "node:assert/strict";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { chunkSizes, cut, halves, single } from "../chunks.ts";
import { itHolds } from "../property.ts";
import { type SseEvent, locateEvents, parseEvents, parseHasIds, readEvents, readHasIds } from "./events.ts";
import { eventStreams } from "./streams.ts";

/** The events of a stream, which must be the same however it is cut. */
function read(stream: string | Uint8Array): SseEvent[] {
  const bytes = Buffer.from(stream);
  const whole = readEvents([bytes]);
  expect(readEvents(single(bytes)), "byte by byte").toEqual(whole);
  for (const chunks of halves(bytes)) expect(readEvents(chunks), `cut at ${chunks[0].length}`).toEqual(whole);
  return whole;
}

function message(data: string): SseEvent {
  return { isMessage: true, data };
}

function endpoint(data: string): SseEvent {
  return { isMessage: false, isEndpoint: true, data };
}

describe("an event stream", () => {
  const cases: [string, string, SseEvent[]][] = [
    ["one event", "data: a\n\n", [message("a")]],
    ["CRLF", "data: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n", [message("a\nb"), message("c")]],
    ["CR, to the last byte", "data: a\rdata: b\r\rdata: c\r\r", [message("a\nb"), message("c")]],
    ["mixed line ends", "data: a\r\r\ndata: b\n\rdata: c\r\n\n", [message("a"), message("b"), message("c")]],
    ["one leading space left out, not two", "data:a\ndata: b\ndata:  c\n\n", [message("a\nb\n c")]],
    ["empty data lines", "data\ndata:\ndata: \n\n", [message("\n\n")]],
    ["a single empty data line", "data:\n\n", [message("")]],
    ["a colon in the data", "data:: a:b\n\n", [message(": a:b")]],
    ["no data, no event", "event: message\nid: 1\n\n: comment\n\n\n\n", []],
    ["nothing behind the last blank line", "data: a\n\ndata: b\n", [message("a")]],
    ["an unfinished line", "data: a\n\ndata: b", [message("a")]],
    ["a type before the data", "event: endpoint\ndata: /x\n\n", [endpoint("/x")]],
    ["a type behind the data", "data: /x\nevent: endpoint\n\n", [endpoint("/x")]],
    [
      "a type of one event only",
      "event: ping\ndata: a\n\ndata: b\n\n",
      [{ isMessage: false, data: "a" }, message("b")],
    ],
    ["the type of an event without data is forgotten", "event: ping\n\ndata: b\n\n", [message("b")]],
    ["a type after a blank line", "\nevent: ping\ndata: a\n\n", [{ isMessage: false, data: "a" }]],
    ["a type after a comment of its own", ": hi\n\nevent: ping\ndata: a\n\n", [{ isMessage: false, data: "a" }]],
    ["the last type counts", "event: ping\nevent: message\ndata: a\n\n", [message("a")]],
    [
      "an empty type is the default",
      "event: ping\nevent:\ndata: a\n\nevent: x\nevent\ndata: b\n\n",
      [message("a"), message("b")],
    ],
    [
      "types that begin alike",
      "event: messages\ndata: a\n\nevent: messag\ndata: b\n\n",
      [
        { isMessage: false, data: "a" },
        { isMessage: false, data: "b" },
      ],
    ],
    [
      "types like that of an endpoint",
      "event: endpoints\ndata: a\n\nevent: endpoin\ndata: b\n\nevent:  endpoint\ndata: c\n\n",
      ["a", "b", "c"].map((data) => ({ isMessage: false, data })),
    ],
    ["an endpoint, then a message", "event: endpoint\ndata: a\n\ndata: b\n\n", [endpoint("a"), message("b")]],
    ["an end mark", "data: [DONE]\n\ndata: a\n\n", [{ ...message("[DONE]"), isEndMark: true }, message("a")]],
    [
      "what only looks like an end mark",
      "data: [DONE\ndata: ]\n\ndata: [DONE] \n\ndata: [DONE]x\n\ndata: x[DONE]\n\ndata: [done]\n\n",
      ["[DONE\n]", "[DONE] ", "[DONE]x", "x[DONE]", "[done]"].map(message),
    ],
    ["a type with a NUL behind it", "event: message\0\ndata: a\n\n", [{ isMessage: false, data: "a" }]],
    ["fields that begin alike", "dat: a\ndatas: b\nDATA: c\n data: d\n\n", []],
    ["comments and other fields", ": x\nid: 1\nretry: 5\nfoo: bar\nfoo\ndata: a\n:\n\n", [message("a")]],
    ["a byte order mark", "\ufeffdata: a\n\n", [message("a")]],
    ["a second byte order mark", "\ufeff\ufeffdata: a\ndata: b\n\n", [message("b")]],
    ["half a byte order mark", "\ufefedata: a\ndata: b\n\n", [message("b")]],
    ["a byte order mark later", "data: a\n\ufeffdata: b\n\n", [message("a")]],
    ["a byte order mark, then a blank line", "\ufeff\r\ndata: a\r\n\r\n", [message("a")]],
    ["nothing", "", []],
    ["blank lines", "\n\r\n\r\r\n", []],
  ];

  it.each(cases)("%s", (_, stream, events) => {
    expect(read(stream)).toEqual(events);
    expect(parseEvents(Buffer.from(stream))).toEqual(events);
  });

  it("does not take the start of a byte order mark for nothing", () => {
    for (const start of [[0xef], [0xef, 0xbb]]) {
      const bytes = Uint8Array.from([...start, ...Buffer.from("data: a\ndata: b\n\n")]);
      expect(read(bytes)).toEqual([message("b")]);
    }
  });

  it("may bring one event of megabytes", () => {
    const data = "0123456789".repeat(200_000);
    const bytes = Buffer.from(`event: message\ndata: ${data}\ndata: ${data}\n\n`);
    expect(readEvents(cut(bytes, [65_536]))).toEqual([message(`${data}\n${data}`)]);
  });
});

describe("the ids of an event stream", () => {
  const ids = fc.constantFrom(
    "id: 7",
    "id:7",
    "id:  ",
    "id: ",
    "id:",
    "id",
    "id\t: 7",
    "ids: 7",
    "i: 7",
    "Id: 7",
    " id: 7",
    ": id: 7",
  );
  // One in an event at most: what a second one takes back we do not give back.
  const others = fc.array(fc.constantFrom("event: x", "retry: 500", "data: id: 7", "data"), { maxLength: 2 });
  const lines = fc
    .tuple(others, fc.option(ids), others)
    .map(([before, id, after]) => [...before, ...(id === null ? [] : [id]), ...after]);
  const stream = fc
    .tuple(fc.array(lines, { maxLength: 5 }), fc.constantFrom("\n", "\r\n", "\r"))
    .map(([events, end]) => events.map((lines) => [...lines, "data: x", "", ""].join(end)).join(""));

  itHolds(
    "are found where eventsource-parser finds one, in any chunks",
    1000,
    fc.property(stream, chunkSizes, (text, sizes) => {
      // A lone CR ends the last line for the parser only once no LF can follow.
      const expected = parseHasIds(`${text}: \n`);
      const bytes = Buffer.from(text);
      assert.equal(readHasIds([bytes]), expected);
      assert.equal(readHasIds(cut(bytes, sizes)), expected);
      assert.equal(readHasIds(single(bytes)), expected);
    }),
  );

  it("belong to the stream, whatever follows, and to no other", () => {
    expect(readHasIds([Buffer.from("id: 1\ndata:\n\ndata: a\n\n")])).toBe(true);
    expect(readHasIds([Buffer.from("data: a\n\n")])).toBe(false);
    expect(readHasIds([Buffer.from("id: 1\n: no data\n\n")])).toBe(true);
  });
});

describe("every event stream", () => {
  itHolds(
    "has the events that eventsource-parser finds, in any chunks",
    1000,
    fc.property(eventStreams, chunkSizes, (stream, sizes) => {
      const bytes = Buffer.from(stream);
      const expected = parseEvents(bytes);
      assert.deepEqual(readEvents([bytes]), expected);
      assert.deepEqual(readEvents(cut(bytes, sizes)), expected);
      assert.deepEqual(readEvents(single(bytes)), expected);
    }),
  );

  itHolds(
    "gives the offsets of its events and of their data, in any chunks",
    1000,
    fc.property(eventStreams, chunkSizes, (stream, sizes) => {
      const bytes = Buffer.from(stream);
      const events = readEvents([bytes]);
      const spans = locateEvents([bytes]);
      let before = 0;
      const alone = spans.map(({ start, end }) => {
        assert.ok(start >= before && end > start);
        before = end;
        // Behind a line feed a byte order mark is none, as within the stream.
        return parseEvents(
          start === 0 ? bytes.subarray(0, end) : Buffer.concat([Buffer.from("\n"), bytes.subarray(start, end)]),
        );
      });
      assert.deepEqual(
        alone,
        events.map((event) => [event]),
      );
      spans.forEach(({ dataOffsets }, index) => {
        const data = Buffer.from(events[index].data);
        assert.equal(dataOffsets.length, data.length);
        // Between two lines the data has a line feed that the stream need not have there.
        data.forEach((byte, i) => assert.ok(byte === 0x0a || bytes[dataOffsets[i]] === byte));
      });
      assert.deepEqual(locateEvents(cut(bytes, sizes)), spans);
      assert.deepEqual(locateEvents(single(bytes)), spans);
    }),
  );

  const telling = [0x0a, 0x0d, 0x20, 0x3a, 0xef, 0xbb, 0xbf, ...Buffer.from("datevn")];

  itHolds(
    "even of random bytes, has them",
    500,
    fc.property(fc.array(fc.constantFrom(...telling)), fc.boolean(), chunkSizes, (values, isMarked, sizes) => {
      const bytes = Uint8Array.from([...(isMarked ? [0xef, 0xbb] : []), ...values, ...Buffer.from("\ndata:a\n\n")]);
      const expected = parseEvents(bytes);
      assert.deepEqual(readEvents([bytes]), expected);
      assert.deepEqual(readEvents(cut(bytes, sizes)), expected);
      assert.deepEqual(readEvents(single(bytes)), expected);
    }),
  );
});
