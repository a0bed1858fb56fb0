/** Tests POSTs to an endpoint of HTTP+SSE, and streams that name no endpoint. */
import { describe, expect, test } from "vitest";
import { exchange, type Plugin } from "../../../scripts/host/index.ts";
import {
  JSON_ANSWER,
  SSE_ANSWER,
  batch,
  countsBy,
  error,
  event,
  notification,
  passSeconds,
  request,
  result,
  startFilter,
  toolCall,
} from "./filter.ts";
import { endpointEvent, ENDPOINT, initializeRequest, openSession, openStream, POST_HEADERS, send } from "./http-sse.ts";
import { GET_HEADERS, initializeResult, OpenStream } from "./open-stream.ts";
import { has } from "./matrix.ts";

const configuration = { labels: { tools: ["echo", "add"] } };
const outcomes = (plugin: Plugin) => countsBy(plugin, "mcp_operations_total", "mcp_method_name", "mcp_outcome");
const tools = (plugin: Plugin) => countsBy(plugin, "mcp_operations_total", "gen_ai_tool_name", "mcp_outcome");
const streams = (plugin: Plugin) => countsBy(plugin, "mcp_streams_total", "mcp_stream_kind", "mcp_stream_end");
const durations = (plugin: Plugin) => plugin.vm.metrics.histogram("mcp_operation_duration_milliseconds").values;
const inFlight = (plugin: Plugin) => plugin.vm.metrics.gauge("mcp_operations_in_flight");

