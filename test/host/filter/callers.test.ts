/** Whom the label `mcp_caller` shows, by what `labels.caller` says. */
import { describe, expect, test } from "vitest";
import { ask, guarded, methods, startGuarded, tools } from "./access.ts";
import {
  JSON_ANSWER,
  MCP_HEADERS,
  countsBy,
  post,
  request,
  result,
  SSE_ANSWER,
  startFilter,
  startWorkers,
  toolCall,
} from "./filter.ts";
import { ENDPOINT, openStream, POST_HEADERS } from "./http-sse.ts";
import { event } from "./filter.ts";
import { sanitized } from "../../prometheus/sanitized.ts";

const by = (caller: unknown) => ({ labels: { caller } });
const as = (principal: string) => ({ properties: { "connection.uri_san_peer_certificate": principal } });
const from = (address: string) => ({ properties: { "source.address": `${address}:1` } });
const AGENT = "spiffe://cluster.local/ns/agents/sa/a";
const OPEN = { defaultAction: "ALLOW", rules: [tools("DENY", "no-rm", "rm")] };
const MODERN = { "io.modelcontextprotocol/protocolVersion": "2026-07-28" };

const callers = (plugin: ReturnType<typeof startFilter>, family = "mcp_operations_total") =>
  countsBy(plugin, family, "mcp_caller");
const inSession = (id: string) => ({ ...MCP_HEADERS, "mcp-session-id": id, "mcp-protocol-version": "2025-11-25" });

function initialize(plugin: ReturnType<typeof startFilter>, id: string, name: string): void {
  const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name, version: "1" } };
  const headers = { ...JSON_ANSWER, "mcp-session-id": id };
  post(plugin, request("initialize", params), { headers, body: result({ protocolVersion: "2025-11-25" }) });
}

/** A call of 2026-07-28 by a client of this name. */
function modernCall(name: string, tool = "echo"): string {
  const _meta = { ...MODERN, "io.modelcontextprotocol/clientInfo": { name, version: "1" } };
  return request("tools/call", { name: tool, arguments: {}, _meta });
}

describe("the address", () => {
  test.each([true, "address"])("%j: of operations and of decisions", (caller) => {
    const plugin = startGuarded(OPEN, { more: by(caller) });
    ask(plugin, toolCall("echo"), from("192.0.2.7"));
    ask(plugin, toolCall("rm"), from("192.0.2.8"));
    expect(callers(plugin)).toEqual({ "192.0.2.7": 1, "192.0.2.8": 1 });
    expect(callers(plugin, "mcp_access_decisions_total")).toEqual({ "192.0.2.7": 1, "192.0.2.8": 1 });
  });

  test("without an address the label is left out", () => {
    const plugin = startFilter({ configuration: by("address") });
    post(plugin, request("ping"), result(), { properties: { "source.address": "" } });
    expect(callers(plugin)).toEqual({ "": 1 });
  });

  test.each([false, "none", undefined])("%j: no label", (caller) => {
    const plugin = startGuarded(OPEN, { more: by(caller) });
    ask(plugin, toolCall("rm"), from("192.0.2.8"));
    expect(plugin.vm.metrics.labelValues("mcp_caller")).toEqual([]);
  });

  test("durations have no caller", () => {
    const plugin = startFilter({ configuration: by("address") });
    post(plugin, toolCall("echo"), result(), from("192.0.2.7"));
    expect(plugin.vm.metrics.labelValues("mcp_caller", "mcp_operation_duration_milliseconds")).toEqual([]);
  });
});

describe("the principal", () => {
  test("of operations and of decisions; without one the label is left out", () => {
    const plugin = startGuarded(OPEN, { more: by("principal") });
    ask(plugin, toolCall("echo"), as(AGENT));
    ask(plugin, toolCall("rm"), as(AGENT));
    ask(plugin, toolCall("rm"));
    expect(callers(plugin)).toEqual({ [AGENT]: 2, "": 1 });
    expect(callers(plugin, "mcp_access_decisions_total")).toEqual({ [AGENT]: 2, "": 1 });
  });

  test("without a policy by the default sources", () => {
    const plugin = startFilter({ configuration: by("principal") });
    post(plugin, toolCall("echo"), result(), as(AGENT));
    post(plugin, toolCall("echo"), result(), {
      properties: { "filter_state.io.istio.peer_principal": "spiffe://a/b" },
    });
    const forwarded = { headers: { ...MCP_HEADERS, "x-forwarded-client-cert": "URI=spiffe://a/c" } };
    post(plugin, toolCall("echo"), result(), forwarded);
    expect(callers(plugin)).toEqual({ [AGENT]: 1, "spiffe://a/b": 1, "": 1 });
  });

  test("by the sources of the policy", () => {
    const access = { ...OPEN, principalSources: ["x-forwarded-client-cert"] };
    const plugin = startFilter({ configuration: { ...guarded(access), ...by("principal") } });
    const URI = "URI=spiffe://a/c";
    const headers = { ...MCP_HEADERS, "x-forwarded-client-cert": URI };
    const properties = { "connection.uri_san_peer_certificate": AGENT };
    ask(plugin, toolCall("echo"), { headers, properties });
    expect(callers(plugin)).toEqual({ "spiffe://a/c": 1 });
  });

  test("of an operation that another stream answers", () => {
    const plugin = startFilter({ configuration: by("principal") });
    const { stream } = openStream(plugin);
    post(plugin, toolCall("echo"), { status: 202 }, { path: ENDPOINT, headers: POST_HEADERS, ...as(AGENT) });
    stream.responseBody(Buffer.from(event(result())));
    expect(callers(plugin)).toEqual({ [AGENT]: 1 });
  });

  test("64 of them, the others are _OTHER and counted", () => {
    const plugin = startFilter({ configuration: by("principal") });
    for (let i = 0; i < 100; i++) post(plugin, request("ping"), result(), as(`spiffe://a/${i}`));
    expect(plugin.vm.metrics.labelValues("mcp_caller")).toHaveLength(65);
    expect(countsBy(plugin, "mcp_label_overflow_total", "mcp_label")).toEqual({ mcp_caller: 36 });
  });
});

