import { describe, expect, test } from "vitest";
import { type Exchange, exchange } from "../../../scripts/host/index.ts";
import { JSON_ANSWER, MCP_HEADERS, SSE_ANSWER, countsBy, post, request, startFilter, toolCall } from "./filter.ts";
import { has } from "./matrix.ts";

const answer: Exchange["response"] = { headers: JSON_ANSWER, body: "{}" };
const JSON_ONLY = { "content-type": "application/json", accept: "application/json" };

/** Requests whose headers show that they are not MCP. */
const NO_CANDIDATES: [string, Exchange["request"]][] = [
  ["a form", { headers: { ...MCP_HEADERS, "content-type": "application/x-www-form-urlencoded" }, body: "a=1" }],
  ["another JSON type", { headers: { ...MCP_HEADERS, "content-type": "application/json-patch+json" }, body: "[]" }],
  ["a page", { method: "GET", headers: { accept: "text/html" } }],
  ["a WebSocket", { method: "GET", headers: { connection: "upgrade", upgrade: "websocket" } }],
  ["a PUT", { method: "PUT", headers: MCP_HEADERS, body: toolCall("echo") }],
  ["a DELETE that names no session", { method: "DELETE", headers: {} }],
  ["CORS", { method: "OPTIONS", headers: { "access-control-request-headers": "mcp-session-id" } }],
];

/** Requests that are not MCP, but could be a POST of HTTP+SSE, so its use is looked up. */
const NO_CANDIDATES_OF_JSON: [string, Exchange["request"]][] = [
  ["a JSON API", { headers: JSON_ONLY, body: '{"a":1}' }],
  ["JSON-RPC that asks for JSON", { headers: JSON_ONLY, body: request("eth_call") }],
];

describe.runIf(has("hostCalls"))("a stream that is not a candidate costs one read of its headers", () => {
  test.each(NO_CANDIDATES)("%s", (_, request) => {
    expect(costOf(request)).toEqual({ proxy_get_header_map_pairs: 1 });
  });

  test.each(NO_CANDIDATES_OF_JSON)("%s: and one look-up that finds nothing", (_, request) => {
    expect(costOf(request)).toEqual({ proxy_get_header_map_pairs: 1, proxy_get_shared_data: 1 });
  });

  /** The host calls for a request that can have no further effect. */
  function costOf(request: Exchange["request"]): Record<string, number> {
    const plugin = startFilter();
    plugin.vm.calls.reset();
    const { actions } = exchange(plugin, { request, response: answer });
    expect(plugin.vm.metrics.size).toBe(0);
    expect(actions.every((action) => action === 0)).toBe(true);
    return plugin.vm.calls.snapshot();
  }
});

/** Requests with MCP-like headers and a body that contradicts them. */
const LET_GO: [string, string][] = [
  ["another JSON-RPC method", request("eth_call")],
  ["a language server's method", request("textDocument/hover")],
  ["JSON-RPC 1.0", '{"jsonrpc":"1.0","id":1,"method":"tools/call"}'],
  ["no JSON-RPC", '{"model":"m","stream":true,"messages":[{"role":"user"}]}'],
  ["no object", '"tools/call"'],
  ["a batch of another JSON-RPC", `[${request("eth_call")},${toolCall("echo")}]`],
  ["a batch that begins with no message", `[{"method":"tools/call"},${toolCall("echo")}]`],
  ["bad JSON", '{"jsonrpc":"2.0","method":"tools/call"'],
  ["a method that is no text", '{"jsonrpc":"2.0","id":1,"method":1}'],
  ["no bytes at all", ""],
];

