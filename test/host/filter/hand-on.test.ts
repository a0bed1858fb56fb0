/** What the filter hands on with `limits` to the proxy's other filters, as filter state. */
import { describe, expect, test } from "vitest";
import { type HttpStream, type Plugin, requestHead } from "../../../scripts/host/index.ts";
import { batch, countsBy, MCP_HEADERS, notification, request, result, startFilter, toolCall } from "./filter.ts";
import type { Asking } from "./access.ts";
import { ask, startLimited } from "./limits.ts";

const ME = "connection.uri_san_peer_certificate";
const RULE = { name: "calls", key: ["principal"], requests: { amount: 3, per: "1m" } };
const NAMES = ["method", "target", "tool", "server", "principal", "session", "hits", "tokens"];
const TEXT = "one two three four five six seven";
const ANSWER = result({ content: [{ type: "text", text: TEXT }] });
const LIST = result({ tools: [{ name: "echo", inputSchema: {} }] });
const NOTHING = { target: "", tool: "", server: "tools", principal: "", tokens: "0" };

/** What is handed on of a request, as it is when the request goes on. */
function atRequest(plugin: Plugin, body: string): Record<string, string | undefined> {
  const stream = plugin.stream();
  stream.requestHeaders(requestHead({ headers: MCP_HEADERS, body }));
  stream.requestBody(Buffer.from(body), true);
  expect(stream.passedRequest).toBe(body);
  return valuesOf(stream);
}

/** The same at the end of its stream. */
function handed(plugin: Plugin, body: string, asking: Asking = {}): Record<string, string | undefined> {
  return valuesOf(ask(plugin, body, asking).stream);
}

function valuesOf({ state }: HttpStream): Record<string, string | undefined> {
  return Object.fromEntries(NAMES.map((name) => [name, state.get(`mcp.${name}`)]));
}

/** The filter with limits, on a server whose tool `echo` is known from its list. */
function start(): Plugin {
  const plugin = startLimited([], { configuration: {} });
  ask(plugin, request("tools/list"), { response: { body: LIST } });
  return plugin;
}

describe("what is handed on of", () => {
  test.each<[what: string, body: string, handed: object]>([
    ["a call", toolCall("echo"), { method: "tools/call", target: "echo", tool: "echo", hits: "1" }],
    ["a call of an unknown tool", toolCall("x"), { method: "tools/call", target: "x", tool: "_OTHER", hits: "1" }],
    ["one whose name ends a header", toolCall("echo\r\nx: y"), { method: "tools/call", tool: "_OTHER", hits: "1" }],
    ["one whose name is too long", toolCall("e".repeat(129)), { method: "tools/call", tool: "_OTHER", hits: "1" }],
    ["a prompt", request("prompts/get", { name: "echo" }), { method: "prompts/get", target: "echo", hits: "1" }],
    [
      "a resource",
      request("resources/read", { uri: "https://docs.example/a?token=x" }),
      { method: "resources/read", target: "https://docs.example/a", hits: "1" },
    ],
    ["a list", request("tools/list"), { method: "tools/list", hits: "1" }],
    ["a method of its own", request("x/y"), { method: "_OTHER", hits: "1" }],
    ["a notification", notification("notifications/initialized"), { method: "notifications/initialized", hits: "0" }],
    ["an answer", result(), { method: "", hits: "0" }],
    ["a batch", batch(toolCall("echo", 1), notification("x"), toolCall("x", 2)), { method: "_BATCH", hits: "2" }],
    ["a batch of one", batch(toolCall("echo")), { method: "_BATCH", hits: "1" }],
  ])("%s", (_, body, expected) => {
    const { session, ...others } = atRequest(start(), body);
    expect(others).toEqual({ ...NOTHING, ...expected });
    // Never missing: empty, or that of the caller's activity.
    expect(session).toMatch(/^([0-9a-f]{16})?$/);
  });

  test("a call in a session", () => {
    const headers = { ...MCP_HEADERS, "mcp-session-id": "s" };
    expect(handed(start(), toolCall("echo"), { headers }).session).toMatch(/^[0-9a-f]{16}$/);
  });

  test.each([
    ["a principal", "spiffe://mesh.example/a", "spiffe://mesh.example/a"],
    ["one that is no header", "x\r\ny: ü", "x??y: ??"],
    ["one that is not kept whole", "x".repeat(513), ""],
  ])("a caller with %s", (_, principal, shown) => {
    const properties = { [ME]: principal };
    expect(handed(start(), toolCall("echo"), { properties }).principal).toBe(shown);
  });

  test("nothing, of what is limited or passes elsewhere", () => {
    const plugin = startLimited([RULE]);
    const states = Array.from({ length: 4 }, () => handed(plugin, toolCall("echo")).hits);
    expect(states).toEqual(["1", "1", "1", undefined]);
    expect(handed(plugin, toolCall("echo"), { path: "/other" }).hits).toBeUndefined();
    expect(handed(startFilter(), toolCall("echo")).hits).toBeUndefined();
  });
});

