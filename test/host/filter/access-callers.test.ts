/** Tests the caller, the client software and the revision, as the access policy sees them. */
import { describe, expect, test } from "vitest";
import type { Plugin, Properties } from "../../../scripts/host/index.ts";
import { MCP_HEADERS, passSeconds, request, result, startWorkers, toolCall } from "./filter.ts";
import { ask, type Asking, deniedBy, guarded, principals, startGuarded } from "./access.ts";
import { ENDPOINT, initializeRequest, openStream, POST_HEADERS } from "./http-sse.ts";
import { initializeResult, inSession } from "./open-stream.ts";
import { has } from "./matrix.ts";

const JWT = "metadata.filter_metadata.envoy.filters.http.jwt_authn.payload";

/** Whether a call passes unchanged. */
function passes(plugin: Plugin, asking: Asking = {}, body = toolCall("echo")): boolean {
  const { reply, stream } = ask(plugin, body, asking);
  return reply === undefined && !stream.passedRequest.includes('"denied_');
}

describe.runIf(has("principals"))("a principal", () => {
  const from = (principalSources: string[], name: string) =>
    startGuarded({ principalSources, rules: [principals("ALLOW", "it", name)] });

  test.each<[string, string, Properties]>([
    ["peer_certificate", "spiffe://a/ns/x", { "connection.uri_san_peer_certificate": "spiffe://a/ns/x" }],
    ["filter_state", "spiffe://a/ns/x", { "filter_state.io.istio.peer_principal": "spiffe://a/ns/x" }],
    ["jwt", "https://issuer.example/me", { [`${JWT}.iss`]: "https://issuer.example", [`${JWT}.sub`]: "me" }],
  ])("of %s", (source, name, properties) => {
    expect(passes(from([source], name), { properties })).toBe(true);
    expect(passes(from([source], "someone/else"), { properties })).toBe(false);
    expect(passes(from([source], "*"), {})).toBe(false);
    expect(passes(from([], name), { properties })).toBe(false);
  });

  test("of x-forwarded-client-cert is that of the last element, only if configured", () => {
    const headers = (value: string) => ({ headers: { ...MCP_HEADERS, "x-forwarded-client-cert": value } });
    const plugin = from(["peer_certificate", "x-forwarded-client-cert"], "spiffe://a/x");
    expect(passes(plugin, headers("By=spiffe://a/me;URI=spiffe://a/x"))).toBe(true);
    expect(passes(plugin, headers("URI=spiffe://a/x,URI=spiffe://a/y"))).toBe(false);
    expect(passes(plugin, headers("URI=spiffe://a/y,URI=spiffe://a/x"))).toBe(true);
    const twice: [string, string][] = [
      ["x-forwarded-client-cert", "URI=spiffe://a/x"],
      ["x-forwarded-client-cert", "URI=spiffe://a/y"],
    ];
    expect(passes(plugin, { headers: [...Object.entries(MCP_HEADERS), ...twice] })).toBe(false);
    expect(passes(from(["peer_certificate", "filter_state", "jwt"], "*"), headers("URI=spiffe://a/x"))).toBe(false);
    const properties = { "connection.uri_san_peer_certificate": "spiffe://a/y" };
    expect(passes(plugin, { ...headers("URI=spiffe://a/x"), properties })).toBe(false);
  });

  test("identifies the caller: its activity is one window, from any address, separate from those of others", () => {
    const plugin = from(["peer_certificate"], "*");
    const call = (name: string, address: string) => {
      const properties = { "connection.uri_san_peer_certificate": name, "source.address": address };
      expect(passes(plugin, { properties })).toBe(true);
    };
    call("spiffe://a/x", "192.0.2.1:1");
    call("spiffe://a/x", "192.0.2.2:1");
    call("spiffe://a/y", "192.0.2.1:1");
    expect(plugin.vm.metrics.counter("mcp_sessions_started_total")).toBe(2);
  });

  test("of one request does not carry over to the next", () => {
    const plugin = from(["peer_certificate"], "*");
    const properties = { "connection.uri_san_peer_certificate": "spiffe://a/x" };
    expect([passes(plugin, { properties }), passes(plugin), passes(plugin, { properties })]).toEqual([
      true,
      false,
      true,
    ]);
  });

  test("may be missing", () => {
    const plugin = startGuarded({
      rules: [{ name: "nobody", action: "ALLOW", from: [{ source: { anonymous: true } }] }],
    });
    expect(passes(plugin)).toBe(true);
    expect(passes(plugin, { properties: { "connection.uri_san_peer_certificate": "x" } })).toBe(false);
  });

  test("that is too long is known to be cut", () => {
    const name = `spiffe://a/${"p".repeat(600)}`;
    const properties = { "connection.uri_san_peer_certificate": name };
    expect(passes(from(["peer_certificate"], name.slice(0, 200)), { properties })).toBe(false);
    expect(passes(from(["peer_certificate"], "*p"), { properties })).toBe(false);
    expect(passes(from(["peer_certificate"], "spiffe://a/*"), { properties })).toBe(true);
  });
});

