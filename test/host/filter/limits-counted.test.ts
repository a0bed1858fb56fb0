/** Tests how decisions of limits are counted, and what the access log may show of them. */
import { describe, expect, test } from "vitest";
import type { Plugin } from "../../../scripts/host/index.ts";
import { batch, countsBy, JSON_ANSWER, MCP_HEADERS, request, result, toolCall } from "./filter.ts";
import { ask, startLimited } from "./limits.ts";

const CALLS = { name: "calls", key: [], requests: { amount: 2, per: "1m" } };
const WIDE = { name: "wide", key: [], requests: { amount: 100, per: "1m" } };
const ALL_BUT_LISTS = [{ operation: { notMethods: ["tools/list"] } }];

const decisions = (plugin: Plugin) =>
  countsBy(plugin, "mcp_limit_decisions_total", "mcp_limit_rule", "mcp_limit_decision");
const overflow = (plugin: Plugin) => countsBy(plugin, "mcp_limit_key_overflow_total", "mcp_limit_rule");

function times(count: number, run: (index: number) => unknown): void {
  for (let i = 0; i < count; i++) run(i);
}

/** A call of 2026-07-28 by a client of this name. */
function modernCall(name: string, tool = "echo"): string {
  const _meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": { name, version: "1" },
  };
  return request("tools/call", { name: tool, arguments: {}, _meta });
}

const MODERN = {
  headers: {
    ...MCP_HEADERS,
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": "tools/call",
    "mcp-name": "echo",
  },
};

describe("decisions are counted", () => {
  test("by role, server and rule only: admitted requests for each rule that applied, limited ones for the rule that limited them", () => {
    const plugin = startLimited([WIDE, { ...CALLS, to: ALL_BUT_LISTS }]);
    times(5, () => ask(plugin, toolCall("echo")));
    ask(plugin, request("tools/list"));
    expect(decisions(plugin)).toEqual({ "wide admitted": 3, "calls admitted": 2, "calls limited": 3 });
    const names = Object.keys(plugin.vm.metrics.counters("mcp_limit_decisions_total"));
    const labels = names.map((name) => [...name.matchAll(/[{,](\w+)=/g)].map(([, label]) => label).sort());
    const all = ["mcp_limit_decision", "mcp_limit_rule", "mcp_role", "mcp_server"];
    expect(labels).toEqual([all, all, all]);
  });

  test.each([
    ["rule", [{ ...CALLS, mode: "shadow" }], {}],
    ["section", [CALLS], { mode: "shadow" }],
  ])("as shadow_limited if the %s is in shadow mode, and the request passes", (_what, rules, limits) => {
    const plugin = startLimited(rules, { limits });
    times(5, () => expect(ask(plugin, toolCall("echo")).reply).toBeUndefined());
    expect(decisions(plugin)).toEqual({ "calls admitted": 2, "calls shadow_limited": 3 });
    expect(countsBy(plugin, "mcp_operations_total", "mcp_outcome")).toEqual({ ok: 5 });
  });

  test("for each request of a batch separately", () => {
    const plugin = startLimited([CALLS]);
    ask(plugin, batch(toolCall("a", 1), toolCall("b", 2)), { response: { body: batch(result({}, 1), result({}, 2)) } });
    ask(plugin, batch(toolCall("a", 1), toolCall("b", 2), toolCall("c", 3)));
    expect(decisions(plugin)).toEqual({ "calls admitted": 2, "calls limited": 3 });
  });

  test("for undecidable requests", () => {
    const plugin = startLimited([CALLS]);
    ask(plugin, '{"method":"a"} x');
    expect(decisions(plugin)).toEqual({ "_refused limited": 1 });
  });
});

describe("limited operations", () => {
  test("have their own error code and type, and no duration", () => {
    const plugin = startLimited([CALLS]);
    times(3, () => ask(plugin, toolCall("echo")));
    const codes = countsBy(plugin, "mcp_operations_total", "mcp_outcome", "rpc_response_status_code");
    expect(codes).toEqual({ "ok ": 2, "limited 429": 1 });
    const types = Object.keys(plugin.vm.metrics.histograms("mcp_operation_duration_milliseconds"));
    expect(types.filter((name) => name.includes('error_type="limited"'))).toHaveLength(1);
  });

  test("have no session, so that a limited caller has no more sessions than another one", () => {
    const plugin = startLimited([CALLS]);
    const headers = { ...MCP_HEADERS, "mcp-session-id": "s" };
    times(2, () => ask(plugin, toolCall("echo")));
    times(3, () => ask(plugin, toolCall("echo"), { headers }));
    expect(countsBy(plugin, "mcp_sessions_adopted_total", "mcp_session_kind")).toEqual({});
  });

  test("have the name of their client, from its session or from each request", () => {
    const plugin = startLimited([CALLS], { more: { labels: { caller: "client" } } });
    const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "inspector", version: "1" } };
    const headers = { ...JSON_ANSWER, "mcp-session-id": "s" };
    ask(plugin, request("initialize", params), {
      response: { headers, body: result({ protocolVersion: "2025-11-25" }) },
    });
    const inSession = { ...MCP_HEADERS, "mcp-session-id": "s", "mcp-protocol-version": "2025-11-25" };
    times(4, () => ask(plugin, toolCall("echo"), { headers: inSession }));
    ask(plugin, modernCall("loop"), MODERN);
    expect(countsBy(plugin, "mcp_operations_total", "mcp_outcome", "mcp_caller")).toEqual({
      "ok inspector": 3,
      "limited inspector": 2,
      "limited loop": 1,
    });
  });
});

