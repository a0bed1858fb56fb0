import assert from "node:assert/strict";

import fc from "fast-check";
import { beforeEach, describe, expect, it, test } from "vitest";

import { effort } from "../../effort.ts";
import { chunkSizes, cut, halves, single } from "../chunks.ts";
import { itHolds } from "../property.ts";
import { frame, framings } from "../sse/streams.ts";
import { type Answer, Body, configure, forget, memorySize, readAnswers } from "./lists.ts";

const KINDS = ["tools", "prompts", "resources", "resourceTemplates"] as const;
/** Longer than the shortest list that is kept. */
const LONG = "It does what its name says, and returns what came of it. ".repeat(10);

const definitions = fc.array(
  fc.oneof(
    {
      weight: 9,
      arbitrary: fc.record({ name: fc.string({ maxLength: 12 }), description: fc.string() }, { requiredKeys: [] }),
    },
    { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) },
  ),
  { maxLength: 6 },
);

/** The text of a list that is long enough to be kept. */
const lists = fc
  .record({
    definitions,
    members: fc.dictionary(fc.constantFrom("inputSchema", "arguments", "uri", "title"), fc.jsonValue({ maxDepth: 3 })),
    isIndented: fc.boolean(),
  })
  .map(({ definitions, members, isIndented }) =>
    JSON.stringify([{ name: "first", ...members, description: LONG }, ...definitions], null, isIndented ? 2 : 0),
  );

const kinds = fc.constantFrom(...KINDS);
const settings = fc.constantFrom<[boolean, number]>([true, 262_144], [true, 100], [false, 0]);