describe("claims and addresses", () => {
  const source = (fields: object, more = {}) =>
    startGuarded({ rules: [{ name: "it", action: "ALLOW", from: [{ source: fields }] }], ...more });

  test.runIf(has("principals"))("of a JWT: a text, or a list", () => {
    const plugin = source({ claims: [{ path: ["realm", "roles"], values: ["admin"] }] });
    const at = `${JWT}.realm.roles`;
    expect(passes(plugin, { properties: { [at]: "admin" } })).toBe(true);
    expect(passes(plugin, { properties: { [at]: "administrator" } })).toBe(false);
    expect(passes(plugin, { properties: { [`${at}.0`]: "x", [`${at}.1`]: "admin" } })).toBe(true);
    expect(passes(plugin)).toBe(false);
  });

  test.runIf(has("principals"))("that are not text are undetermined", () => {
    const plugin = source({ claims: [{ path: ["suspended"], notValues: ["true"] }] });
    expect(passes(plugin, { properties: { [`${JWT}.suspended`]: "no" } })).toBe(true);
    expect(passes(plugin, { properties: { [`${JWT}.suspended`]: true } })).toBe(false);
  });

  test.runIf(has("principals"))("under the configured key", () => {
    const claims = [{ path: ["a"], values: ["b"] }];
    const plugin = source({ claims }, { jwtPayloadKey: "my.token" });
    const path = (key: string) => ({ [`metadata.filter_metadata.envoy.filters.http.jwt_authn.${key}.a`]: "b" });
    expect(passes(plugin, { properties: path("my.token") })).toBe(true);
    expect(passes(plugin, { properties: path("payload") })).toBe(false);
  });

  test("of the peer", () => {
    const plugin = source({ ipBlocks: ["192.0.2.0/24", "2001:db8::/32"], notIpBlocks: ["192.0.2.128/25"] });
    const from = (address: string) => passes(plugin, { properties: { "source.address": address } });
    expect(["192.0.2.1:1", "[2001:db8::1]:443", "192.0.2.200:1", "10.0.0.1:1", ""].map(from)).toEqual([
      ...[true, true, false, false, false],
    ]);
  });
});

describe("the server", () => {
  const to = (servers: string[]) => ({ rules: [{ name: "it", action: "ALLOW", to: [{ operation: { servers } }] }] });

  test.runIf(has("clusters"))("is the configured one, or else the cluster, and no request is held", () => {
    expect(passes(startGuarded(to(["tools"])))).toBe(true);
    expect(ask(startGuarded(to(["tools"])), toolCall("a")).actions).toEqual([0, 0, 0, 0, 0, 0]);
    expect(passes(startGuarded(to(["shop"])))).toBe(false);
    expect(passes(startGuarded(to(["shop"]), { more: { server: "shop" } }))).toBe(true);
    expect(passes(startGuarded(to(["*"])), { properties: { "xds.cluster_name": "" } })).toBe(false);
  });
});