describe("tokens", () => {
  const tokensOf = (plugin: Plugin, body: string, asking?: Asking) => Number(handed(plugin, body, asking).tokens);

  test("are those of the request and its answer", () => {
    const plugin = start();
    const before = plugin.vm.metrics.counter("mcp_tokens_total");
    const tokens = tokensOf(plugin, toolCall("echo"), { response: { body: ANSWER } });
    expect(tokens).toBe(plugin.vm.metrics.counter("mcp_tokens_total") - before);
    expect(tokens).toBeGreaterThan(6);
  });

  test("of a batch are the sum", () => {
    const one = tokensOf(start(), toolCall("echo"), { response: { body: ANSWER } });
    const both = batch(ANSWER, result({ content: [{ type: "text", text: TEXT }] }, 2));
    const response = { body: both };
    expect(tokensOf(start(), batch(toolCall("echo", 1), toolCall("echo", 2)), { response })).toBe(2 * one);
  });

  test("of an answer that cannot be read are its bytes, divided by 3", () => {
    const headers = { "content-type": "application/json", "content-encoding": "gzip" };
    const without = tokensOf(start(), toolCall("echo"), { response: null, ended: "server" });
    const response = { headers, body: "x".repeat(300) };
    expect(tokensOf(start(), toolCall("echo"), { response })).toBe(without + 100);
  });

  test("of the answer to a request that is no JSON-RPC for the filter are those of its bytes", () => {
    const body = '{"id":1,"method":"tools/call","params":{"name":"echo"}}';
    const headers = { "content-type": "application/json" };
    expect(tokensOf(start(), body, { response: { headers, body: "x".repeat(300) } })).toBe(100);
    expect(tokensOf(start(), body, { response: { status: 404, headers, body: "x".repeat(300) } })).toBe(0);
  });

  test("of what Envoy's own limit has answered are none", () => {
    const properties = { "response.code_details": "request_rate_limited" };
    const response = { status: 429, body: "" };
    expect(tokensOf(start(), toolCall("echo"), { response, properties })).toBe(0);
    expect(tokensOf(start(), toolCall("echo"), { response })).toBeGreaterThan(0);
  });
});

describe("the answer of Envoy's own limit", () => {
  const limited = (details = "request_rate_limited"): Asking => ({
    response: { status: 429, body: "" },
    properties: { "response.code_details": details, "response.headers.x-ratelimit-reset": "7" },
  });

  test.each(["request_rate_limited", "local_rate_limited"])("%s: a JSON-RPC error takes its place", (details) => {
    const plugin = start();
    expect(ask(plugin, toolCall("echo", 'x"y'), limited(details)).reply).toEqual({
      status: 200,
      details: "mcp_limited[_global]",
      headers: { "retry-after": "7" },
      body: {
        jsonrpc: "2.0",
        id: 'x"y',
        error: {
          code: 429,
          message: "Limited: an allowance that is shared with other proxies is used up",
          data: { rule: "_global", retryAfterMs: 7000, retryAfterSeconds: 7 },
        },
      },
    });
    const decisions = countsBy(plugin, "mcp_limit_decisions_total", "mcp_limit_rule", "mcp_limit_decision");
    expect(decisions).toEqual({ "_global limited": 1 });
    expect(plugin.vm.metrics.counter("mcp_operations_total", { mcp_outcome: "limited" })).toBe(1);
  });

  test.each(["", "soon", "-1", "99999999999"])("a delay of %o is none", (reset) => {
    const { properties, ...asking } = limited();
    const told = { ...properties, "response.headers.x-ratelimit-reset": reset };
    expect(ask(start(), toolCall("echo"), { ...asking, properties: told }).reply?.headers).toEqual({});
  });

  test.each<[what: string, body: string, asking: Asking]>([
    ["a batch, whose ids are not kept", batch(toolCall("echo")), limited()],
    ["an id that is not kept", toolCall("echo", "x".repeat(65)), limited()],
    ["a notification", notification("notifications/initialized"), limited()],
    ["a 429 of the server", toolCall("echo"), limited("via_upstream")],
    ["another path", toolCall("echo"), { ...limited(), path: "/other" }],
  ])("stays as it is for %s", (_, body, asking) => {
    expect(ask(start(), body, asking).reply).toBeUndefined();
  });
});

describe("the types of values", () => {
  test("are texts that last as long as requests, with limits", () => {
    const { declared } = startLimited([RULE]);
    for (const name of [...NAMES, "outcome", "rule"]) {
      expect(declared.get(`mcp.${name}`)).toEqual({ name: `mcp.${name}`, type: 1, span: 1 });
    }
  });

  test("are left to Envoy without", () => {
    const plugin = startFilter();
    plugin.tick();
    expect([...plugin.declared]).toEqual([]);
  });
});