describe("a POST to an endpoint of HTTP+SSE", () => {
  const start = () => startFilter({ configuration });

  test.each([
    ["a 400", { response: { status: 400, body: "" } }, "http_error"],
    ["a 401", { response: { status: 401, body: "" } }, "unauthenticated"],
    ["a 500", { response: { status: 500, body: "" } }, "upstream_error"],
    ["a redirection", { response: { status: 307, body: "" } }, "http_error"],
    ["a reset", { response: null, ended: "server" }, "upstream_error"],
  ] as const)("that fails with %s ends its request, once", (_, posting, outcome) => {
    const plugin = start();
    const stream = openSession(plugin, plugin);
    send(plugin, toolCall("echo", 1), posting);
    expect(tools(plugin)).toMatchObject({ [`echo ${outcome}`]: 1 });
    stream.send(result({}, 1));
    stream.close();
    passSeconds([plugin], 7);
    expect(plugin.vm.metrics.counter("mcp_operations_total")).toBe(2);
    expect(inFlight(plugin)).toBe(0);
  });

  test("ends its request if the client disconnects before the 202, unless the answer arrives within two seconds", () => {
    const plugin = start();
    const stream = openSession(plugin, plugin);
    const left = { response: null, ended: "client", responseDelay: 30 } as const;
    send(plugin, toolCall("echo", 1), left);
    send(plugin, toolCall("add", 2), left);
    stream.send(result({}, 2));
    expect(tools(plugin)).toEqual({ " ok": 1, "add ok": 1 });
    passSeconds([plugin], 7);
    expect(tools(plugin)).toEqual({ " ok": 1, "add ok": 1, "echo disconnected": 1 });
    expect(durations(plugin)).toEqual([0, 30, 30]);
    stream.send(result({}, 1)).close();
    expect(plugin.vm.metrics.counter("mcp_operations_total")).toBe(3);
    expect(inFlight(plugin)).toBe(0);
  });

  test.each([
    ["JSON", { headers: JSON_ANSWER, body: result({}, 1) }],
    ["an event stream", { headers: SSE_ANSWER, body: `data: ${result({}, 1)}\n\n` }],
  ])("may contain the answer as %s, which counts once if it is on the stream too", (_, response) => {
    const plugin = start();
    const stream = openSession(plugin, plugin);
    send(plugin, toolCall("echo", 1), { response });
    stream.send(result({ isError: true }, 1));
    expect(tools(plugin)).toMatchObject({ "echo ok": 1 });
    send(plugin, toolCall("add", 2), { response: { headers: JSON_ANSWER, body: "{}" } });
    stream.send(result({ isError: true }, 2));
    expect(tools(plugin)).toEqual({ " ok": 1, "echo ok": 1, "add tool_error": 1 });
  });

  test("that the stream answers before its own response ends is answered once", () => {
    const plugin = start();
    const stream = openSession(plugin, plugin);
    const accepted = { status: 202, headers: { "content-type": "text/plain" }, ended: "open" } as const;
    const post = exchange(plugin, {
      request: { headers: POST_HEADERS, path: ENDPOINT, body: toolCall("echo", 1) },
      response: accepted,
    });
    stream.send(result({}, 1));
    post.stream.reset("server");
    expect(tools(plugin)).toMatchObject({ "echo ok": 1 });
    expect(plugin.vm.metrics.counter("mcp_operations_total")).toBe(2);
  });

  test("may be a batch whose requests are answered separately", () => {
    const plugin = start();
    const stream = openSession(plugin, plugin);
    const asked = [
      toolCall("echo", 1),
      notification("notifications/progress"),
      toolCall("add", 2),
      toolCall("echo", 3),
    ];
    send(plugin, batch(...asked));
    stream.send(result({}, 3), batch(result({ isError: true }, 2), error(-32603, 1)));
    expect(tools(plugin)).toMatchObject({ "echo ok": 1, "add tool_error": 1, "echo rpc_error": 1 });
  });

  test.each(["before", "after"])("is cancelled %s its client leaves, before it was accepted", (when) => {
    const plugin = start();
    openSession(plugin, plugin);
    const cancel = () => send(plugin, notification("notifications/cancelled", { requestId: 1 }));
    const call = send(plugin, toolCall("echo", 1), { response: null, ended: "open" });
    if (when === "before") cancel();
    call.reset("client");
    plugin.vm.clock.advance(50);
    if (when === "after") cancel();
    passSeconds([plugin], 16);
    expect(tools(plugin)).toEqual({ " ok": 1, "echo cancelled": 1 });
    expect(inFlight(plugin)).toBe(0);
  });

  test("that is cancelled and then fails is cancelled", () => {
    const plugin = start();
    openSession(plugin, plugin);
    const call = send(plugin, toolCall("echo", 1), { response: null, ended: "open" });
    send(plugin, notification("notifications/cancelled", { requestId: 1 }));
    call.reset("server");
    expect(tools(plugin)).toEqual({ " ok": 1, "echo cancelled": 1 });
  });

  test("is cancelled by a notification, unless the answer still arrives", () => {
    const plugin = start();
    const stream = openSession(plugin, plugin);
    send(plugin, toolCall("echo", 1));
    send(plugin, toolCall("add", 2));
    for (const requestId of [1, 2]) send(plugin, notification("notifications/cancelled", { requestId }));
    stream.send(result({}, 2));
    passSeconds([plugin], 20);
    expect(tools(plugin)).toMatchObject({ "echo cancelled": 1, "add ok": 1 });
    stream.send(result({}, 1));
    expect(plugin.vm.metrics.counter("mcp_operations_total")).toBe(3);
  });

  test.runIf(has("streamedRequests"))("whose answer arrives before the end of its own body is complete at once", () => {
    const plugin = start();
    const stream = openSession(plugin, plugin);
    const post = plugin.stream();
    post.requestHeaders([
      [":method", "POST"],
      [":path", ENDPOINT],
      [":authority", "mcp.example"],
      ["content-type", "application/json"],
    ]);
    post.requestBody(Buffer.from(toolCall("echo", 1)));
    stream.send(result({}, 1));
    post.requestBody(new Uint8Array(), true);
    post.responseHeaders([[":status", "202"]], true);
    post.end();
    expect(tools(plugin)).toMatchObject({ "echo ok": 1 });
    stream.close();
    expect(plugin.vm.metrics.counter("mcp_operations_total")).toBe(2);
  });

  test("is answered on the stream even if its body names a revision without sessions", () => {
    const plugin = start();
    const stream = openSession(plugin, plugin);
    const meta = { "io.modelcontextprotocol/protocolVersion": "2026-07-28" };
    send(plugin, request("tools/call", { name: "echo", _meta: meta }, 1));
    stream.send(result({}, 1));
    expect(tools(plugin)).toMatchObject({ "echo ok": 1 });
  });

  test("is looked up by its authority too", () => {
    const plugin = start();
    const stream = openStream(plugin, ENDPOINT, "/sse", { host: "one.example" });
    send(plugin, toolCall("echo", 1), { headers: { ...POST_HEADERS, host: "two.example" } });
    send(plugin, toolCall("add", 2), { headers: { ...POST_HEADERS, host: "one.example" } });
    stream.send(result({}, 1), result({}, 2));
    expect(tools(plugin)).toEqual({ "echo undecoded": 1, "add ok": 1 });
  });
});

const PING = "event: ping\ndata: 1\n\n";