describe("the client's name", () => {
  const when = [{ key: "mcp.clientName", values: ["claude*"] }];
  const policy = { rules: [{ name: "claude", action: "ALLOW", when }] };
  const initialize = (name: string) =>
    request("initialize", { protocolVersion: "2025-11-25", clientInfo: { name } }, 0);
  const begin = (plugin: Plugin, name: string, session: string) => {
    const headers = { "content-type": "application/json", "mcp-session-id": session };
    return ask(plugin, initialize(name), { response: { headers, body: initializeResult("2025-11-25") } }).reply;
  };
  const inItsSession = (session: string) => ({ headers: inSession(session) });

  test("is taken from initialize", () => {
    const plugin = startGuarded(policy);
    expect(begin(plugin, "claude-code", "s1")).toBeUndefined();
    expect(begin(plugin, "cursor", "s2")).toEqual(deniedBy("_default", 0));
    expect(passes(plugin, {}, request("initialize", { clientInfo: {} }))).toBe(false);
  });

  test("is stored for its session, on all workers, and for no other session", () => {
    const workers = startWorkers(3, { configuration: guarded(policy) });
    begin(workers[0], "claude-code", "s1");
    for (const worker of workers) {
      expect(passes(worker, inItsSession("s1"))).toBe(true);
      expect(passes(worker, inItsSession("s2"))).toBe(false);
      expect(passes(worker)).toBe(false);
    }
  });

  test.runIf(has("clusters"))("survives a reload with the same conditions, but not with others", () => {
    const [plugin] = startWorkers(1, { configuration: guarded(policy) });
    begin(plugin, "claude-code", "s1");
    passSeconds([plugin], 2);
    const reload = (access: object) =>
      plugin.vm.plugin({ properties: { "xds.cluster_name": "tools" }, configuration: guarded(access) });
    expect(passes(reload({ ...policy, audit: { perSecond: 5 } }), inItsSession("s1"))).toBe(true);
    const others = { rules: [{ name: "c", action: "ALLOW", when: [{ key: "mcp.clientName", values: ["c*"] }] }] };
    expect(passes(reload(others), inItsSession("s1"))).toBe(false);
  });

  test("is stored for an HTTP+SSE session", () => {
    const plugin = startGuarded(policy);
    const posted = { path: ENDPOINT, headers: POST_HEADERS, response: { status: 202 } };
    const stream = openStream(plugin);
    expect(passes(plugin, posted)).toBe(false);
    expect(passes(plugin, posted, initializeRequest("claude"))).toBe(true);
    stream.send(initializeResult("2024-11-05"));
    expect(passes(plugin, posted)).toBe(true);
    expect(passes(plugin, { ...posted, path: "/messages?sessionId=other" })).toBe(false);
  });

  test("is taken from each request of 2026-07-28, which has no session", () => {
    const plugin = startGuarded(policy);
    begin(plugin, "claude-code", "s1");
    const call = (name?: string) =>
      request("tools/call", {
        name: "echo",
        _meta: {
          "io.modelcontextprotocol/protocolVersion": "2026-07-28",
          ...(name && { "io.modelcontextprotocol/clientInfo": { name } }),
        },
      });
    const headers = {
      ...inSession("s1"),
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "tools/call",
      "mcp-name": "echo",
    };
    expect(passes(plugin, { headers }, call("claude"))).toBe(true);
    expect(passes(plugin, { headers }, call("cursor"))).toBe(false);
    expect(passes(plugin, { headers }, call())).toBe(false);
  });

  test("that is unknown is denied by a rule about what it must not be", () => {
    const rules = [{ name: "x", action: "DENY", when: [{ key: "mcp.clientName", values: ["cursor"] }] }];
    const plugin = startGuarded({ defaultAction: "ALLOW", rules });
    expect(passes(plugin)).toBe(false);
    expect(begin(plugin, "claude", "s1")).toBeUndefined();
    expect(passes(plugin, inItsSession("s1"))).toBe(true);
    expect(begin(plugin, "cursor", "s2")).toEqual(deniedBy("x", 0));
  });
});

