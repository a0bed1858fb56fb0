import fc from "fast-check";

const lineEnds = fc.constantFrom("\n", "\r\n", "\r");

const text = fc
  .array(fc.constantFrom(...'abc :{}[]"\t\0é€😀\ufeff', "data", "event: x", "message", "  ", "[DONE]"), {
    maxLength: 8,
  })
  .map((parts) => parts.join(""));

const types = fc.constantFrom(
  "message",
  "message",
  "endpoint",
  "",
  " message",
  "messages",
  "messagf",
  "message\0",
  "Message",
  "x",
);

/** Lines of an event stream, with those that mean nothing or that are nearly fields. */
const lines = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constantFrom("data:", "data: "), text).map((parts) => parts.join("")) },
  { weight: 3, arbitrary: fc.tuple(fc.constantFrom("event:", "event: "), types).map((parts) => parts.join("")) },
  { weight: 5, arbitrary: fc.constant("") },
  { weight: 1, arbitrary: fc.constantFrom("data", "data:", "data: ", "event", "event:", "event: ") },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom(":", ": ", "id: ", "id:", "retry: "), text).map((parts) => parts.join("")),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ":",
      "id",
      "retry: 1000",
      "dat",
      "datas: a",
      "Data: a",
      "events: x",
      " data: a",
      "\0data: a",
      "data\0: a",
      "event\0: x",
      "data : a",
    ),
  },
  { weight: 1, arbitrary: text },
);

/** A mark stands for nothing at the start only; half of one, or a second, belongs to the first line. */
const marks = fc.oneof(
  { weight: 6, arbitrary: fc.constant("") },
  { weight: 1, arbitrary: fc.constantFrom("\ufeff", "\ufeff\ufeff", "\ufefe", "\uf000") },
);

/** Event streams of all kinds; the last line has an end or none. */
export const eventStreams: fc.Arbitrary<string> = fc
  .tuple(
    marks,
    fc.oneof(
      // One line end throughout, as servers write them, or all of them mixed.
      fc.tuple(lineEnds, fc.array(lines, { maxLength: 20 })).map(([end, all]) => all.map((line) => line + end)),
      fc.array(
        fc.tuple(lines, lineEnds).map((parts) => parts.join("")),
        { maxLength: 20 },
      ),
    ),
    lines,
  )
  .map(([mark, ended, last]) => mark + ended.join("") + last);

/** How messages are framed as events. */
export interface Framing {
  readonly end: string;
  /** Lines before each event's data, including blank lines. */
  readonly before: readonly (readonly string[])[];
  /** Lines after the data. */
  readonly after: readonly string[];
  /** The space between the colon and the data. A space that belongs to the data is additional. */
  readonly space: string;
}

const silentLines = fc.constantFrom(
  ": ping",
  ":",
  "id: 7",
  "retry: 5",
  "unknown: x",
  "event: message",
  "event:",
  "event",
);
/** Whole events without a message. */
const otherEvents = fc.constantFrom(
  [""],
  [": ping", ""],
  ["data:", ""],
  ["event: ping", ""],
  ["event: endpoint", "data: /messages?sessionId=1", ""],
  ['data: {"jsonrpc":"2.0","method":"ping","id":0}', "event: other", ""],
  ["id: 3", "data: ", ""],
);

export const framings: fc.Arbitrary<Framing> = fc.record({
  end: lineEnds,
  before: fc.array(fc.oneof(fc.array(silentLines, { maxLength: 3 }), otherEvents), { minLength: 1, maxLength: 5 }),
  after: fc.array(silentLines, { maxLength: 2 }),
  space: fc.constantFrom("", " "),
});

/** An event stream with these texts as messages. */
export function frame(messages: readonly string[], { end, before, after, space }: Framing): string {
  const lines = messages.flatMap((message, i) => [
    ...before[i % before.length],
    ...message.split("\n").map((line) => `data:${line.startsWith(" ") ? " " : space}${line}`),
    ...after,
    "",
  ]);
  return lines.map((line) => line + end).join("");
}