describe("a candidate that contradicts MCP is no longer watched and never counted", () => {
  test.each(LET_GO)("%s", (_, body) => {
    const plugin = startFilter();
    post(plugin, body, { headers: SSE_ANSWER, body: 'data: {"id":1}\n\ndata: [DONE]\n\n' });
    expect(plugin.vm.metrics.size).toBe(0);
  });

  test("at the first member that contradicts; the rest is not read", () => {
    const plugin = startFilter();
    const chunks = ['{"method":"eth_call",', '"params":["', ...Array<string>(50).fill("x".repeat(1000)), '"]}'];
    plugin.vm.calls.reset();
    exchange(plugin, { request: { headers: MCP_HEADERS, body: chunks }, response: answer });
    expect(plugin.vm.calls.count("proxy_get_buffer_bytes")).toBe(1);
  });

  test("a compressed request without an MCP header", () => {
    const plugin = startFilter();
    post(plugin, "\x1f\x8b", answer, { headers: { ...MCP_HEADERS, "content-encoding": "gzip" } });
    expect(plugin.vm.metrics.size).toBe(0);
  });

  test("an event stream of another API", () => {
    const plugin = startFilter();
    const request = { method: "GET", headers: { accept: "text/event-stream" } };
    const body = ['data: {"price":1}\n\n', 'data: {"price":2}\n\n'];
    exchange(plugin, { request, response: { headers: SSE_ANSWER, body } });
    expect(plugin.vm.metrics.size).toBe(0);
  });
});

describe("an MCP header identifies a request as MCP, so it is counted if it is unreadable", () => {
  const headers = { ...MCP_HEADERS, "mcp-protocol-version": "2025-11-25" };
  test.each([
    ["syntax", '{"jsonrpc":"2.0",nope'],
    ["truncated", '{"jsonrpc":"2.0","method":"tools/call"'],
    ["not_jsonrpc", '{"foo":1}'],
    ["not_jsonrpc", "[]"],
    ["not_jsonrpc", `[[${toolCall("echo")}]]`],
    ["depth", `{"jsonrpc":"2.0","params":${"[".repeat(600)}`],
  ])("%s", (reason, body) => {
    const plugin = startFilter();
    post(plugin, body, { status: 400 }, { headers });
    expect(countsBy(plugin, "mcp_undecoded_total", "mcp_reason")).toEqual({ [reason]: 1 });
    expect(countsBy(plugin, "mcp_streams_total", "mcp_stream_kind", "mcp_stream_end")).toEqual({ "post complete": 1 });
    expect(countsBy(plugin, "mcp_operations_total", "mcp_outcome")).toEqual({});
  });

  test("compressed", () => {
    const plugin = startFilter();
    post(plugin, "\x1f\x8b", { status: 400 }, { headers: { ...headers, "content-encoding": "gzip" } });
    expect(countsBy(plugin, "mcp_undecoded_total", "mcp_reason")).toEqual({ compressed: 1 });
  });

  test("an unknown method", () => {
    const plugin = startFilter();
    post(plugin, request("agents/dream"), undefined, { headers });
    expect(countsBy(plugin, "mcp_operations_total", "mcp_method_name", "mcp_outcome")).toEqual({ "_OTHER ok": 1 });
    expect(countsBy(plugin, "mcp_label_overflow_total", "mcp_label")).toEqual({ mcp_method_name: 1 });
  });
});

test("jsonrpc may follow a megabyte of arguments", () => {
  const plugin = startFilter();
  const body = `{"method":"tools/call","params":{"name":"echo","arguments":{"a":"${"x".repeat(1 << 20)}"}},"jsonrpc":"2.0","id":1}`;
  post(plugin, body);
  expect(countsBy(plugin, "mcp_operations_total", "gen_ai_tool_name", "mcp_outcome")).toEqual({ "echo ok": 1 });
});

test.runIf(has("slices"))("a 50 MB upload that is MCP is read once, in constant memory", () => {
  const plugin = startFilter();
  post(plugin, toolCall("echo"));
  const pages = plugin.vm.memoryPages();
  plugin.vm.calls.reset();
  const megabyte = "x".repeat(1 << 20);
  const chunks = ['{"method":"tools/call","params":{"arguments":{"a":"', ...Array<string>(50).fill(megabyte)];
  post(plugin, "", null);
  exchange(plugin, {
    request: { headers: MCP_HEADERS, body: [...chunks, '"},"name":"echo"},"jsonrpc":"2.0","id":1}'] },
    response: { headers: JSON_ANSWER, body: '{"jsonrpc":"2.0","id":1,"result":{}}' },
  });
  expect(countsBy(plugin, "mcp_operations_total", "gen_ai_tool_name", "mcp_outcome")).toEqual({ "echo ok": 2 });
  expect(plugin.vm.memoryPages()).toBe(pages);
});