describe("the endpoint may arrive after", () => {
  test.each([
    ["nothing", ""],
    ["an event of another type", PING],
    ["fifteen of them", PING.repeat(15)],
    ["comments", ": hello\n\n".repeat(100)],
    ["an empty event", "data:\n\nevent: ready\ndata:\n\n"],
    ["a text", "data: connected\n\n"],
    ["JSON that is no message", 'data: {"status":"connected"}\n\n'],
    ["another protocol's message", event(notification("eth_subscription"))],
    ["an answer to nobody", event(result({ tools: [{ name: "x" }] }, 9))],
    ["a batch of nothing", event("[]")],
    ["an end mark", "data: [DONE]\n\n"],
    ["an endpoint that leads nowhere", `event: endpoint\ndata: /${"x".repeat(1024)}\n\n`],
    ["an endpoint without data", "event: endpoint\ndata:\n\n"],
    ["15 KiB", event("x".repeat(15_000))],
  ])("%s: what is posted is answered on the stream", (_, before) => {
    for (const size of [1, 7, 100_000]) {
      const plugin = startFilter({ configuration });
      const stream = new OpenStream(plugin, { method: "GET", path: "/sse", headers: GET_HEADERS });
      const text = before + endpointEvent(ENDPOINT);
      for (let at = 0; at < text.length; at += size) stream.write(text.slice(at, at + size));
      send(plugin, initializeRequest());
      stream.send(initializeResult("2024-11-05"));
      send(plugin, toolCall("echo", 1));
      stream.write(PING).send(result({}, 1)).close();
      expect(outcomes(plugin)).toEqual({ "initialize ok": 1, "tools/call ok": 1 });
      expect(streams(plugin)).toEqual({ "http_sse server_closed": 1, "post complete": 2 });
      expect(countsBy(plugin, "mcp_undecoded_total", "mcp_reason")).toEqual({});
      expect(countsBy(plugin, "mcp_sessions_started_total", "mcp_session_kind")).toEqual({ http_sse: 1 });
      expect(plugin.vm.metrics.labelValues("gen_ai_tool_name")).not.toContain("x");
    }
  });

  test("a message of the server", () => {
    const plugin = startFilter();
    const stream = new OpenStream(plugin, { method: "GET", path: "/sse", headers: GET_HEADERS });
    stream.send(notification("notifications/message")).write(endpointEvent(ENDPOINT));
    send(plugin, toolCall("echo", 1));
    stream.send(result({}, 1)).close();
    expect(outcomes(plugin)).toEqual({ "tools/call ok": 1 });
    // The stream was counted as MCP before it named the endpoint.
    expect(streams(plugin)).toEqual({ "get server_closed": 1, "post complete": 1 });
  });
});

describe("a stream", () => {
  test("with a revision in its headers also counts as HTTP+SSE in the gauges", () => {
    const plugin = startFilter();
    const headers = { "mcp-protocol-version": "2024-11-05" };
    const stream = openStream(plugin, ENDPOINT, "/sse", headers);
    passSeconds([plugin], 7);
    const active = () => countsBy(plugin, "mcp_streams_active", "mcp_stream_kind");
    expect(active()).toMatchObject({ http_sse: 1 });
    stream.close();
    passSeconds([plugin], 7);
    expect(Object.values(active()).filter((value) => value !== 0)).toEqual([]);
    expect(streams(plugin)).toEqual({ "http_sse server_closed": 1 });
  });

  test.each([
    ["whose endpoint is its 17th event", "/sse", `${PING.repeat(16)}${endpointEvent(ENDPOINT)}`],
    ["whose endpoint comes after 16 KiB", "/sse", `data: ${"x".repeat(16384)}\n\n${endpointEvent(ENDPOINT)}`],
    ["whose event has another type", "/sse", `event: endpoints\ndata: ${ENDPOINT}\n\n`],
    ["that names no reference", "/sse", "event: endpoint\ndata:\n\n"],
    ["whose endpoint is too long", "/sse", endpointEvent(`/${"x".repeat(1024)}`)],
    ["whose path is too long", `/${"x".repeat(1024)}`, endpointEvent("?a")],
    ["whose endpoint never ends", "/sse", `event: endpoint\ndata: ${ENDPOINT}\n`],
  ])("%s is no MCP, and what is posted is none", (_, path, body) => {
    const plugin = startFilter();
    const stream = new OpenStream(plugin, { method: "GET", path, headers: GET_HEADERS }).write(body);
    send(plugin, toolCall("echo", 1));
    send(plugin, toolCall("echo", 1), { path: `/${"x".repeat(1024)}` });
    stream.send(result({}, 1)).close();
    expect(outcomes(plugin)).toEqual({});
    expect(streams(plugin)).toEqual({});
  });
});
