import { describe, expect, test } from "vitest";
import { exchange } from "../../../scripts/host/index.ts";
import {
  MCP_HEADERS,
  VERSIONED_HEADERS,
  countsBy,
  error,
  post,
  request,
  result,
  startFilter,
  toolCall,
  startVm,
} from "./filter.ts";
import { has } from "./matrix.ts";

const INVENTED = 100_000;
const MODERN = { ...MCP_HEADERS, "mcp-protocol-version": "2026-07-28" };

const tools = (plugin: ReturnType<typeof startFilter>) => plugin.vm.metrics.labelValues("gen_ai_tool_name");
const list = (names: string[]) => result({ tools: names.map((name) => ({ name, inputSchema: {} })) });

describe("which names become labels", () => {
  test("no name that has not been listed, configured or called successfully", () => {
    const plugin = startFilter();
    post(plugin, toolCall("ghost"), error(-32602));
    post(plugin, toolCall("ghost"), result({ isError: true }));
    expect(tools(plugin)).toEqual(["_OTHER"]);
    expect(countsBy(plugin, "mcp_label_overflow_total", "mcp_label")).toEqual({ gen_ai_tool_name: 2 });
  });

  test("those that the server lists", () => {
    const plugin = startFilter();
    post(plugin, request("tools/list"), list(["a", "b"]));
    post(plugin, request("prompts/list"), result({ prompts: [{ name: "p" }] }));
    post(plugin, toolCall("a"), error(-32603));
    post(plugin, request("prompts/get", { name: "p" }), error(-32603));
    expect(tools(plugin)).toEqual(["a"]);
    expect(plugin.vm.metrics.labelValues("gen_ai_prompt_name")).toEqual(["p"]);
  });

  test("not those in the response to anything but a list request", () => {
    const plugin = startFilter();
    post(plugin, toolCall("a"), list(["b"]));
    post(plugin, toolCall("b"), error(-32603));
    expect(tools(plugin)).toEqual(["_OTHER", "a"]);
  });

  test("those that are configured", () => {
    const plugin = startFilter({ configuration: { labels: { tools: ["known"] } } });
    post(plugin, toolCall("known"), error(-32603));
    expect(tools(plugin)).toEqual(["known"]);
  });

  test.runIf(has("longNames"))("not those that are longer than 128 bytes", () => {
    const plugin = startFilter();
    post(plugin, toolCall("x".repeat(128)));
    post(plugin, toolCall("y".repeat(129)));
    expect(tools(plugin)).toEqual(["_OTHER", "x".repeat(128)]);
  });

  test("with ambiguous characters encoded", () => {
    const plugin = startFilter();
    post(plugin, toolCall('a;.;mcp_outcome=.=ok;.;"\n\\é'));
    expect(tools(plugin)).toEqual(["a%3B.%3Bmcp_outcome%3D.%3Dok%3B.%3B%22%0A%5C%C3%A9"]);
  });

  test.runIf(has("clusters"))(
    "different names have different series: tools, prompts, clients and servers, in any script",
    () => {
      const plugin = startFilter();
      const [weather, map, news] = ["查询天气", "查询地图", "查询新闻"];
      const shown = [weather, map, news].map(encodeURIComponent);
      for (const name of [weather, map, news, "get weather", "get_weather", "_OTHER"]) post(plugin, toolCall(name));
      for (const name of [weather, map]) post(plugin, request("prompts/get", { name }));
      post(plugin, toolCall(weather), result(), { properties: { "xds.cluster_name": "天气" } });
      post(plugin, toolCall(weather), result(), { properties: { "xds.cluster_name": "地图" } });
      for (const [i, name] of [weather, map].entries()) {
        const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name, version: "1" } };
        const headers = { "content-type": "application/json", "mcp-session-id": String(i) };
        post(plugin, request("initialize", params), { headers, body: result({ protocolVersion: "2025-11-25" }) });
      }
      expect(tools(plugin)).toEqual(["%5FOTHER", ...shown, "get%20weather", "get_weather"].sort());
      const { metrics } = plugin.vm;
      expect(metrics.labelValues("gen_ai_prompt_name")).toEqual([shown[0], shown[1]].sort());
      expect(metrics.labelValues("mcp_client_name")).toEqual([shown[0], shown[1]].sort());
      expect(metrics.labelValues("mcp_server")).toEqual(
        [..."天气,地图".split(",").map(encodeURIComponent), "tools"].sort(),
      );
    },
  );

  test.runIf(has("clusters"))("each server has names of its own", () => {
    const plugin = startFilter();
    post(plugin, request("tools/list"), list(["a"]), { properties: { "xds.cluster_name": "one" } });
    post(plugin, toolCall("a"), error(1), { properties: { "xds.cluster_name": "two" } });
    expect(countsBy(plugin, "mcp_operations_total", "mcp_server", "gen_ai_tool_name")).toEqual({
      "one ": 1,
      "two _OTHER": 1,
    });
  });
});

