import { describe, expect, test } from "vitest";
import { tokensOf } from "../../../estimator.ts";
import {
  JSON_ANSWER,
  MCP_HEADERS,
  SSE_ANSWER,
  countsBy,
  error,
  event,
  post,
  request,
  result,
  startFilter,
  toolCall,
} from "../filter.ts";
import { SAMPLING, blob, image, text } from "./contents.ts";
import { expected, start, tokenCounts } from "./tokens.ts";
import { has } from "../matrix.ts";

const SESSION = { ...MCP_HEADERS, "mcp-session-id": "s", "mcp-protocol-version": "2025-11-25" };
const ARGUMENTS = { city: "Oslo", days: 3 };

describe("the arguments of a call that fails are counted too", () => {
  const call = request("tools/call", { name: "echo", arguments: ARGUMENTS });

  test.each([
    ["a JSON-RPC error", { headers: JSON_ANSWER, body: error(-32603) }],
    ["401", { status: 401 }],
    ["503", { status: 503, body: "no" }],
    ["an answer that is no JSON", { headers: JSON_ANSWER, body: '{"result":{"content":[{"text":"lost"}]' }],
    ["a compressed answer", { headers: { ...JSON_ANSWER, "content-encoding": "gzip" }, body: "\x1f\x8b" }],
    ["an answer to another request", { headers: JSON_ANSWER, body: result({ content: [text("lost")] }, 2) }],
    ["a stream that breaks off", { headers: SSE_ANSWER, body: event("{}").slice(0, 9), ended: "server" as const }],
    ["no answer", null],
  ])("%s", (_, response) => {
    const plugin = start();
    post(plugin, call, response);
    expect(tokenCounts(plugin)).toEqual(expected({ "arguments echo": [ARGUMENTS] }));
  });

  test("a tool's error is read like any other result", () => {
    const plugin = start();
    post(plugin, call, result({ content: [text("No such city")], isError: true }));
    expect(tokenCounts(plugin)).toEqual(expected({ "arguments echo": [ARGUMENTS], "result echo": ["No such city"] }));
  });
});

describe("tools get a label as for operations", () => {
  test("unconfirmed names are _OTHER; success and lists confirm names", () => {
    const plugin = startFilter();
    const call = (name: string, answer: string) => post(plugin, toolCall(name), answer);
    const written = tokensOf([{ text: "hello" }]);
    const read = tokensOf(["fine"]);
    call("ghost", error(-32602));
    call("works", error(-32603));
    expect(tokenCounts(plugin)).toEqual({ "arguments _OTHER": 2 * written });
    call("works", result({ content: [text("fine")] }));
    call("works", error(-32603));
    post(plugin, request("tools/list"), result({ tools: [{ name: "listed" }] }));
    call("listed", error(-32603));
    expect(tokenCounts(plugin)).toEqual({
      "arguments _OTHER": 2 * written,
      "arguments works": 2 * written,
      "result works": read,
      "arguments listed": written,
      "definitions ": tokensOf(["listed"]),
    });
    const tools = plugin.vm.metrics.labelValues("gen_ai_tool_name", "mcp_operations_total");
    expect(plugin.vm.metrics.labelValues("gen_ai_tool_name", "mcp_tokens_total")).toEqual(tools);
  });

  test("the number of series is bounded by kinds and tools, however many names arrive", () => {
    const plugin = startFilter({ configuration: { labels: { maxTools: 8 } } });
    const answer = result({ content: [text("fine")], structuredContent: { a: 1 } });
    for (let i = 0; i < 300; i++) post(plugin, toolCall(`tool-${i}`), answer);
    // A quarter of 8, and _OTHER.
    expect(Object.keys(plugin.vm.metrics.counters("mcp_tokens_total"))).toHaveLength(3 * 3);
    expect(countsBy(plugin, "mcp_tokens_total", "mcp_token_kind")).toEqual({
      arguments: 300 * tokensOf([{ text: "hello" }]),
      result: 300 * tokensOf(["fine"]),
      structured: 300 * tokensOf([{ a: 1 }]),
    });
  });

  test.runIf(has("clusters"))("each server counts its own", () => {
    const plugin = start();
    for (const [cluster, times] of [
      ["one", 1],
      ["two", 2],
    ] as const) {
      for (let i = 0; i < times; i++) {
        post(plugin, toolCall("echo"), result(), { properties: { "xds.cluster_name": cluster } });
      }
    }
    const written = tokensOf([{ text: "hello" }]);
    expect(countsBy(plugin, "mcp_tokens_total", "mcp_server", "mcp_token_kind")).toEqual({
      "one arguments": written,
      "two arguments": 2 * written,
    });
  });
});

describe("messages without tokens", () => {
  test("notifications of client and server", () => {
    const plugin = start();
    const notification = (method: string) =>
      JSON.stringify({
        jsonrpc: "2.0",
        method,
        params: {
          ...SAMPLING,
          data: "words words",
          arguments: ARGUMENTS,
          inputResponses: { a: { content: text("no") } },
        },
      });
    post(plugin, notification("notifications/progress"), { status: 202 }, { headers: SESSION });
    const body = event(notification("notifications/message")) + event(notification("sampling/createMessage"));
    post(plugin, request("ping"), { headers: SSE_ANSWER, body: body + event(result({})) }, { headers: SESSION });
    expect(plugin.vm.metrics.counter("mcp_notifications_total")).toBe(3);
    expect(tokenCounts(plugin)).toEqual({});
  });

  test("requests of the server that do not ask a model", () => {
    const plugin = start();
    const body = event(request("elicitation/create", { message: "Who are you?", ...SAMPLING }, 7)) + event(result({}));
    post(plugin, request("ping"), { headers: SSE_ANSWER, body }, { headers: SESSION });
    expect(tokenCounts(plugin)).toEqual({});
  });

  test("answers without a request", () => {
    const plugin = start();
    const body = event(result({ content: [text("stale")] }, 99)) + event(result({}));
    post(plugin, request("ping"), { headers: SSE_ANSWER, body }, { headers: SESSION });
    expect(tokenCounts(plugin)).toEqual({});
  });

  test("base64, which counts as bytes only", () => {
    const plugin = start();
    const answer = result({ content: [image, { type: "resource", resource: blob }], isError: false });
    post(plugin, toolCall("echo"), answer);
    expect(tokenCounts(plugin)).toEqual({ "arguments echo": tokensOf([{ text: "hello" }]) });
    expect(plugin.vm.metrics.counter("mcp_payload_bytes_total", { mcp_direction: "server_to_client" })).toBe(
      answer.length,
    );
  });
});