describe("requests that share an allowance because there are too many keys", () => {
  // One address may have a quarter of the keys.
  const limits = { maxKeys: 64 };

  test("are counted by rule", () => {
    const plugin = startLimited(
      [{ name: "clients", key: ["address", "client"], requests: { amount: 100, per: "1m" } }],
      {
        limits,
      },
    );
    times(10, (i) => ask(plugin, modernCall(`client-${i}`), MODERN));
    expect(overflow(plugin)).toEqual({});
    times(30, (i) => ask(plugin, modernCall(`client-${i}`), MODERN));
    expect(decisions(plugin)).toEqual({ "clients admitted": 40 });
    const [[rule, count], ...others] = Object.entries(overflow(plugin));
    expect([rule, others]).toEqual(["clients", []]);
    expect(count).toBeGreaterThanOrEqual(30 - 16);
    expect(count).toBeLessThan(30);
  });
});

describe("the access log may show", () => {
  const state = (plugin: Plugin, body: string, asking = {}) => {
    const shown = ask(plugin, body, asking).stream.state;
    const names = ["mcp.limit", "mcp.outcome", "mcp.method", "mcp.session"];
    return Object.fromEntries(names.map((name) => [name, shown.get(name)]));
  };
  const HASH = expect.stringMatching(/^[0-9a-f]{16}$/);

  test("the rule that limited a request, and its session", () => {
    const plugin = startLimited([CALLS]);
    const inSession = { headers: { ...MCP_HEADERS, "mcp-session-id": "s" } };
    times(2, () => expect(state(plugin, toolCall("echo"))).toMatchObject({ "mcp.limit": undefined }));
    expect(state(plugin, toolCall("echo"), inSession)).toEqual({
      "mcp.limit": "calls",
      "mcp.outcome": "limited",
      "mcp.method": "tools/call",
      "mcp.session": HASH,
    });
  });

  test("the rule in shadow mode that would have limited a request", () => {
    const plugin = startLimited([{ ...CALLS, mode: "shadow" }, WIDE]);
    times(2, () => ask(plugin, toolCall("echo")));
    expect(state(plugin, toolCall("echo"))).toMatchObject({ "mcp.limit": "calls", "mcp.outcome": "ok" });
  });

  test("that a request is undecidable", () => {
    expect(state(startLimited([CALLS]), "{")).toMatchObject({ "mcp.limit": "_refused" });
  });
});