describe("100 000 invented names", () => {
  const headers = VERSIONED_HEADERS;

  test("get no label value but _OTHER", () => {
    const plugin = startFilter();
    for (let i = 0; i < INVENTED; i++) {
      post(plugin, i % 2 ? toolCall(`tool-${i}`) : request(`tools/method-${i}`), error(-32602), { headers });
    }
    expect(tools(plugin)).toEqual(["_OTHER"]);
    expect(plugin.vm.metrics.labelValues("mcp_method_name")).toEqual(["_OTHER", "tools/call"]);
    expect(plugin.vm.metrics.counter("mcp_operations_total")).toBe(INVENTED);
  });

  test("get no label value either from a server that always succeeds, once the unreserved slots are full", () => {
    const plugin = startFilter();
    for (let i = 0; i < INVENTED; i++) {
      post(plugin, i % 2 ? toolCall(`tool-${i}`) : request(`tools/method-${i}`), result(), { headers });
    }
    // A quarter of 256, and _OTHER.
    expect(tools(plugin)).toHaveLength(65);
    expect(plugin.vm.metrics.counter("mcp_operations_total")).toBe(INVENTED);
    // The reserved ones are still there for what the server lists.
    post(plugin, request("tools/list"), list(["late"]));
    post(plugin, toolCall("late"), error(-32603));
    expect(tools(plugin)).toContain("late");
  });
});

test.runIf(has("slices"))("a list of 20 000 names needs neither memory nor look-ups once the set is full", () => {
  const plugin = startFilter({ configuration: { labels: { maxTools: 1024 } } });
  const names = (prefix: string) => Array.from({ length: 20_000 }, (_, i) => prefix.padEnd(120, "x") + i);
  post(plugin, request("tools/list"), list(names("a")));
  expect(plugin.vm.memoryPages()).toBeLessThanOrEqual(40);
  plugin.vm.calls.reset();
  post(plugin, request("tools/list"), list(names("b")));
  expect(plugin.vm.calls.count("proxy_get_shared_data")).toBeLessThan(10);
});

test("listed names are capped too", () => {
  const plugin = startFilter({ configuration: { labels: { maxTools: 8 } } });
  const names = Array.from({ length: 20 }, (_, i) => `tool-${i}`);
  post(plugin, request("tools/list"), list(names));
  for (const name of names) post(plugin, toolCall(name));
  expect(tools(plugin)).toHaveLength(9);
});

test.runIf(has("clusters"))("servers are capped", () => {
  const plugin = startFilter({ configuration: { labels: { maxServers: 2 } } });
  for (const cluster of ["a", "b", "c"]) {
    post(plugin, request("ping"), result(), { properties: { "xds.cluster_name": cluster } });
  }
  expect(plugin.vm.metrics.labelValues("mcp_server")).toEqual(["_OTHER", "a", "b"]);
  expect(countsBy(plugin, "mcp_label_overflow_total", "mcp_label")).toEqual({ mcp_server: 1 });
});

test.runIf(has("clusters"))("at most 1 024 triples of server, method and target get series of their own", () => {
  const plugin = startFilter({ configuration: { labels: { maxTools: 1024, tools: [] } } });
  const names = Array.from({ length: 700 }, (_, i) => `tool-${i}`);
  for (const cluster of ["a", "b"]) {
    const properties = { "xds.cluster_name": cluster };
    post(plugin, request("tools/list"), list(names), { properties });
    for (const name of names) post(plugin, toolCall(name), result(), { properties });
  }
  expect(Object.keys(plugin.vm.metrics.counters("mcp_operations_total")).length).toBeLessThanOrEqual(1025);
  expect(plugin.vm.metrics.counter("mcp_operations_total")).toBe(1402);
  expect(countsBy(plugin, "mcp_label_overflow_total", "mcp_label").series).toBeGreaterThan(0);
});

