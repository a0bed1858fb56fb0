/** Tests server names from a template: the host calls, and missing values. */
import { describe, expect, test } from "vitest";
import type { Plugin, Properties } from "../../../scripts/host/index.ts";
import { ask, deniedBy, startGuarded } from "./access.ts";
import {
  countsBy,
  MCP_HEADERS,
  passSeconds,
  post,
  request,
  result,
  startFilter,
  startWorkers,
  toolCall,
} from "./filter.ts";

const CLUSTER = { "xds.cluster_name": "inbound|8080||" };
const ISTIO = {
  ...CLUSTER,
  "xds.node.cluster": "search.tools",
  "xds.node.metadata.NAMESPACE": "tools",
  "xds.node.metadata.WORKLOAD_NAME": "search",
};
/** Bytes of a double in a property. */
const NUMBER = new Uint8Array([0, 0, 0, 0, 0, 0, 0x59, 0x40]);

function start(server: string, properties: Properties, more: object = {}): Plugin {
  return startFilter({ configuration: { server, ...more }, properties });
}

/** The server names of two calls. */
function serverOf(plugin: Plugin, properties?: Properties): string {
  for (let i = 0; i < 2; i++) post(plugin, toolCall("echo"), result(), { properties });
  return Object.keys(countsBy(plugin, "mcp_operations_total", "mcp_server")).join();
}

/** The properties that a call in a session reads from the host, once everything that it names is known. */
function lookUps(server: string): number {
  const plugin = start(server, { ...ISTIO, "xds.route_name": "r" }, { role: "server" });
  const call = () => post(plugin, toolCall("echo"), result(), { headers: { ...MCP_HEADERS, "mcp-session-id": "s" } });
  for (let i = 0; i < 3; i++) call();
  plugin.vm.calls.reset();
  call();
  return plugin.vm.calls.count("proxy_get_property");
}

function warnings(plugin: Plugin): string[] {
  return plugin.vm.logs.map(({ message }) => message).filter((message) => message.includes("has no value"));
}

describe("a placeholder gets its value from the mesh in use", () => {
  test.each<[mesh: string, properties: Properties, name: string]>([
    ["Istio", ISTIO, "tools/search"],
    ["Consul", { "xds.node.cluster": "search", "xds.node.metadata.namespace": "default" }, "default/search"],
  ])("%s", (_mesh, properties, name) => {
    expect(serverOf(start("{namespace}/{workload}", { ...CLUSTER, ...properties }))).toBe(name);
  });

  test("Kuma, whose node has no namespace", () => {
    const kuma = { "xds.node.cluster": "search_tools_svc_8080", "xds.cluster_name": "self_inbound_dp_main" };
    expect(serverOf(start("{workload}", kuma))).toBe("search_tools_svc_8080");
  });

  test("literal text keeps its bytes in any alphabet", () => {
    const plugin = start("é{node.metadata.NAME}é", { ...CLUSTER, "xds.node.metadata.NAME": "ö" });
    expect(serverOf(plugin)).toBe(serverOf(start("éöé", CLUSTER)));
  });
});

describe("a placeholder without a value: the name is the upstream cluster's, and one warning says so", () => {
  test.each<[what: string, server: string, properties: Properties]>([
    ["no such attribute", "{namespace}/{workload}", CLUSTER],
    ["one of two", "{namespace}/{node.metadata.NAME}", ISTIO],
    ["an empty one", "a{node.metadata.NAME}", { ...ISTIO, "xds.node.metadata.NAME": "" }],
    ["a number", "{node.metadata.NAME}", { ...ISTIO, "xds.node.metadata.NAME": NUMBER }],
    ["a boolean", "{node.metadata.NAME}", { ...ISTIO, "xds.node.metadata.NAME": true }],
    ["none of the stream", "{namespace}/{route}", ISTIO],
  ])("%s", (_what, server, properties) => {
    const plugin = start(server, properties);
    expect(serverOf(plugin)).toBe("inbound%7C8080%7C%7C");
    expect(warnings(plugin)).toHaveLength(1);
  });

  test("an attribute of the stream may have a value later", () => {
    const plugin = start("{route}", CLUSTER);
    post(plugin, toolCall("echo"));
    post(plugin, toolCall("echo"), result(), { properties: { "xds.route_name": "shop" } });
    post(plugin, toolCall("echo"));
    expect(countsBy(plugin, "mcp_operations_total", "mcp_server")).toEqual({ "inbound%7C8080%7C%7C": 2, shop: 1 });
    expect(warnings(plugin)).toEqual(["server: {route} has no value here: mcp_server is the upstream cluster's name"]);
  });
});

describe("the host calls", () => {
  test.each([
    ["search", 0],
    ["", 1],
    ["{namespace}/{workload}", 0],
    ["a{node.cluster}b{node.metadata.NAMESPACE}c", 0],
    ["{namespace}/{cluster}", 1],
    ["{route}/{cluster}", 2],
    // Missing attributes of the node are not read again, unlike the cluster.
    ["{node.metadata.ABSENT}", 1],
    ["{route}/{node.metadata.ABSENT}", 1],
  ])("for %j: %i look-ups per stream", (server, count) => {
    expect(lookUps(server)).toBe(count);
  });
});

describe("identity", () => {
  test("workers agree on it, and clusters behind one name are one server", () => {
    const workers = startWorkers(2, { configuration: { server: "{namespace}/{workload}" }, properties: ISTIO });
    const headers = { ...MCP_HEADERS, "mcp-session-id": "s" };
    post(workers[0], request("ping"), result(), { headers });
    post(workers[1], request("ping"), result(), { headers, properties: { "xds.cluster_name": "another" } });
    passSeconds(workers, 6);
    expect(countsBy(workers[0], "mcp_sessions_active", "mcp_server")).toEqual({ "tools/search": 1 });
  });

  test("names of streams are bounded by labels.maxServers", () => {
    const plugin = start("{namespace}/{route}", ISTIO, { labels: { maxServers: 2 } });
    for (const route of ["a", "b", "c", "d"]) {
      post(plugin, toolCall("echo"), result(), { properties: { "xds.route_name": route } });
    }
    expect(countsBy(plugin, "mcp_operations_total", "mcp_server")).toEqual({ "tools/a": 1, "tools/b": 1, _OTHER: 2 });
  });

  test("an endless name is _OTHER", () => {
    const plugin = start("{route}{route}", { ...CLUSTER, "xds.route_name": "r".repeat(5000) });
    expect(serverOf(plugin)).toBe("_OTHER");
  });
});

describe("an access policy sees the same name", () => {
  const rule = (action: string, server: string) => ({
    name: "ours",
    action,
    to: [{ operation: { servers: [server] } }],
  });
  const repliesTo = (properties: Properties, rules: object[], defaultAction = "DENY") => {
    const more = { server: "{namespace}/{workload}" };
    return ask(startGuarded({ rules, defaultAction }, { more, properties }), toolCall("echo")).reply;
  };

  test("if it has a value", () => {
    expect(repliesTo(ISTIO, [rule("ALLOW", "tools/search")])).toBeUndefined();
    expect(repliesTo(ISTIO, [rule("ALLOW", "inbound|8080||")])).toEqual(deniedBy("_default"));
  });

  test("if it has none, the server is unknown, which never allows and always denies", () => {
    for (const server of ["tools/search", "inbound|8080||"]) {
      expect(repliesTo(CLUSTER, [rule("ALLOW", server)])).toEqual(deniedBy("_default"));
      expect(repliesTo(CLUSTER, [rule("DENY", server)], "ALLOW")).toEqual(deniedBy("ours"));
    }
  });
});
