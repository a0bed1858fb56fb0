/** Tests what is counted, logged and shown of the access policy's decisions, also in a dry run. */
import { describe, expect, test } from "vitest";
import type { Plugin } from "../../../scripts/host/index.ts";
import { batch, countsBy, error, MCP_HEADERS, notification, request, result, startFilter, toolCall } from "./filter.ts";
import { ask, auditOf, deniedBy, methods, principals, refusedFor, startGuarded, tools } from "./access.ts";
import { has } from "./matrix.ts";

const FAMILY = "mcp_access_decisions_total";
const decisions = (plugin: Plugin) =>
  countsBy(plugin, FAMILY, "mcp_access_rule", "mcp_access_action", "mcp_access_mode");
const NO_RM = tools("DENY", "no-rm", "rm");
const me = { properties: { "connection.uri_san_peer_certificate": "spiffe://a/me" } };

describe("decisions are counted", () => {
  test("with the rule, the action, the mode, the method, the target, the server and the role", () => {
    const plugin = startGuarded(
      { rules: [NO_RM, methods("ALLOW", "calls", "tools/call", "prompts/get")] },
      { more: { labels: { tools: ["echo", "rm"] } } },
    );
    ask(plugin, toolCall("rm"));
    ask(plugin, toolCall("echo"));
    ask(plugin, toolCall("echo"));
    ask(plugin, request("tools/list"));
    ask(plugin, "{}");
    const common = { mcp_access_mode: "enforce", mcp_server: "tools", mcp_role: "server" };
    const call = { ...common, mcp_method_name: "tools/call" };
    const { metrics } = plugin.vm;
    const count = (labels: Record<string, string>) => metrics.counter(FAMILY, labels);
    expect(count({ ...call, mcp_access_rule: "no-rm", mcp_access_action: "deny", gen_ai_tool_name: "rm" })).toBe(1);
    expect(count({ ...call, mcp_access_rule: "calls", mcp_access_action: "allow", gen_ai_tool_name: "echo" })).toBe(2);
    const other = { ...common, mcp_access_action: "deny" };
    expect(count({ ...other, mcp_access_rule: "_default", mcp_method_name: "tools/list" })).toBe(1);
    expect(count({ ...other, mcp_access_rule: "_refused" })).toBe(1);
    expect(count({})).toBe(5);
  });

  test("with a bounded number of names, whatever callers send", () => {
    const plugin = startGuarded({}, { more: { labels: { maxTools: 5 } } });
    for (let i = 0; i < 500; i++) ask(plugin, toolCall(`made-up-${i}`));
    expect(Object.keys(countsBy(plugin, FAMILY, "gen_ai_tool_name"))).toEqual(["_OTHER"]);
  });
});

describe("MCP on a path outside the policy is counted and passes", () => {
  const counts = (plugin: Plugin) =>
    countsBy(plugin, FAMILY, "mcp_access_rule", "mcp_access_action", "mcp_method_name", "gen_ai_tool_name");
  const elsewhere = { path: "/other" };
  const labels = { labels: { tools: ["echo", "rm"] } };

  test("by message, with method and target", () => {
    const plugin = startGuarded({ rules: [tools("ALLOW", "all", "*")] }, { more: labels });
    expect(ask(plugin, toolCall("rm"), elsewhere).actions).toEqual([0, 0, 0, 0, 0, 0]);
    ask(plugin, batch(toolCall("rm"), notification("notifications/initialized")), elsewhere);
    const inSession = { ...MCP_HEADERS, "mcp-session-id": "s" };
    ask(plugin, result({}, "never-asked"), { ...elsewhere, headers: inSession, response: { status: 202 } });
    ask(plugin, toolCall("echo"));
    expect(counts(plugin)).toEqual({
      "_unchecked allow tools/call rm": 2,
      "_unchecked allow notifications/initialized ": 1,
      "_unchecked allow  ": 1,
      "all allow tools/call echo": 1,
    });
    expect(decisions(plugin)).toEqual({ "_unchecked allow enforce": 4, "all allow enforce": 1 });
  });

  test("also in shadow mode", () => {
    const plugin = startGuarded({ mode: "shadow" });
    ask(plugin, toolCall("rm"), elsewhere);
    expect(decisions(plugin)).toEqual({ "_unchecked allow shadow": 1 });
  });

  test("but not if it is not MCP, or without a policy", () => {
    const plugin = startGuarded({});
    ask(plugin, '{"model":"x"}', elsewhere);
    ask(plugin, "", { ...elsewhere, method: "GET" });
    expect(decisions(plugin)).toEqual({});
    const free = startFilter({ configuration: { match: { paths: ["/mcp"] } } });
    ask(free, toolCall("rm"), elsewhere);
    expect(decisions(free)).toEqual({});
  });
});

