/** Tests that the tokens depend only on the texts in bodies, not on cuts or on the form (JSON or events). */
import { describe, expect, test } from "vitest";
import { tokensOf, tokensOfKind } from "../../../estimator.ts";
import { type CapturedExchange, captureNames, readCapture } from "../../../fixtures/captures.ts";
import { textsOfExchange } from "../../../fixtures/texts.ts";
import { messagesOf } from "../../../envoy/wire.ts";
import { type Body, exchange, type Plugin } from "../../../../scripts/host/index.ts";
import { JSON_ANSWER, SSE_ANSWER, countsBy, event, request, result, startFilter } from "../filter.ts";
import { embedded, text } from "./contents.ts";
import { start, tokenCounts } from "./tokens.ts";

const pieces = (size: number) => (body: Uint8Array) =>
  Array.from({ length: Math.ceil(body.length / size) }, (_, i) => body.subarray(i * size, (i + 1) * size));

describe("a call", () => {
  const args = { city: "Tromsø ☃", "🌦": [1.5e3, true, null, 'a "quoted" word\\\n\u0007'] };
  const call = Buffer.from(request("tools/call", { name: "echo", arguments: args }));
  const structured = { sky: "☀", "a\tb": [{}, []] };
  const content = [text("Sunny in Tromsø 🌞\n\twarm"), text(""), embedded("<html>…</html>")];
  const answer = result({ content, structuredContent: structured });
  const escaped = answer.replaceAll(/[^ -~]/gu, (character) =>
    character.length === 1
      ? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`
      : [0, 1].map((i) => `\\u${character.charCodeAt(i).toString(16)}`).join(""),
  );
  const spaced = JSON.stringify(JSON.parse(answer), null, "\t");
  const lines = `event: message\n${spaced.replaceAll(/^/gm, "data: ")}\n\n`;
  const expected = {
    "arguments echo": tokensOf([args]),
    "result echo": tokensOf(["Sunny in Tromsø 🌞\n\twarm", "", "<html>…</html>"]),
    "structured echo": tokensOf([structured]),
  };

  function counts(
    plugin: Plugin,
    headers: Record<string, string>,
    asked: Body,
    answered: Body,
  ): Record<string, number> {
    plugin.vm.metrics.reset();
    exchange(plugin, { request: { body: asked }, response: { headers, body: answered } });
    return tokenCounts(plugin);
  }

  const answers: [string, Record<string, string>, string][] = [
    ["JSON", JSON_ANSWER, answer],
    ["JSON with white space", JSON_ANSWER, spaced],
    ["JSON with escapes", JSON_ANSWER, escaped],
    ["an event", SSE_ANSWER, event(answer)],
    ["an event of many lines", SSE_ANSWER, lines],
    ["an event with CRLF", SSE_ANSWER, `\ufeffid: 1\r\ndata: ${answer}\r\n\r\n`],
  ];

  test.each(answers)("answered as %s, cut in two anywhere", (_, headers, answered) => {
    const plugin = start();
    const bytes = Buffer.from(answered);
    for (let at = 0; at <= bytes.length; at++) {
      const halves = [bytes.subarray(0, at), bytes.subarray(at)];
      expect(counts(plugin, headers, call, halves), `cut at ${at}`).toEqual(expected);
    }
  });

  test.each(answers)("answered as %s, in small pieces", (_, headers, answered) => {
    const plugin = start();
    for (const size of [1, 2, 3, 5, 7, 64]) {
      const cut = pieces(size);
      expect(counts(plugin, headers, cut(call), cut(Buffer.from(answered))), `of ${size}`).toEqual(expected);
    }
  });

  test("whose request is cut in two anywhere", () => {
    const plugin = start();
    for (let at = 0; at <= call.length; at++) {
      const halves = [call.subarray(0, at), call.subarray(at)];
      expect(counts(plugin, JSON_ANSWER, halves, answer), `cut at ${at}`).toEqual(expected);
    }
  });

  test("sampled beyond the bound: the same bytes are read, however it is cut", () => {
    const plugin = start({ maxBytes: "1KiB" });
    const words = Array.from({ length: 30_000 }, (_, i) => `word${i % 977}`).join(" ");
    const body = Buffer.from(result({ content: [text(words), text(words.slice(0, 9999)), text(words)] }));
    const uncut = counts(plugin, JSON_ANSWER, call, body);
    for (const size of [1000, 4096, 65_536, 65_537]) {
      expect(counts(plugin, JSON_ANSWER, call, pieces(size)(body)), `in pieces of ${size}`).toEqual(uncut);
    }
  });
});

describe.each(captureNames().filter((name) => !name.startsWith("04")))("capture %s", (name) => {
  const exchanges = readCapture(name);

  test("has the tokens of its texts, by kind", () => {
    const plugin = startFilter();
    for (const captured of exchanges) exchange(plugin, captured);
    expect(countsBy(plugin, "mcp_tokens_total", "mcp_token_kind")).toEqual(truthOf(exchanges));
  });
});

test("the captures have all kinds between them", () => {
  const kinds = captureNames().flatMap((name) => Object.keys(truthOf(readCapture(name))));
  expect([...new Set(kinds)].sort()).toEqual([
    "arguments",
    "definitions",
    "prompt",
    "resource",
    "result",
    "sampling_request",
    "sampling_result",
    "structured",
  ]);
});

/** The tokens, by kind, of captured traffic between official clients and servers. */
function truthOf(exchanges: readonly CapturedExchange[]): Record<string, number> {
  const counts: Record<string, number> = {};
  // A resumed stream (GET) answers earlier requests.
  const posted = exchanges
    .filter(({ request }) => request.method === "POST")
    .map(({ request }) => request.body.toString());
  for (const { request: sent, response } of exchanges) {
    const contentType = new Map(response?.headers).get("content-type") ?? "";
    const received = messagesOf({ contentType, text: Buffer.concat(response?.body ?? []).toString() });
    for (const { kind, texts } of textsOfExchange(
      sent.body.toString(),
      received,
      sent.method === "GET" ? posted : [],
    )) {
      counts[kind] = (counts[kind] ?? 0) + tokensOfKind(kind, texts);
    }
  }
  return counts;
}
