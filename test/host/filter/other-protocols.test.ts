/** Tests other protocols over JSON-RPC, and other endpoints of MCP servers: neither counts as MCP. */
import { describe, expect, test } from "vitest";
import { exchange, type Plugin } from "../../../scripts/host/index.ts";
import { ask } from "./access.ts";
import {
  countsBy,
  error,
  event,
  JSON_ANSWER,
  MCP_HEADERS,
  notification,
  post,
  request,
  result,
  SSE_ANSWER,
  startFilter,
} from "./filter.ts";
import { openStream, send } from "./http-sse.ts";

const outcomes = (plugin: Plugin) => countsBy(plugin, "mcp_operations_total", "mcp_method_name", "mcp_outcome");

/** A2A 0.3: section 7, "Protocol RPC Methods". */
const A2A: [string, object][] = [
  ["message/send", { message: { role: "user", parts: [{ kind: "text", text: "hi" }], messageId: "m" } }],
  ["message/stream", { message: { role: "user", parts: [], messageId: "m" } }],
  ["tasks/get", { id: "t", historyLength: 1 }],
  ["tasks/list", { contextId: "c" }],
  ["tasks/cancel", { id: "t" }],
  ["tasks/resubscribe", { id: "t" }],
  ["tasks/pushNotificationConfig/set", { taskId: "t", pushNotificationConfig: { url: "https://a.example" } }],
  ["tasks/pushNotificationConfig/get", { id: "t" }],
  ["agent/getAuthenticatedExtendedCard", {}],
];

/** Messages of language servers, agent clients and blockchains with a method of MCP, or one in a namespace of MCP. */
const OTHERS: [string, object | undefined][] = [
  ["initialize", { processId: 1, clientInfo: { name: "editor" }, rootUri: "file:///a", capabilities: {} }],
  ["initialize", { protocolVersion: 1, clientCapabilities: {} }],
  ["initialize", undefined],
  ["textDocument/hover", {}],
  ["eth_subscribe", {}],
  ["logging/rotate", {}],
  ["server/status", {}],
  ["notifications/send", { to: "x" }],
  ["resources/create", { name: "x" }],
];

describe("a request of another protocol is not MCP", () => {
  test.each([...A2A, ...OTHERS])("%s %j", (method, params) => {
    const plugin = startFilter();
    post(plugin, request(method, params), result({ id: "t", kind: "task" }));
    post(plugin, request(method, params), { headers: SSE_ANSWER, body: event(result()) + event("{}") + "data: x\n\n" });
    post(plugin, request(method, params), { status: 500 });
    expect(plugin.vm.metrics.size).toBe(0);
  });

  test.each([...A2A, ...OTHERS])("%s %j, with a header that MCP does not define", (method, params) => {
    const plugin = startFilter();
    for (const name of ["mcp-client", "mcp-proxy-auth", "mcp-server-url", "mcp-session", "mcp-"]) {
      const headers = { ...MCP_HEADERS, [name]: "x" };
      post(plugin, request(method, params), result(), { headers });
      post(plugin, '{"name":"everything"}', result(), { headers });
      post(plugin, "\x1f\x8b", result(), { headers: { ...headers, "content-encoding": "gzip" } });
      exchange(plugin, {
        request: { method: "GET", headers: { accept: "text/event-stream", [name]: "x" } },
        response: { headers: SSE_ANSWER, body: event("{}") },
      });
      exchange(plugin, {
        request: { headers: { "content-type": "application/json", [name]: "x" }, body: request("tools/list") },
        response: { headers: JSON_ANSWER, body: result() },
      });
    }
    expect(plugin.vm.metrics.size).toBe(0);
  });
});

describe("a method of MCP's tasks is MCP", () => {
  const call = request("tasks/get", { taskId: "t" });
  const answered = { "tasks/get ok": 1 };

  test.each([
    ["mcp-protocol-version", "2025-11-25"],
    ["mcp-session-id", "s"],
    ["mcp-method", "tasks/get"],
    ["mcp-name", "t"],
    ["mcp-param-region", "x"],
  ])("with %s", (name, value) => {
    const plugin = startFilter();
    post(plugin, call, result(), { headers: { ...MCP_HEADERS, [name]: value } });
    expect(outcomes(plugin)).toEqual(answered);
  });

  test("on a configured path", () => {
    const plugin = startFilter({ configuration: { match: { paths: ["/mcp"] } } });
    post(plugin, call, result(), { path: "/a2a" });
    expect(plugin.vm.metrics.size).toBe(0);
    post(plugin, call, result(), { path: "/mcp" });
    expect(outcomes(plugin)).toEqual(answered);
  });

  test("posted to an endpoint that an HTTP+SSE stream announced", () => {
    const plugin = startFilter();
    const stream = openStream(plugin);
    send(plugin, call);
    stream.send(result());
    expect(outcomes(plugin)).toEqual(answered);
  });
});

test("on a configured path, only methods in MCP's namespaces and any initialize are MCP", () => {
  const plugin = startFilter({ configuration: { match: { paths: ["/mcp"] } } });
  const path = "/mcp";
  post(plugin, request("initialize", { processId: 1 }), error(-32602), { path });
  post(plugin, request("server/status"), error(-32601), { path });
  for (const body of [request("message/send"), '{"foo":1}', "{", "x"]) post(plugin, body, result(), { path });
  expect(outcomes(plugin)).toEqual({ "initialize rpc_error": 1, "_OTHER rpc_error": 1 });
  expect(countsBy(plugin, "mcp_undecoded_total", "mcp_reason")).toEqual({});
});

test.each([...A2A, ...OTHERS])("an access policy still decides %s %j on its paths", (method, params) => {
  const plugin = startFilter({ configuration: { match: { paths: ["/mcp"] }, access: { rules: [] } } });
  for (const headers of [MCP_HEADERS, { "content-type": "application/json" }]) {
    const { reply } = ask(plugin, request(method, params), { path: "/mcp", headers });
    expect(reply?.details).toBe("mcp_access_denied[_default]");
  }
});

describe("an event stream without any sign of MCP in its request", () => {
  const watch = (...messages: string[]) => {
    const plugin = startFilter();
    exchange(plugin, {
      request: { method: "GET", headers: { accept: "text/event-stream" } },
      response: { headers: SSE_ANSWER, body: messages.map(event) },
    });
    return plugin;
  };

  test.each([
    ["a subscription to a chain", notification("eth_subscription", { result: {} })],
    ["answers of A2A", result({ kind: "status-update", taskId: "t" })],
    ["an error", error(-32001)],
    ["a notification in a namespace of MCP", notification("notifications/mail")],
  ])("is not MCP: %s", (_, message) => {
    expect(watch(message, message).vm.metrics.size).toBe(0);
  });

  test("is MCP if its message is", () => {
    const plugin = watch(notification("notifications/tools/list_changed"));
    expect(countsBy(plugin, "mcp_streams_total", "mcp_stream_kind")).toEqual({ get: 1 });
  });
});