describe("a policy in a dry run", () => {
  const access = { mode: "shadow", rules: [NO_RM, tools("ALLOW", "rest", "*")] };

  test("holds and denies nothing, and reports what it would have denied", () => {
    const plugin = startGuarded(access);
    const passing = { reply: undefined, actions: [0, 0, 0, 0, 0, 0] };
    expect(ask(plugin, toolCall("rm"))).toMatchObject(passing);
    expect(ask(plugin, toolCall("echo"))).toMatchObject(passing);
    expect(ask(plugin, request("tools/list"))).toMatchObject(passing);
    expect(ask(plugin, '{"Method":"x"}', { response: { body: error(-32600) } })).toMatchObject(passing);
    expect(decisions(plugin)).toEqual({
      "no-rm deny shadow": 1,
      "rest allow shadow": 1,
      "_default deny shadow": 1,
      "_refused deny shadow": 1,
    });
    expect(auditOf(plugin)).toMatchObject([
      { mode: "shadow", rule: "no-rm", method: "tools/call", target: "rm", server: "tools" },
      { mode: "shadow", rule: "_default", method: "tools/list", server: "tools" },
      { mode: "shadow", rule: "_refused", reason: "case_variant_key" },
    ]);
    expect(countsBy(plugin, "mcp_operations_total", "mcp_outcome")).toEqual({ ok: 3 });
  });

  test("reports each message of a batch", () => {
    const plugin = startGuarded(access);
    ask(plugin, batch(toolCall("rm", 1), toolCall("a", 2), notification("notifications/x")));
    expect(decisions(plugin)).toEqual({
      "no-rm deny shadow": 1,
      "rest allow shadow": 1,
      "_default deny shadow": 1,
    });
  });
});

describe("a rule in a dry run", () => {
  const shadow = { ...NO_RM, mode: "shadow" };

  test("decides nothing, and reports what it would have denied", () => {
    const plugin = startGuarded({ rules: [shadow, tools("ALLOW", "rest", "*")] });
    expect(ask(plugin, toolCall("rm"))).toMatchObject({ reply: undefined });
    expect(ask(plugin, toolCall("echo"))).toMatchObject({ reply: undefined });
    expect(decisions(plugin)).toEqual({
      "rest allow enforce": 2,
      "no-rm deny shadow": 1,
    });
    expect(auditOf(plugin)).toMatchObject([{ mode: "shadow", rule: "no-rm", target: "rm" }]);
  });

  test("holds nothing", () => {
    const plugin = startGuarded({ defaultAction: "ALLOW", rules: [shadow] });
    expect(ask(plugin, toolCall("rm")).actions).toEqual([0, 0, 0, 0, 0, 0]);
    expect(decisions(plugin)).toEqual({ "_default allow enforce": 1, "no-rm deny shadow": 1 });
  });

  test("that allows is reported in addition to the denial", () => {
    const plugin = startGuarded({ rules: [{ ...tools("ALLOW", "try", "rm"), mode: "shadow" }] });
    expect(ask(plugin, toolCall("rm")).reply).toEqual(deniedBy("_default"));
    expect(decisions(plugin)).toEqual({ "_default deny enforce": 1, "try allow shadow": 1 });
  });
});

describe("the access log may show", () => {
  const state = (plugin: Plugin, body: string, asking = {}) => {
    const shown = ask(plugin, body, asking).stream.state;
    return Object.fromEntries(
      ["mcp.principal", "mcp.rule", "mcp.outcome", "mcp.method"].map((name) => [name, shown.get(name)]),
    );
  };

  test.runIf(has("filterState"))("the caller and the rule", () => {
    const plugin = startGuarded({ rules: [NO_RM, principals("ALLOW", "mine", "spiffe://a/*")] });
    expect(state(plugin, toolCall("rm"), me)).toEqual({
      "mcp.principal": "spiffe://a/me",
      "mcp.rule": "no-rm",
      "mcp.outcome": "denied",
      "mcp.method": "tools/call",
    });
    expect(state(plugin, toolCall("echo"), me)).toMatchObject({ "mcp.rule": "mine", "mcp.outcome": "ok" });
    expect(state(plugin, toolCall("echo"))).toMatchObject({ "mcp.principal": undefined, "mcp.rule": "_default" });
    expect(state(plugin, "{", me)).toMatchObject({ "mcp.principal": "spiffe://a/me", "mcp.rule": "_refused" });
  });

  test("nothing without a policy", () => {
    expect(state(startFilter(), toolCall("echo"), me)).toMatchObject({
      "mcp.principal": undefined,
      "mcp.rule": undefined,
    });
  });
});

test("a rejection without a decision has no method and no operation", () => {
  const plugin = startGuarded({});
  expect(ask(plugin, '{"method":"a"} x').reply).toEqual(refusedFor("not_json"));
  expect(ask(plugin, toolCall("a"), { headers: { ...MCP_HEADERS, "content-encoding": "gzip" } }).reply).toEqual(
    refusedFor("compressed"),
  );
  expect(countsBy(plugin, FAMILY, "mcp_access_rule", "mcp_method_name")).toEqual({ "_refused ": 2 });
});
