import { describe, expect, test } from "vitest";
import { type Exchange, exchange } from "../../../scripts/host/index.ts";
import { SSE_ANSWER, countsBy, event, post, request, result, startFilter, toolCall } from "./filter.ts";
import { has } from "./matrix.ts";

const GET = { method: "GET", headers: { accept: "text/event-stream", "mcp-session-id": "s" } };
const BARE_GET = { method: "GET", headers: { accept: "text/event-stream" } };
const changed = '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}';

const streams = (plugin: ReturnType<typeof startFilter>) =>
  countsBy(plugin, "mcp_streams_total", "mcp_stream_kind", "mcp_stream_end");

describe("how streams end", () => {
  const CASES: [string, Exchange["response"], Exchange["ended"], string][] = [
    ["an answer", { headers: SSE_ANSWER, body: event(result()) }, undefined, "post complete"],
    ["an HTTP error", { status: 404, body: "no" }, undefined, "post complete"],
    ["an event stream without the answer", { headers: SSE_ANSWER, body: ":\n\n" }, undefined, "post server_closed"],
    ["a client that leaves", { headers: SSE_ANSWER, body: ":\n\n", ended: "client" }, undefined, "post client_closed"],
    ["a server that breaks off", { headers: SSE_ANSWER, body: ":\n\n", ended: "server" }, undefined, "post reset"],
    ["a server that never answers", null, "server", "post reset"],
    ["a timeout", { headers: SSE_ANSWER, body: ":\n\n", ended: "timeout" }, undefined, "post timeout"],
    ["a timeout before the answer", null, "timeout", "post timeout"],
  ];
  const visible = CASES.filter(([, , , expected]) => !/reset|timeout/.test(expected) || has("resets"));
  test.each(visible)("POST: %s", (_, response, ended, expected) => {
    const plugin = startFilter();
    post(plugin, toolCall("echo"), response, { ended });
    expect(streams(plugin)).toEqual({ [expected]: 1 });
    expect(plugin.vm.metrics.histogram("mcp_stream_duration_milliseconds").count).toBe(1);
  });

  test("a notification is a stream that needs no response", () => {
    const plugin = startFilter();
    post(plugin, '{"jsonrpc":"2.0","method":"notifications/initialized"}', { status: 202 });
    expect(streams(plugin)).toEqual({ "post complete": 1 });
    expect(countsBy(plugin, "mcp_notifications_total", "mcp_method_name", "mcp_direction")).toEqual({
      "notifications/initialized client_to_server": 1,
    });
    expect(countsBy(plugin, "mcp_operations_total", "mcp_outcome")).toEqual({});
  });

  const GET_ENDS = [
    ["client", "get client_closed"],
    ["complete", "get server_closed"],
    ["timeout", "get timeout"],
  ] as const;
  test.each(GET_ENDS.filter(([ended]) => ended !== "timeout" || has("resets")))("GET: %s", (ended, expected) => {
    const plugin = startFilter();
    exchange(plugin, { request: GET, response: { headers: SSE_ANSWER, body: event(changed), ended } });
    expect(streams(plugin)).toEqual({ [expected]: 1 });
    expect(countsBy(plugin, "mcp_notifications_total", "mcp_method_name", "mcp_direction")).toEqual({
      "notifications/tools/list_changed server_to_client": 1,
    });
  });
});

describe("which GETs are MCP", () => {
  test("one with a session that never carries a message", () => {
    const plugin = startFilter();
    exchange(plugin, { request: GET, response: { headers: SSE_ANSWER, body: ": ping\n\n", ended: "client" } });
    expect(streams(plugin)).toEqual({ "get client_closed": 1 });
  });

  test("one without any MCP header that carries a message", () => {
    const plugin = startFilter();
    exchange(plugin, { request: BARE_GET, response: { headers: SSE_ANSWER, body: event(changed), ended: "client" } });
    expect(streams(plugin)).toEqual({ "get client_closed": 1 });
  });

  test("not one with neither", () => {
    const plugin = startFilter();
    exchange(plugin, { request: BARE_GET, response: { headers: SSE_ANSWER, body: ": ping\n\n", ended: "client" } });
    expect(plugin.vm.metrics.size).toBe(0);
  });

  test("not one that the server rejects", () => {
    const plugin = startFilter();
    exchange(plugin, { request: GET, response: { status: 405, body: "no" } });
    expect(plugin.vm.metrics.size).toBe(0);
  });
});

test("events of other types carry no message", () => {
  const plugin = startFilter();
  const body = `event: ping\ndata: ${result()}\n\ndata: ${result({ isError: true })}\nevent: other\n\n${event(result())}`;
  post(plugin, toolCall("echo"), { headers: SSE_ANSWER, body });
  expect(countsBy(plugin, "mcp_operations_total", "mcp_outcome")).toEqual({ ok: 1 });
});

test("a server's own request on the stream is neither the response nor an operation", () => {
  const plugin = startFilter();
  const sampling = request("sampling/createMessage", { messages: [] }, 1);
  post(plugin, toolCall("ask", 1), { headers: SSE_ANSWER, body: event(sampling) + event(result({}, 1)) });
  expect(countsBy(plugin, "mcp_operations_total", "mcp_method_name", "mcp_outcome")).toEqual({ "tools/call ok": 1 });
});

test("an unreadable event is counted and the next one is read", () => {
  const plugin = startFilter();
  post(plugin, toolCall("echo"), { headers: SSE_ANSWER, body: event("{nope") + event(result()) });
  expect(countsBy(plugin, "mcp_undecoded_total", "mcp_reason")).toEqual({ syntax: 1 });
  expect(countsBy(plugin, "mcp_operations_total", "mcp_outcome")).toEqual({ ok: 1 });
});
