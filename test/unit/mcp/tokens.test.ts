import { describe, expect, it } from "vitest";

import { cut, halves, single } from "../chunks.ts";
import { type Node, write } from "../json/documents.ts";
import { frame } from "../sse/streams.ts";
import { TOKEN, estimate } from "../tokens/meter.ts";
import { nodeOf } from "./oracle.ts";
import { DEFAULT_SETTINGS, type Message, type Settings, TOKEN_KINDS, readMessages } from "./reader.ts";
import { cursorOf, expectedTokens, textsIn } from "./texts.ts";
import { CASES, type TokenCase } from "./token-cases.ts";

/** The tokens of texts: an object is read as JSON. */
function tokensOf(texts: unknown[]): number {
  const costs = texts.map((text) => estimate(Buffer.from(typeof text === "string" ? text : JSON.stringify(text))));
  return Math.round(costs.reduce((sum, cost) => sum + cost, 0) / TOKEN);
}

function tokensOfCase({ texts }: TokenCase): number[] {
  return TOKEN_KINDS.map((kind) => tokensOf(texts[kind] ?? []));
}

function tokens(chunks: readonly Uint8Array[], isEventStream = false, settings?: Settings): number[] {
  const messages = readMessages(isEventStream, chunks, settings);
  expect(messages).toHaveLength(1);
  return (messages[0] as Message).tokens;
}

/** JSON in which every character of a string is escaped. */
function escaped(json: string): string {
  return json.replace(/"(?:[^"\\]|\\.)*"/g, (text) => {
    const value = JSON.parse(text) as string;
    const units = Array.from({ length: value.length }, (_, i) => value.charCodeAt(i).toString(16).padStart(4, "0"));
    return `"${units.map((unit) => `\\u${unit}`).join("")}"`;
  });
}

/** The message with its members in another order; the texts are as they are, since JSON is text to a model too. */
function reversed(message: object): string {
  const root = nodeOf(message);
  const texts = new Set(textsIn(root).map(({ node }) => node));
  const turn = (node: Node): Node => {
    if (texts.has(node)) return node;
    if (node.type === "array") return { type: "array", items: node.items.map(turn) };
    if (node.type !== "object") return node;
    const members = node.members.map(({ key, value }) => ({ key, value: turn(value) }));
    return { type: "object", members: members.reverse() };
  };
  return write(turn(root));
}

function indented(message: object): string {
  return JSON.stringify(message, null, 3);
}

describe.each(CASES)("the tokens of $title", (each) => {
  const { message } = each;
  const json = JSON.stringify(message);
  const expected = tokensOfCase(each);

  it("are those of its texts, in any chunks", () => {
    const bytes = Buffer.from(json);
    expect(tokens([bytes])).toEqual(expected);
    expect(tokens(single(bytes))).toEqual(expected);
    for (const chunks of halves(bytes)) expect(tokens(chunks), `cut at ${chunks[0].length}`).toEqual(expected);
  });

  it.each([
    ["indented", indented(message)],
    ["with every character escaped", escaped(json)],
    ["indented and escaped", escaped(indented(message))],
    ["in another order", reversed(message)],
  ])("are the same %s", (_how, text) => {
    expect(JSON.parse(text)).toEqual(JSON.parse(json));
    const bytes = Buffer.from(text);
    for (const size of [bytes.length, 1, 2, 7, 61]) expect(tokens(cut(bytes, [size]))).toEqual(expected);
  });

  it.each([
    ["on one line", json, "\n"],
    ["on many lines", indented(message), "\r\n"],
    ["escaped", escaped(indented(message)), "\r"],
  ])("are the same in an event stream %s", (_how, text, end) => {
    const framing = { end, before: [[": ping", ""], ["event: message"]], after: ["id: 7"], space: " " };
    const bytes = Buffer.from(frame([text], framing));
    for (const size of [bytes.length, 1, 2, 7, 61]) expect(tokens(cut(bytes, [size]), true)).toEqual(expected);
  });

  it("are what the tree of the message says, scaled and beyond the bound", () => {
    const bytes = Buffer.from(json);
    expect(expectedTokens(nodeOf(message))).toEqual(expected);
    for (const settings of [
      { estimate: true, maxBytes: 0, scale: 1 },
      { estimate: true, maxBytes: 100, scale: 2.5 },
      { estimate: true, maxBytes: 2 ** 30, scale: 0.01 },
    ]) {
      expect(tokens([bytes], false, settings)).toEqual(expectedTokens(nodeOf(message), settings));
    }
  });

  it("are not there where they are not estimated, and all else is", () => {
    const bytes = Buffer.from(json);
    const [estimated] = readMessages(false, [bytes]);
    const [plain] = readMessages(false, [bytes], { ...DEFAULT_SETTINGS, estimate: false });
    const none = { tokens: TOKEN_KINDS.map(() => 0) };
    expect(plain).toEqual({ ...estimated, ...none });
  });
});

describe("the cases", () => {
  it("have texts of every kind", () => {
    const sums = CASES.map(tokensOfCase);
    for (const [i, kind] of TOKEN_KINDS.entries()) {
      expect(Math.max(...sums.map((sum) => sum[i])), kind).toBeGreaterThan(5);
    }
  });

  it("one after the other in a stream leave nothing behind", () => {
    const framing = { end: "\n", before: [[]], after: [], space: " " };
    const jsons = CASES.map(({ message }) => JSON.stringify(message));
    // Those that are cut off leave the middle of a text.
    const texts = jsons.flatMap((json) => [json.slice(0, json.length * 0.7), json]);
    const messages = readMessages(true, [Buffer.from(frame(texts, framing))]);
    const whole = messages.filter((message) => "kind" in message);
    expect(whole.map((message) => message.tokens)).toEqual(CASES.map(tokensOfCase));
  });
});

