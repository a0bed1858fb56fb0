/** Tests which requests share an allowance, by the parts of a rule's key. */
import { describe, expect, test } from "vitest";
import { type Plugin, type Properties } from "../../../scripts/host/index.ts";
import { JSON_ANSWER, MCP_HEADERS, request, result, toolCall } from "./filter.ts";
import { admitted, ask, startLimited } from "./limits.ts";
import { inSession, initializeResult } from "./open-stream.ts";

const PRINCIPAL = "connection.uri_san_peer_certificate";
const by = (...key: unknown[]) => [{ name: "calls", key, requests: { amount: 2, per: "1m" } }];
const as = (principal: string, address = "10.0.0.1:1"): { properties: Properties } => ({
  properties: { [PRINCIPAL]: principal, "source.address": address, "xds.cluster_name": "tools" },
});
const from = (address: string): { properties: Properties } => ({
  properties: { "source.address": address, "xds.cluster_name": "tools" },
});

const TEAM = {
  properties: {
    "metadata.filter_metadata.envoy.filters.http.jwt_authn.payload.team": "red",
    "xds.cluster_name": "tools",
  },
};

/** The server lists these tools. */
function list(plugin: Plugin, ...names: string[]): void {
  const tools = names.map((name) => ({ name, inputSchema: { type: "object" } }));
  ask(plugin, request("tools/list"), { response: { headers: JSON_ANSWER, body: result({ tools }) } });
}

test("without a key: all share one", () => {
  const plugin = startLimited(by());
  expect(admitted(plugin, 1, toolCall("a"), as("spiffe://a/x"))).toBe(1);
  expect(admitted(plugin, 9, toolCall("b"), as("spiffe://a/y", "10.0.0.2:1"))).toBe(1);
});

test("by principal: those without one share one", () => {
  const plugin = startLimited(by("principal"));
  for (const one of ["spiffe://a/x", "spiffe://a/y"]) expect(admitted(plugin, 9, toolCall("a"), as(one))).toBe(2);
  expect(admitted(plugin, 1, toolCall("a"), from("10.0.0.1:1"))).toBe(1);
  expect(admitted(plugin, 9, toolCall("a"), from("10.0.0.2:1"))).toBe(1);
});

test("by address, ignoring the port", () => {
  const plugin = startLimited(by("address"));
  expect(admitted(plugin, 1, toolCall("a"), from("10.0.0.1:1"))).toBe(1);
  expect(admitted(plugin, 9, toolCall("a"), from("10.0.0.1:2"))).toBe(1);
  expect(admitted(plugin, 9, toolCall("a"), from("10.0.0.2:1"))).toBe(2);
});

describe("by tool", () => {
  test("those that the server listed have one each, and all invented ones share one", () => {
    const plugin = startLimited([{ ...by("tool")[0], to: [{ operation: { methods: ["tools/call"] } }] }]);
    list(plugin, "a", "b");
    expect(admitted(plugin, 9, toolCall("a"))).toBe(2);
    expect(admitted(plugin, 9, toolCall("b"))).toBe(2);
    const failing = { response: { headers: JSON_ANSWER, body: result({ content: [], isError: true }) } };
    let passed = 0;
    for (let i = 0; i < 50; i++) passed += admitted(plugin, 1, toolCall(`invented-${i}`), failing);
    expect(passed).toBe(2);
  });

  test("one whose call succeeded is known", () => {
    const plugin = startLimited([{ ...by("tool")[0], to: [{ operation: { methods: ["tools/call"] } }] }]);
    expect(admitted(plugin, 1, toolCall("a"))).toBe(1);
    expect(admitted(plugin, 9, toolCall("a"))).toBe(2);
  });
});

test("by method: unknown ones share one", () => {
  const plugin = startLimited(by("method"));
  expect(admitted(plugin, 9, request("tools/list"))).toBe(2);
  expect(admitted(plugin, 9, request("prompts/list"))).toBe(2);
  expect(admitted(plugin, 1, request("tools/invented"))).toBe(1);
  expect(admitted(plugin, 9, request("tools/other"))).toBe(1);
});

test("by server", () => {
  const plugin = startLimited(by("server"));
  for (const cluster of ["one", "two"]) {
    const properties = { "xds.cluster_name": cluster };
    expect(admitted(plugin, 9, toolCall("a"), { properties })).toBe(2);
  }
});

test("by session, with another rule that bounds the gain from new sessions", () => {
  const rules = [...by("session"), { name: "all", key: ["address"], requests: { amount: 5, per: "1m" } }];
  const plugin = startLimited(rules);
  let passed = 0;
  for (let i = 0; i < 10; i++) passed += admitted(plugin, 3, toolCall("a"), { headers: inSession(`s${i}`) });
  expect(passed).toBe(5);
});

