/** Tests that the messages of a batch have the same tokens as separate messages: by kind and tool, by session, and for lists. */
import { describe, expect, test } from "vitest";
import { tokensOf } from "../../../estimator.ts";
import { exchange, type Plugin } from "../../../../scripts/host/index.ts";
import {
  JSON_ANSWER,
  MCP_HEADERS,
  SSE_ANSWER,
  batch,
  countsBy,
  error,
  event,
  notification,
  passSeconds,
  post,
  request,
  result,
  startWorkers,
} from "../filter.ts";
import { SAMPLING, SAMPLING_TEXTS, embedded, image, text } from "./contents.ts";
import { modelTokens, tokenCounts } from "./tokens.ts";

const IN_SESSION = { ...MCP_HEADERS, "mcp-session-id": "s", "mcp-protocol-version": "2025-03-26" };
const KINDS = ["arguments", "definitions", "prompt", "resource", "result", "structured"];

const call = (name: string, args: object, id: unknown) => request("tools/call", { name, arguments: args }, id);
const TOOLS = [{ name: "echo", description: "Says it again", inputSchema: { type: "object" } }];
const PROMPT = { messages: [{ role: "user", content: text("Sum this up, please") }] };
const WEATHER = {
  content: [text("Sunny in Tromsø"), embedded("<html>…</html>"), image],
  structuredContent: { sky: "☀" },
};
const LONG = "The quick brown fox jumps over the lazy dog.\n".repeat(400);

/** Requests and answers with tokens of all kinds except sampling. */
const EXCHANGES: [asked: string, answered: string][] = [
  [request("tools/list", {}, 1), result({ tools: TOOLS }, 1)],
  [call("echo", { city: "Oslo", "🌦": [1.5e3] }, 2), result(WEATHER, 2)],
  [call("echo", { city: "Bergen" }, "2"), result({ content: [text("Rain, and more of it")], isError: true }, "2")],
  [call("echo", { city: 1 }, 3), error(-32602, 3)],
  [call("add", { a: 5, b: 6 }, 4), result({ content: [text("11")] }, 4)],
  [call("add", { text: LONG }, 5), result({ content: [text(LONG)] }, 5)],
  [call("add", { text: "short" }, 6), result({ content: [text(LONG), text("the end")] }, 6)],
  [request("prompts/get", { name: "sum" }, 7), result(PROMPT, 7)],
  [request("resources/read", { uri: "demo://a" }, 8), result({ contents: [{ uri: "demo://a", text: "# A\n" }] }, 8)],
];
const ASKED = EXCHANGES.map(([asked]) => asked);
const ANSWERED = EXCHANGES.map(([, answered]) => answered);
const SAMPLE = request("sampling/createMessage", SAMPLING, "server-1");
const SAMPLED = result({ role: "assistant", content: text("It is sunny there"), model: "m" }, "server-1");

const CONFIGURATION = { labels: { tools: ["echo", "add"] }, tokens: { maxBytes: "1KiB" } };

/** The recorded tokens after `pass` has sent its messages in a session, and the session has ended. */
function tokensAfter(pass: (plugin: Plugin) => void): object {
  const [plugin] = startWorkers(1, { configuration: CONFIGURATION });
  const agreed = result({ protocolVersion: "2025-03-26" });
  post(plugin, request("initialize", {}), { headers: { ...JSON_ANSWER, "mcp-session-id": "s" }, body: agreed });
  pass(plugin);
  exchange(plugin, { request: { method: "DELETE", headers: IN_SESSION }, response: { status: 200 } });
  passSeconds([plugin], 13);
  const { metrics } = plugin.vm;
  const ofSession = metrics.histogram("mcp_session_tokens", { mcp_session_kind: "streamable" }).values;
  expect(ofSession).toEqual([modelTokens(plugin)]);
  expect(countsBy(plugin, "mcp_undecoded_total", "mcp_reason")).toEqual({});
  const definitions = countsBy(plugin, "mcp_definition_tokens", "mcp_method_name");
  return { counts: tokenCounts(plugin), ofSession, definitions };
}

const oneByOne = tokensAfter((plugin) => {
  for (const [asked, answered] of EXCHANGES) post(plugin, asked, answered, { headers: IN_SESSION });
});