describe("the client", () => {
  test("of a session, by the name in its initialize, on every worker", () => {
    const [one, two] = startWorkers(2, { configuration: by("client") });
    initialize(one, "s", "inspector");
    initialize(two, "t", "my agent");
    for (const worker of [one, two]) {
      post(worker, toolCall("echo"), result(), { headers: inSession("s") });
      post(worker, toolCall("echo"), result(), { headers: inSession("t") });
    }
    post(one, toolCall("echo"), result(), { headers: inSession("unknown") });
    expect(callers(one)).toEqual({ inspector: 3, "my%20agent": 3, "": 1 });
  });

  test("of 2026-07-28, by the name in each request", () => {
    const plugin = startFilter({ configuration: by("client") });
    const headers = { ...MCP_HEADERS, "mcp-protocol-version": "2026-07-28" };
    for (const name of ["a", "b", "a"]) post(plugin, modernCall(name), result(), { headers });
    expect(callers(plugin)).toEqual({ a: 2, b: 1 });
  });

  test("of decisions", () => {
    const plugin = startGuarded(OPEN, { more: by("client") });
    const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "inspector", version: "1" } };
    const response = {
      headers: { ...JSON_ANSWER, "mcp-session-id": "s" },
      body: result({ protocolVersion: "2025-11-25" }),
    };
    ask(plugin, request("initialize", params), { response });
    ask(plugin, toolCall("rm"), { headers: inSession("s") });
    const modern = {
      ...MCP_HEADERS,
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "tools/call",
      "mcp-name": "rm",
    };
    ask(plugin, modernCall("b", "rm"), { headers: modern });
    const denied = { mcp_access_action: "deny" };
    const count = (mcp_caller: string) =>
      plugin.vm.metrics.counter("mcp_access_decisions_total", { ...denied, mcp_caller });
    expect([count("inspector"), count("b")]).toEqual([1, 1]);
    const operations = (mcp_caller: string) =>
      plugin.vm.metrics.counter("mcp_operations_total", { mcp_outcome: "denied", mcp_caller });
    expect([operations("inspector"), operations("b")]).toEqual([1, 1]);
  });

  test("of messages on paths outside of the policy", () => {
    const plugin = startGuarded({ rules: [methods("ALLOW", "all", "*")] }, { more: by("client") });
    initialize(plugin, "s", "inspector");
    post(plugin, toolCall("echo"), result(), { path: "/other", headers: inSession("s") });
    const unchecked = plugin.vm.metrics.counter("mcp_access_decisions_total", {
      mcp_access_rule: "_unchecked",
      mcp_caller: "inspector",
    });
    expect(unchecked).toBe(1);
  });

  test("64 of them, and the names of no client make a label", () => {
    const plugin = startFilter({ configuration: by("client") });
    const headers = { ...MCP_HEADERS, "mcp-protocol-version": "2026-07-28" };
    for (let i = 0; i < 1000; i++) post(plugin, modernCall(`client ${i}`), result(), { headers });
    expect(plugin.vm.metrics.labelValues("mcp_caller")).toHaveLength(65);
    expect(countsBy(plugin, "mcp_label_overflow_total", "mcp_label")).toMatchObject({ mcp_caller: 936 });
  });

  test.each([
    ["a___mcp_outcome___ok", "a_%5F_mcp_outcome_%5F_ok"],
    ["a---b-----c--", "a-%2D-b-%2D-%2D-c--"],
    ["https://a//b:///c", "https://a//b:%2F//c"],
    ["::1", "::1"],
    ["a  b", "a%20%20b"],
    ["a- b", "a-%20b"],
    ["a-- b", "a-%2D%20b"],
  ])("cannot forge labels where a mesh replaces symbols by _: %j is %j", (name, shown) => {
    const plugin = startFilter({ configuration: by("client") });
    const headers = { ...MCP_HEADERS, "mcp-protocol-version": "2026-07-28" };
    post(plugin, modernCall(name), { headers: SSE_ANSWER, body: event(result()) }, { headers });
    expect(plugin.vm.metrics.labelValues("mcp_caller")).toEqual([shown]);
    expect(sanitized(shown)).toMatch(/^(?:[A-Za-z0-9]+___)?(?:_?_?[^_])*_?_?$/);
  });
});

test("callers of one kind leave room for those of another, which a reload asks for", () => {
  let [plugin] = startWorkers(1, { configuration: by("address") });
  for (let i = 0; i < 64; i++) post(plugin, request("ping"), result(), from(`192.0.2.${i}`));
  plugin = plugin.vm.plugin({ properties: { "xds.cluster_name": "tools" }, configuration: by("principal") });
  plugin.tick();
  plugin.vm.metrics.reset();
  post(plugin, request("ping"), result(), as(AGENT));
  expect(callers(plugin)).toMatchObject({ [AGENT]: 1 });
});
