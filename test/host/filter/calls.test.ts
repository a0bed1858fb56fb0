import { expect, test } from "vitest";
import { exchange, type Plugin } from "../index.ts";
import { MCP_HEADERS, SSE_ANSWER, event, notification, post, result, startFilter, toolCall } from "./filter.ts";

const STATISTICS = { configuration: { tokens: { estimate: false } } };
const SESSION = { ...MCP_HEADERS, "mcp-session-id": "s1" };
const called = result({ content: [{ type: "text", text: "hello" }] });
const progress = event(notification("notifications/progress", { progress: 1 }));

/** The calls of the host that an exchange takes, once all that it names is known. */
function callsOf(plugin: Plugin, run: (plugin: Plugin) => void): Record<string, number> {
  for (let i = 0; i < 5; i++) run(plugin);
  plugin.vm.calls.reset();
  run(plugin);
  return plugin.vm.calls.snapshot();
}

const CALL = {
  proxy_get_buffer_bytes: 2,
  proxy_get_current_time_nanoseconds: 4,
  proxy_get_header_map_pairs: 2,
  proxy_get_property: 2,
  proxy_get_shared_data: 1,
  proxy_increment_metric: 4,
  proxy_record_metric: 2,
  proxy_set_property: 6,
};

test("a call in a session takes the host calls that docs/hot-path.md names", () => {
  const run = (plugin: Plugin) => post(plugin, toolCall("echo"), called, { headers: SESSION });
  expect(callsOf(startFilter(STATISTICS), run)).toEqual(CALL);
  expect(callsOf(startFilter(), run)).toEqual({ ...CALL, proxy_increment_metric: 6, proxy_set_property: 7 });
  const withRole = { configuration: { ...STATISTICS.configuration, role: "server" } };
  expect(callsOf(startFilter(withRole), run)).toEqual({ ...CALL, proxy_get_property: 1 });
});

test("each report of progress takes three more, and no clock where they come together", () => {
  const body = progress.repeat(3) + event(called);
  const run = (plugin: Plugin) => post(plugin, toolCall("echo"), { headers: SSE_ANSWER, body }, { headers: SESSION });
  expect(callsOf(startFilter(STATISTICS), run)).toEqual({ ...CALL, proxy_increment_metric: 4 + 3 * 3 });
});

test("what is not MCP takes one", () => {
  const request = { method: "GET", headers: { accept: "text/html" } };
  const run = (plugin: Plugin) => void exchange(plugin, { request, response: { headers: {}, body: "hello" } });
  expect(callsOf(startFilter(), run)).toEqual({ proxy_get_header_map_pairs: 1 });
});