describe("texts", () => {
  const result = (content: string): Buffer => Buffer.from(`{"jsonrpc":"2.0","id":1,"result":{"content":${content}}}`);

  it("of a result of several tool results, and of one alone, count alike", () => {
    const toolResult = { type: "tool_result", toolUseId: "1", content: [{ type: "text", text: "Sunny, 21.5 °C." }] };
    const sampling = (content: unknown): Buffer =>
      Buffer.from(
        JSON.stringify({
          ...{ jsonrpc: "2.0", id: 1, method: "sampling/createMessage" },
          params: { messages: [{ role: "user", content }], maxTokens: 10 },
        }),
      );
    const expected = TOKEN_KINDS.map((kind) => (kind === "sampling_request" ? tokensOf(["Sunny, 21.5 °C."]) : 0));
    expect(tokens([sampling([toolResult])])).toEqual(expected);
    expect(tokens([sampling(toolResult)])).toEqual(expected);
  });

  it("that are no strings count as JSON, whatever their place", () => {
    expect(tokens([result('[{"text":{ "a" : 1 }},{"text":null},{"text":[ ]}]')])[1]).toBe(tokensOf([{ a: 1 }, []]));
  });

  it("of a duplicate member count twice, because they passed twice", () => {
    expect(tokens([result('[{"text":"one two","text":"three"}]')])[1]).toBe(tokensOf(["one two", "three"]));
  });

  it.each([
    '{"text":"one two three"}',
    '"one two three"',
    '[["one two three"]]',
    '[{"Text":"one two three","texts":"four","resource":{"TEXT":"five"}}]',
    '[{"type":"text","data":"one two three","resource":[{"text":"four"}]}]',
  ])("are not elsewhere: %s", (content) => {
    expect(tokens([result(content)])[1]).toBe(0);
  });

  it("of a name are read up to 256 bytes", () => {
    const list = (name: string): Buffer =>
      Buffer.from(JSON.stringify({ jsonrpc: "2.0", id: 1, result: { tools: [{ name }] } }));
    expect(tokens([list("n".repeat(300))])[3]).toBe(tokensOf(["n".repeat(256)]));
    expect(tokens([list("word ".repeat(51))])[3]).toBe(tokensOf(["word ".repeat(51)]));
  });

  it("of many megabytes are sampled, the same however they are cut", () => {
    const text = "The quick brown fox jumps over the lazy dog.\n".repeat(30_000);
    const bytes = Buffer.from(
      JSON.stringify({ jsonrpc: "2.0", id: 1, result: { content: [{ text }], structuredContent: { text } } }),
    );
    const whole = tokens([bytes]);
    for (const size of [65_536, 16_384, 1447, 64]) expect(tokens(cut(bytes, [size]))).toEqual(whole);
    const all = tokens([bytes], false, { estimate: true, maxBytes: 2 ** 30, scale: 1 });
    expect(all[1]).toBe(tokensOf([text]));
    expect(all[2]).toBe(tokensOf([{ text }]));
    // One sample is for both, though a line end costs less than an escaped one.
    for (const kind of [1, 2]) expect(Math.abs(whole[kind] / all[kind] - 1)).toBeLessThan(0.05);
    expect(tokens([bytes])).toEqual(expectedTokens(nodeOf(JSON.parse(bytes.toString()))));
  });
});

describe("a page of a list", () => {
  const read = (member: string): Message =>
    readMessages(false, [Buffer.from(`{"jsonrpc":"2.0","id":1,${member}}`)])[0] as Message;
  const asking = (params: string): string => read(`"method":"tools/list","params":${params}`).cursor;
  const next = (result: string): string => read(`"result":${result}`).nextCursor;

  it("is asked for by the cursor that came before it, however it is written", () => {
    expect(asking('{"cursor":"page-2"}')).toBe(next('{"tools":[],"nextCursor":"page-2"}'));
    expect(asking(String.raw`{"c\u0075rsor":"\u0070age-2"}`)).toBe(cursorOf("page-2"));
    expect(asking('{"cursor":"a","cursor":"b"}')).toBe(cursorOf("b"));
    expect(next('{"nextCursor":""}'), "none").toBe("");
    expect(asking('{"cursor":""}'), "none").toBe("");
  });

  it("has a cursor of its own", () => {
    const cursors = ["0", "1", "page-2", "page-3", "x".repeat(256), "x".repeat(257), "x".repeat(300), "é"];
    expect(new Set(cursors.map(cursorOf)).size).toBe(cursors.length);
    expect(cursors.map(cursorOf)).not.toContain("");
  });

  it.each([
    "{}",
    "[]",
    '{"cursor":null}',
    '{"cursor":1}',
    '{"cursor":{}}',
    '{"a":{"cursor":"x"}}',
    '{"cursor":"x","cursor":2}',
  ])("is the first one with %s", (params) => {
    expect(asking(params)).toBe("");
    expect(next(params.replaceAll("cursor", "nextCursor"))).toBe("");
  });
});