describe("the tokens of a batch are those of its messages sent separately", () => {
  const sse = (...data: string[]) => ({ headers: SSE_ANSWER, body: data.map(event).join("") });

  test.each([
    ["a JSON array", { headers: JSON_ANSWER, body: batch(...ANSWERED) }],
    ["a JSON array in another order", { headers: JSON_ANSWER, body: batch(...ANSWERED.toReversed()) }],
    ["events", sse(...ANSWERED)],
    ["an event", sse(batch(...ANSWERED))],
  ])("answered as %s", (_, response) => {
    const inBatch = tokensAfter((plugin) => post(plugin, batch(...ASKED), response, { headers: IN_SESSION }));
    expect(inBatch).toEqual(oneByOne);
  });

  test.each([1, 7, 1000])("in pieces of %i bytes", (size) => {
    const pieces = (body: string) => {
      const bytes = Buffer.from(body);
      return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
    };
    const inBatch = tokensAfter((plugin) => {
      const body = pieces(batch(...ASKED));
      const response = { headers: JSON_ANSWER, body: pieces(batch(...ANSWERED)) };
      exchange(plugin, { request: { headers: IN_SESSION, body }, response });
    });
    expect(inBatch).toEqual(oneByOne);
  });

  test("with elements between them that are not messages", () => {
    const between = (messages: string[]) =>
      batch(...messages.flatMap((each) => ['{"result":{"content":1}}', each, "7"]));
    const [plugin] = startWorkers(1, { configuration: CONFIGURATION });
    post(plugin, between(ASKED), between(ANSWERED), { headers: IN_SESSION });
    expect(tokenCounts(plugin)).toEqual((oneByOne as { counts: object }).counts);
  });

  test("of sampling too, on both sides", () => {
    const [asked, answered] = [call("echo", {}, 1), result({}, 1)];
    const alone = tokensAfter((plugin) => {
      post(plugin, asked, sse(SAMPLE, SAMPLE, answered), { headers: IN_SESSION });
      for (let i = 0; i < 2; i++) post(plugin, SAMPLED, { status: 202 }, { headers: IN_SESSION });
    });
    const inBatch = tokensAfter((plugin) => {
      post(plugin, batch(asked), sse(batch(SAMPLE, SAMPLE, answered)), { headers: IN_SESSION });
      const progress = notification("notifications/progress");
      post(plugin, batch(SAMPLED, progress, SAMPLED), { status: 202 }, { headers: IN_SESSION });
    });
    expect(inBatch).toEqual(alone);
    expect(alone).toMatchObject({
      counts: {
        "sampling_request ": 2 * tokensOf(SAMPLING_TEXTS),
        "sampling_result ": 2 * tokensOf(["It is sunny there"]),
      },
    });
  });

  test("of sampling, but not of the forms around it", () => {
    const [plugin] = startWorkers(1);
    const form = result({ action: "accept", content: { text: "entered by a user" } }, "server-2");
    post(plugin, batch(form, SAMPLED, form), { status: 202 }, { headers: IN_SESSION });
    expect(tokenCounts(plugin)).toEqual({ "sampling_result ": tokensOf(["It is sunny there"]) });
  });

  test("and there are tokens of every kind", () => {
    const { counts, definitions } = oneByOne as { counts: Record<string, number>; definitions: Record<string, number> };
    expect([...new Set(Object.keys(counts).map((key) => key.split(" ")[0]))].sort()).toEqual(KINDS);
    expect(counts["arguments echo"]).toBe(
      tokensOf([{ city: "Oslo", "🌦": [1.5e3] }]) + tokensOf([{ city: "Bergen" }]) + tokensOf([{ city: 1 }]),
    );
    expect(definitions).toEqual({ "tools/list": tokensOf(TOOLS.flatMap((tool) => Object.values(tool))) });
  });
});

test("a window's tokens are those of the batches in it", () => {
  const [plugin] = startWorkers(1, { configuration: { ...CONFIGURATION, sessions: { idleTimeout: "5s" } } });
  post(plugin, batch(...ASKED), batch(...ANSWERED));
  passSeconds([plugin], 25);
  const { metrics } = plugin.vm;
  expect(metrics.histogram("mcp_session_tokens", { mcp_session_kind: "window" }).values).toEqual([modelTokens(plugin)]);
  expect(metrics.histogram("mcp_session_operations").values).toEqual([EXCHANGES.length]);
  expect(tokenCounts(plugin)).toEqual((oneByOne as { counts: object }).counts);
});