test("by the client's software, as the session or the message names it", () => {
  const plugin = startLimited([{ ...by("client")[0], to: [{ operation: { methods: ["tools/call"] } }] }]);
  const begin = (session: string, name: string) => {
    const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name, version: "1" } };
    const headers = { ...JSON_ANSWER, "mcp-session-id": session };
    ask(plugin, request("initialize", params, 0), { response: { headers, body: initializeResult("2025-11-25") } });
  };
  begin("s1", "agent");
  begin("s2", "agent");
  begin("s3", "other");
  expect(admitted(plugin, 1, toolCall("a"), { headers: inSession("s1") })).toBe(1);
  expect(admitted(plugin, 9, toolCall("a"), { headers: inSession("s2") })).toBe(1);
  expect(admitted(plugin, 9, toolCall("a"), { headers: inSession("s3") })).toBe(2);
  const _meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": { name: "third", version: "1" },
  };
  const headers = { ...MCP_HEADERS, "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "a" };
  expect(admitted(plugin, 9, request("tools/call", { name: "a", _meta }), { headers })).toBe(2);
  expect(admitted(plugin, 9, toolCall("a"))).toBe(2);
});

test("by a claim: those without it share one", () => {
  const plugin = startLimited(by({ claim: ["team"] }));
  const team = (name: string): { properties: Properties } => ({
    properties: {
      "metadata.filter_metadata.envoy.filters.http.jwt_authn.payload.team": name,
      "xds.cluster_name": "tools",
    },
  });
  expect(admitted(plugin, 9, toolCall("a"), team("red"))).toBe(2);
  expect(admitted(plugin, 9, toolCall("a"), team("blue"))).toBe(2);
  expect(admitted(plugin, 9, toolCall("a"))).toBe(2);
  expect(admitted(plugin, 9, toolCall("a"), from("10.0.0.9:1"))).toBe(0);
});

test("every applicable rule must admit, and what an earlier one took is refunded", () => {
  const plugin = startLimited([
    { name: "wide", key: [], requests: { amount: 10, per: "1h" } },
    {
      name: "narrow",
      key: [],
      to: [{ operation: { tools: ["slow"] } }],
      requests: { amount: 1, per: "1h" },
    },
  ]);
  expect(admitted(plugin, 9, toolCall("slow"))).toBe(1);
  expect(ask(plugin, toolCall("slow")).reply?.details).toBe("mcp_limited[narrow]");
  expect(admitted(plugin, 99, toolCall("fast"))).toBe(9);
  expect(ask(plugin, toolCall("slow")).reply?.details).toBe("mcp_limited[wide]");
});

test("a rule applies to its callers, and to those that cannot be distinguished from them", () => {
  const rule = { ...by()[0], from: [{ source: { principals: ["spiffe://a/agent-*"] } }] };
  const plugin = startLimited([rule]);
  expect(admitted(plugin, 9, toolCall("a"), as("spiffe://a/human"))).toBe(9);
  expect(admitted(plugin, 9, toolCall("a"), as("spiffe://a/agent-1"))).toBe(2);
});

describe("the delay in a reply", () => {
  test("is exact where the key identifies the caller", () => {
    const plugin = startLimited(by("principal"));
    admitted(plugin, 2, toolCall("a"), as("spiffe://a/x"));
    plugin.vm.clock.advance(1234);
    const { body } = ask(plugin, toolCall("a"), as("spiffe://a/x")).reply!;
    expect(body).toMatchObject({ error: { data: { remaining: 0, retryAfterMs: 28_766, retryAfterSeconds: 29 } } });
  });

  test.each([
    ["by nothing", by(), as("spiffe://a/x")],
    ["by a principal that is missing", by("principal"), from("10.0.0.1:1")],
    ["by a claim, which several may have", by({ claim: ["team"] }), TEAM],
    ["by tool", by("tool"), as("spiffe://a/x")],
    ["by the client's software", by("client"), as("spiffe://a/x")],
  ])("is rounded to a tenth of the period %s", (_key, rules, who) => {
    const plugin = startLimited(rules);
    admitted(plugin, 3, toolCall("a"), who);
    plugin.vm.clock.advance(1234);
    const { body } = ask(plugin, toolCall("a"), who).reply!;
    const { data } = (body as { error: { data: Record<string, unknown> } }).error;
    expect(data).toMatchObject({ retryAfterMs: 30_000, retryAfterSeconds: 30 });
    expect(data).not.toHaveProperty("remaining");
  });
});
