/** Tests events that are not messages on streams of Streamable HTTP: clients ignore them, and so does the filter. */
import { describe, expect, test } from "vitest";
import type { Plugin } from "../../../scripts/host/index.ts";
import { countsBy, event, notification, post, result, SSE_ANSWER, startFilter, toolCall } from "./filter.ts";
import { GET_HEADERS, OpenStream } from "./open-stream.ts";

const ODD = [
  "event: ping\ndata: 1\n\n",
  "event: hello\ndata: {}\n\n",
  ": comment\n\n",
  "data: connected\n\n",
  'data: {"status":"connected"}\n\n',
  event(result()),
  event(notification("eth_subscription")),
  "data: [DONE]\n\n",
];
const CHANGED = notification("notifications/tools/list_changed");
const notifications = (plugin: Plugin) => countsBy(plugin, "mcp_notifications_total", "mcp_method_name");

describe("a GET stream whose request has no sign of MCP", () => {
  const open = (plugin: Plugin) => new OpenStream(plugin, { method: "GET", path: "/mcp", headers: GET_HEADERS });

  test.each([...ODD, ODD.join("")])("goes on after %j", (before) => {
    const plugin = startFilter();
    open(plugin).write(before).send(CHANGED, CHANGED).close();
    expect(notifications(plugin)).toEqual({ "notifications/tools/list_changed": 2 });
    expect(countsBy(plugin, "mcp_streams_total", "mcp_stream_kind")).toEqual({ get: 1 });
    expect(countsBy(plugin, "mcp_undecoded_total", "mcp_reason")).toEqual({});
  });

  test("is no longer watched after 16 events that are not MCP messages: its bytes are not read", () => {
    const plugin = startFilter();
    const stream = open(plugin).write(ODD[0].repeat(15));
    plugin.vm.calls.reset();
    stream.write(ODD[0]);
    expect(plugin.vm.calls.count("proxy_get_buffer_bytes")).toBe(1);
    stream.send(CHANGED).close();
    expect(plugin.vm.calls.count("proxy_get_buffer_bytes")).toBe(1);
    expect(plugin.vm.metrics.size).toBe(0);
  });
});

describe("an end mark, [DONE]", () => {
  const answered = (body: string) => {
    const plugin = startFilter();
    post(plugin, toolCall("echo"), { headers: SSE_ANSWER, body });
    expect(countsBy(plugin, "mcp_undecoded_total", "mcp_reason")).toEqual({});
    return countsBy(plugin, "mcp_operations_total", "mcp_outcome");
  };

  test.each([
    ["behind the answer", `${event(result())}data: [DONE]\n\n`, "ok"],
    ["before it", `data: [DONE]\n\n${event(result())}`, "ok"],
    ["of the type message", `${event(result())}event: message\ndata: [DONE]\n\n`, "ok"],
    ["in place of it", "data: [DONE]\n\n", "unanswered"],
  ])("%s is nothing", (_, body, outcome) => {
    expect(answered(body)).toEqual({ [outcome]: 1 });
  });

  test.each(["[DONE", "[done]", "DONE", "[DONE][DONE]"])("%s is an unreadable event", (data) => {
    const plugin = startFilter();
    post(plugin, toolCall("echo"), { headers: SSE_ANSWER, body: `data: ${data}\n\n` });
    expect(plugin.vm.metrics.counter("mcp_undecoded_total")).toBe(1);
    expect(countsBy(plugin, "mcp_operations_total", "mcp_outcome")).toEqual({ undecoded: 1 });
  });
});