describe("identities", () => {
  test.runIf(has("clusters")).each([
    ["Outbound", {}, "client"],
    ["Inbound", {}, "server"],
    ["Unspecified", {}, "server"],
    ["Outbound", { role: "server" }, "server"],
  ] as const)("role of an %s listener, configured %o: %s", (direction, configuration, role) => {
    const plugin = startFilter({ direction, configuration });
    post(plugin, request("ping"));
    expect(plugin.vm.metrics.labelValues("mcp_role")).toEqual([role]);
  });

  test.runIf(has("hostCalls"))("a configured server's name, without a host call", () => {
    const plugin = startFilter({ configuration: { server: "billing", role: "client" } });
    const call = () => post(plugin, request("ping"), result(), { headers: { ...MCP_HEADERS, "mcp-session-id": "s" } });
    call();
    plugin.vm.calls.reset();
    call();
    expect(plugin.vm.metrics.labelValues("mcp_server")).toEqual(["billing"]);
    expect(plugin.vm.calls.count("proxy_get_property")).toBe(0);
  });

  test("callers only if configured, by address without the port", () => {
    const without = startFilter();
    post(without, request("ping"));
    expect(without.vm.metrics.labelValues("mcp_caller")).toEqual([]);
    const plugin = startFilter({ configuration: { labels: { caller: true } } });
    for (const address of ["192.0.2.7:1", "192.0.2.7:2", "[2001:db8::1]:80"]) {
      post(plugin, request("ping"), result(), { properties: { "source.address": address } });
    }
    expect(countsBy(plugin, "mcp_operations_total", "mcp_caller")).toEqual({ "192.0.2.7": 2, "2001:db8::1": 1 });
  });

  test("callers are capped at 64", () => {
    const plugin = startFilter({ configuration: { labels: { caller: true } } });
    for (let i = 0; i < 100; i++) {
      post(plugin, request("ping"), result(), { properties: { "source.address": `10.0.0.${i}:1` } });
    }
    expect(plugin.vm.metrics.labelValues("mcp_caller")).toHaveLength(65);
    expect(countsBy(plugin, "mcp_label_overflow_total", "mcp_label")).toEqual({ mcp_caller: 36 });
  });

  test("two plugin instances in one VM keep their configurations apart", () => {
    const vm = startVm();
    const one = vm.plugin({ configuration: { server: "one", role: "client" } });
    const two = vm.plugin({ configuration: { server: "two", labels: { tools: ["t"] } } });
    post(one, toolCall("t"), error(1));
    post(two, toolCall("t"), error(1));
    expect(countsBy(one, "mcp_operations_total", "mcp_role", "mcp_server", "gen_ai_tool_name")).toEqual({
      "client one _OTHER": 1,
      "server two t": 1,
    });
  });
});

test("match.paths makes any JSON POST a candidate, regardless of what it accepts", () => {
  const plugin = startFilter({ configuration: { match: { paths: ["/mcp", "/tools/*"] } } });
  const headers = { "content-type": "application/json" };
  const counted = ["/mcp", "/mcp?x=1", "/tools/a/b", "/mcp/other", "/MCP/", "/%6Dcp", "/x%2f..%2fmcp"];
  for (const path of [...counted, "/", "/mcpx", "/x/mcp"]) {
    post(plugin, request("ping"), result(), { headers, path });
  }
  expect(plugin.vm.metrics.counter("mcp_operations_total")).toBe(counted.length);
});

test("a bad configuration is reported with its path, and traffic passes unread", () => {
  const plugin = startFilter({ configuration: { labels: { maxTools: "many" }, unheard: "client" } });
  expect(plugin.configured).toBe(true);
  expect(plugin.vm.logs.map(({ message }) => message)).toEqual([
    'configuration (instance "default"): unheard: unknown field, ignored',
    'invalid configuration (instance "default"): labels.maxTools: expected an integer from 0 to 1024, got "many"',
  ]);
  const { actions } = exchange(plugin, { request: { body: toolCall("a"), headers: MODERN }, response: {} });
  expect(actions.every((action) => action === 0)).toBe(true);
  expect(plugin.vm.metrics.counters()).toEqual({});
});