describe("the revision", () => {
  const when = (values: string[]) => ({
    rules: [{ name: "it", action: "ALLOW", when: [{ key: "mcp.protocolVersion", values }] }],
  });
  const named = (version: string) => ({ headers: { ...MCP_HEADERS, "mcp-protocol-version": version } });

  test("is the header's, or else 2025-03-26", () => {
    expect(passes(startGuarded(when(["2025-11-25"])), named("2025-11-25"))).toBe(true);
    expect(passes(startGuarded(when(["2025-11-25"])), named("2025-06-18"))).toBe(false);
    expect(passes(startGuarded(when(["2025-03-26"])))).toBe(true);
  });

  test("is undetermined for a header with an unknown revision", () => {
    expect(passes(startGuarded(when(["*"])), named("1999-01-01"))).toBe(false);
    expect(passes(startGuarded(when(["2025-03-26"])), named(""))).toBe(false);
  });

  test("is undetermined for headers with two revisions", () => {
    const two: [string, string][] = ["2025-11-25", "2025-06-18"].map((version) => ["mcp-protocol-version", version]);
    expect(passes(startGuarded(when(["*"])), { headers: [...Object.entries(MCP_HEADERS), ...two] })).toBe(false);
    for (const list of ["2025-11-25, 2025-06-18", "2025-11-25,2025-11-25,x", "2025-11-25,"]) {
      expect(passes(startGuarded(when(["*"])), named(list)), list).toBe(false);
    }
  });

  test("is read from headers that repeat it, as lines or as a list", () => {
    const two: [string, string][] = Array(2).fill(["mcp-protocol-version", "2025-11-25"]);
    const plugin = startGuarded(when(["2025-11-25"]));
    expect(passes(plugin, { headers: [...Object.entries(MCP_HEADERS), ...two] })).toBe(true);
    for (const list of ["2025-11-25, 2025-11-25", "2025-11-25,2025-11-25", "2025-11-25 ,\t2025-11-25"]) {
      expect(passes(plugin, named(list)), list).toBe(true);
    }
  });

  test("of initialize is the requested one, of 2026-07-28 that of the body", () => {
    const plugin = startGuarded(when(["2025-06-18"]));
    expect(passes(plugin, {}, request("initialize", { protocolVersion: "2025-06-18" }))).toBe(true);
    expect(passes(plugin, named("2025-06-18"), request("initialize", { protocolVersion: "2025-11-25" }))).toBe(false);
    const meta = { _meta: { "io.modelcontextprotocol/protocolVersion": "2025-06-18" } };
    expect(passes(plugin, named("2025-06-18"), request("ping", meta))).toBe(true);
    // Older servers use the header, newer ones the body.
    expect(passes(plugin, named("2025-11-25"), request("ping", meta))).toBe(false);
    expect(passes(plugin, {}, request("ping", meta))).toBe(false);
  });
});

test("two plugins in one VM each have their own policy", () => {
  const { vm } = startGuarded({});
  const plugin = (name: string, tool: string) => {
    const rules = [
      {
        name,
        action: "ALLOW",
        to: [{ operation: { tools: [tool] } }],
        when: [{ key: `mcp.arguments[${tool}]`, notValues: ["x"] }],
      },
    ];
    return vm.plugin({
      name,
      rootId: name,
      configuration: guarded({ rules, maxBodyBytes: name === "a" ? "1KiB" : "64KiB" }),
    });
  };
  const [one, other] = [plugin("a", "echo"), plugin("b", "rm")];
  const call = (tool: string, args: object) => request("tools/call", { name: tool, arguments: args });
  for (let i = 0; i < 3; i++) {
    expect(passes(one, {}, call("echo", { echo: "y" }))).toBe(true);
    expect(passes(other, {}, call("echo", { echo: "y", rm: "y" }))).toBe(false);
    expect(passes(other, {}, call("rm", { rm: "y", filler: "f".repeat(2000) }))).toBe(true);
    expect(passes(one, {}, call("rm", { rm: "y" }))).toBe(false);
    expect(passes(one, {}, call("echo", { echo: "y", filler: "f".repeat(2000) }))).toBe(false);
  }
  expect(passes(one, {}, result())).toBe(true);
});