function answer(kind: string, list: string, id: unknown = 1): string {
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{"${kind}":${list}}}`;
}

const bytesOf = (text: string) => Buffer.from(text);

/** What reading finds where no list is kept. */
function readAfresh(chunks: readonly Uint8Array[], isEventStream = false): Answer[] {
  forget(false);
  return readAnswers(chunks, isEventStream);
}

/** What follows the reader sees of answers, besides names: of a message with a fault, only the fault. */
const seen = (answers: readonly Answer[]) =>
  answers.map(({ listed: _, ...answer }) => (answer.kind === "None" ? answer.fault : answer));

/** The same with the names. */
const seenWithNames = (answers: readonly Answer[]) => [seen(answers), answers.map(({ listed }) => listed)];

/** Reads bodies one after the other, while lists are kept. */
function readKept(bodies: readonly (readonly Uint8Array[])[], isEventStream = false): Answer[][] {
  forget(true);
  return bodies.map((chunks) => readAnswers(chunks, isEventStream));
}

beforeEach(() => configure(true, 262_144));

describe("a list that comes again", () => {
  itHolds(
    "is the same as if it were read, in any chunks, and no name of it is reported",
    400,
    fc.property(kinds, lists, settings, chunkSizes, chunkSizes, fc.jsonValue(), (kind, list, of, sizes, others, id) => {
      configure(...of);
      const [first, second] = [answer(kind, list, 1), answer(kind, list, id)];
      const afresh = readAfresh([bytesOf(second)]);
      const [read, again, whole] = readKept([
        cut(bytesOf(first), sizes),
        cut(bytesOf(second), others),
        [bytesOf(second)],
      ]);
      assert.deepEqual(read, readAfresh([bytesOf(first)]));
      assert.deepEqual(seen(again), seen(afresh));
      assert.deepEqual(again[0].listed, []);
      assert.deepEqual(whole, again);
    }),
  );

  itHolds(
    "in an event stream is, too, however it is framed",
    200,
    fc.property(kinds, lists, framings, framings, chunkSizes, (kind, list, framing, other, sizes) => {
      const text = answer(kind, list);
      const bodies = [framing, other, framing].map((each) => cut(bytesOf(frame([text], each)), sizes));
      const afresh = readAfresh(bodies[0], true);
      for (const read of readKept(bodies, true)) assert.deepEqual(seen(read), seen(afresh));
    }),
  );

  it.each(KINDS)("is not read, in whatever two chunks: %s", (kind) => {
    const text = answer(kind, JSON.stringify([{ name: "echo", description: LONG }, { name: "add" }]));
    const afresh = seen(readAfresh([bytesOf(text)]));
    forget(true);
    const names = kind === "tools" || kind === "prompts" ? ["echo", "add"] : [];
    expect(readAnswers([bytesOf(text)])[0].listed).toEqual(names);
    for (const chunks of [...halves(bytesOf(text)), single(bytesOf(text))]) {
      const read = readAnswers(chunks);
      assert.deepEqual(seen(read), afresh);
      assert.deepEqual(read[0].listed, []);
    }
  });
});

describe("a list that differs from the kept one", () => {
  const edits = fc.record({ at: fc.nat(), removed: fc.nat({ max: 3 }), put: fc.string({ maxLength: 3 }) });

  itHolds(
    "is read as if none were kept, wherever it differs, with all of its names",
    400,
    fc.property(kinds, lists, settings, edits, chunkSizes, (kind, list, of, { at, removed, put }, sizes) => {
      configure(...of);
      const first = answer(kind, list);
      const place = at % first.length;
      const second = first.slice(0, place) + put + first.slice(place + removed);
      const afresh = readAfresh([bytesOf(second)]);
      const [, again, third] = readKept([[bytesOf(first)], cut(bytesOf(second), sizes), cut(bytesOf(first), sizes)]);
      const isSame = second.includes(`"${kind}":${list}`);
      if (isSame) assert.deepEqual(seen(again), seen(afresh));
      else assert.deepEqual(seenWithNames(again), seenWithNames(afresh));
      assert.deepEqual(seen(third), seen(readAfresh([bytesOf(first)])));
    }),
  );

  itHolds(
    "and then comes again, among others of which it has the beginning, is the same as if it were read",
    200,
    fc.property(
      kinds,
      lists,
      fc.array(fc.tuple(fc.nat({ max: 3 }), chunkSizes), { minLength: 2, maxLength: 12 }),
      (kind, list, order) => {
        const variants = ['{"name":"a"}', '{"name":"b"}', '{"name":"bc"}', '{"name":"b","description":"d"}'].map(
          (last) => answer(kind, `${list.slice(0, -1)},${last}]`),
        );
        const afresh = variants.map((text) => readAfresh([bytesOf(text)]));
        const known = new Set<number>();
        forget(true);
        for (const [i, sizes] of order) {
          const read = readAnswers(cut(bytesOf(variants[i]), sizes));
          if (known.has(i)) assert.deepEqual(read[0].listed, []);
          else assert.deepEqual(read, afresh[i]);
          assert.deepEqual(seen(read), seen(afresh[i]));
          known.add(i);
        }
      },
    ),
  );

  it.each([
    ["the first byte", (list: string) => `[ ${list.slice(1)}`],
    ["the middle", (list: string) => list.replace("which", "WHICH")],
    ["the last byte", (list: string) => `${list.slice(0, -1)} ]`],
    ["its length, as it goes on", (list: string) => `${list.slice(0, -1)},{"name":"more"}]`],
  ])("is read and kept in whatever chunks: one that differs in %s", (_name, change) => {
    const list = JSON.stringify([{ name: "echo", description: `${LONG} which` }, { name: "add" }]);
    const [text, changed] = [list, change(list)].map((each) => bytesOf(answer("tools", each)));
    const afresh = readAfresh([changed]);
    for (const chunks of [[changed], ...halves(changed), single(changed), cut(changed, [0, 1, 0, 3])]) {
      const [, read, again, first] = readKept([[text], chunks, [changed], [text]]);
      assert.deepEqual(seenWithNames(read), seenWithNames(afresh));
      assert.deepEqual(seen(again), seen(afresh));
      assert.deepEqual([again[0].listed, first[0].listed], [[], []]);
    }
  });

  test.each([
    ["is cut off anywhere", (text: string, at: number) => text.slice(0, at)],
    ["is damaged anywhere", (text: string, at: number) => `${text.slice(0, at)}\u0001${text.slice(at + 1)}`],
  ])("because it %s has the same fault as if none were kept", (_name, change) => {
    const text = answer("tools", JSON.stringify([{ name: "echo", description: LONG }, { name: "add" }]));
    for (let at = 0; at < text.length; at++) {
      const changed = bytesOf(change(text, at));
      const afresh = seen(readAfresh([changed]));
      const half = Math.floor(changed.length / 2);
      const read = readKept([[bytesOf(text)], [changed.subarray(0, half), changed.subarray(half)]])[1];
      assert.deepEqual(seen(read), afresh);
    }
  });
});

const LIST = JSON.stringify([{ name: "echo", description: LONG, inputSchema: { type: "object" } }]);
const OTHER = JSON.stringify([{ name: "add", description: LONG }]);

test.each([
  ["another server's", () => readAnswers([bytesOf(answer("tools", LIST))], false, 2n)],
  ["of another kind", () => readAnswers([bytesOf(answer("prompts", LIST))])],
  ["in a batch", () => readAnswers([bytesOf(`[${answer("tools", LIST)}]`)])],
  ["the second one of a message", () => readAnswers([bytesOf(answer("tools", `${OTHER},"tools":${LIST}`))])],
])("a list that is %s is read although it is the same as a kept one", (_name, read) => {
  forget(false);
  const afresh = read();
  forget(true);
  readAnswers([bytesOf(answer("tools", LIST))]);
  expect(read()).toEqual(afresh);
});

test.each([
  ["a short list", answer("tools", '[{"name":"echo"}]')],
  ["a list of more than 256 KiB", answer("tools", JSON.stringify([{ name: "echo", description: LONG.repeat(500) }]))],
  ["a message that is no JSON-RPC", `{"id":1,"result":{"tools":${LIST}}}`],
  ["a message that is cut off behind it", answer("tools", LIST).slice(0, -2)],
])("of %s none is kept", (_name, text) => {
  const [read, again] = readKept([[bytesOf(text)], [bytesOf(text)]]);
  expect(again).toEqual(read);
  expect(read[0].listed).toEqual(["echo"]);
});

test("a list that has come again a thousand times is read once more", () => {
  const text = [bytesOf(answer("tools", LIST))];
  forget(true);
  const reads = Array.from({ length: 5000 }, () => readAnswers(text)[0].listed.length);
  const times = reads.flatMap((count, i) => (count ? [i] : []));
  expect(times).toEqual([0, 1025, 2050, 3075, 4100]);
});

test("messages that come at the same time are compared each for itself", () => {
  const [list, longer] = [
    bytesOf(answer("tools", LIST)),
    bytesOf(answer("tools", `${LIST.slice(0, -1)},{"name":"add"}]`)),
  ];
  const [first, second] = [readAfresh([list]), readAfresh([longer])];
  forget(true);
  readAnswers([list]);
  for (let at = 1; at < list.length; at++) {
    const one = new Body(1);
    const other = new Body(2);
    one.feed(list.subarray(0, at));
    other.feed(longer.subarray(0, at));
    one.feed(list.subarray(at));
    expect(seen(one.end())).toEqual(seen(first));
    other.feed(longer.subarray(at));
    expect(seen(other.end())).toEqual(seen(second));
  }
});

test("the list that a message is compared with stays until the comparison is over", () => {
  const list = bytesOf(answer("tools", LIST));
  const afresh = seen(readAfresh([list]));
  forget(true);
  readAnswers([list]);
  const open = new Body(1);
  open.feed(list.subarray(0, 300));
  for (let i = 0; i < 50; i++) {
    readAnswers([bytesOf(answer("tools", JSON.stringify([{ name: `n${i}`, description: LONG.repeat(100) }])))]);
  }
  open.feed(list.subarray(300));
  expect(seen(open.end())).toEqual(afresh);
});

test("a recording that stops halfway does not keep others from being kept for long", () => {
  const list = bytesOf(answer("tools", LIST));
  const afresh = readAfresh([list]);
  forget(true);
  const stuck = new Body(1);
  stuck.feed(list.subarray(0, 300));
  const others = bytesOf(answer("prompts", OTHER));
  const reads = Array.from({ length: 12 }, () => readAnswers([others])[0].listed.length);
  expect(reads.slice(-2)).toEqual([0, 0]);
  stuck.feed(list.subarray(300));
  expect(seen(stuck.end())).toEqual(seen(afresh));
});

test.each([
  ["long", 300],
  ["short", 1],
])("a server whose lists always differ, %s ones, does not displace the lists of others", (_name, length) => {
  const stable = [bytesOf(answer("tools", LIST))];
  forget(true);
  for (let i = 0; i < 2; i++) readAnswers(stable, false, 2n);
  for (let i = 0; i < 100; i++) {
    const list = JSON.stringify([{ name: `n${i}`, description: LONG.repeat(length) }]);
    expect(readAnswers([bytesOf(answer("tools", list))])[0].listed).toEqual([`n${i}`]);
  }
  expect(readAnswers(stable, false, 2n)[0].listed).toEqual([]);
});

test("new lists of new servers need no more memory", { timeout: effort(60_000, 1_200_000) }, () => {
  forget(true);
  const read = (from: number, to: number) => {
    for (let i = from; i < to; i++) {
      const list = JSON.stringify([{ name: `n${i}`, description: LONG.repeat(1 + ((i * 7919) % 390)) }]);
      readAnswers([bytesOf(answer("tools", list))], false, BigInt(i % 50));
    }
  };
  read(0, 1000);
  const before = memorySize();
  read(1000, effort(2000, 100_000));
  expect(memorySize()).toBe(before);
});

test("the memory of lists is given back with their unit", () => {
  const list = (i: number) =>
    bytesOf(answer("tools", JSON.stringify([{ name: `n${i}`, description: LONG.repeat(150) }])));
  const fill = () => {
    forget(true);
    for (let i = 0; i < 12; i++) readAnswers([list(i)]);
  };
  for (let i = 0; i < 3; i++) fill();
  const before = memorySize();
  for (let i = 0; i < 50; i++) fill();
  expect(memorySize()).toBe(before);
});
