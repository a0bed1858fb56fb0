import { describe, expect, test } from "vitest";
import { exchange, type Plugin } from "../../../scripts/host/index.ts";
import { limited } from "./limits.ts";
import {
  MCP_HEADERS,
  SSE_ANSWER,
  event,
  notification,
  post,
  request,
  result,
  startFilter,
  toolCall,
} from "./filter.ts";

const STATISTICS = { configuration: { tokens: { estimate: false } } };
const SESSION = { ...MCP_HEADERS, "mcp-session-id": "s1" };
const called = result({ content: [{ type: "text", text: "hello" }] });
/** More than any test sends. */
const PLENTY = { amount: 1_000_000_000, per: "1s" };
const RULE = { name: "calls", key: ["address", "tool"], requests: PLENTY };
/** Where a request comes from and goes. */
const HOSTS = { "source.address": "10.0.0.1:4711", "xds.cluster_name": "tools" };
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
};

test("a call in a session takes the host calls that docs/hot-path.md names", () => {
  const run = (plugin: Plugin) => post(plugin, toolCall("echo"), called, { headers: SESSION });
  expect(callsOf(startFilter(STATISTICS), run)).toEqual(CALL);
  expect(callsOf(startFilter(), run)).toEqual({ ...CALL, proxy_increment_metric: 6 });
  const withFields = { configuration: { ...STATISTICS.configuration, logFields: true } };
  expect(callsOf(startFilter(withFields), run)).toEqual({ ...CALL, proxy_set_property: 6 });
  // The rule and the outcome that a server may have set are removed.
  const withHeaders = { configuration: { ...STATISTICS.configuration, responseHeaders: true } };
  const headers = { proxy_replace_header_map_value: 4, proxy_remove_header_map_value: 2 };
  expect(callsOf(startFilter(withHeaders), run)).toEqual({ ...CALL, ...headers });
  const withRole = { configuration: { ...STATISTICS.configuration, role: "server" } };
  expect(callsOf(startFilter(withRole), run)).toEqual({ ...CALL, proxy_get_property: 1 });
});

test("limits read who calls and hand it on; a rule takes its allowance twice, and its counter", () => {
  const callsWith = (limits: object, more: object = STATISTICS.configuration, principal = "") => {
    const properties = { ...HOSTS, ...(principal && { "connection.uri_san_peer_certificate": principal }) };
    const run = (plugin: Plugin) => post(plugin, toolCall("echo"), called, { headers: SESSION, properties });
    return callsOf(startFilter({ configuration: { ...limited([], limits), logFields: false, ...more } }), run);
  };
  // The principal from two sources, and the address, since there is none.
  const held = {
    ...CALL,
    proxy_get_property: CALL.proxy_get_property + 3,
    proxy_set_property: 8,
    proxy_get_current_time_nanoseconds: 5,
  };
  const charged = { ...held, proxy_get_shared_data: 2, proxy_set_shared_data: 1, proxy_increment_metric: 5 };
  expect(callsWith({ rules: [] })).toEqual(held);
  expect(callsWith({ rules: [RULE] })).toEqual(charged);
  expect(callsWith({ mode: "shadow", rules: [RULE] })).toEqual(charged);
  // The address of a caller with a principal is not needed.
  const byPrincipal = { ...RULE, key: ["principal", "tool"] };
  const known = { ...charged, proxy_get_property: CALL.proxy_get_property + 1 };
  expect(callsWith({ rules: [byPrincipal] }, STATISTICS.configuration, "spiffe://a/b")).toEqual(known);
  // Requests, repeats and the permit, which is released; the balance of tokens, which are charged.
  const all = { ...RULE, tokens: PLENTY, concurrency: 100_000, repeats: PLENTY };
  expect(callsWith({ rules: [all] }, {})).toEqual({
    ...charged,
    proxy_get_shared_data: 1 + 6,
    proxy_set_shared_data: 5,
    proxy_increment_metric: 7,
    proxy_set_property: 9,
    proxy_remove_header_map_value: 1,
  });
});

test("an access policy reads who calls, and of the server and the address what its rules name", () => {
  const callsWith = (rule: object, principal = "") => {
    const properties = { ...HOSTS, ...(principal && { "connection.uri_san_peer_certificate": principal }) };
    const run = (plugin: Plugin) => post(plugin, toolCall("echo"), called, { headers: SESSION, properties });
    const access = { rules: [{ name: "calls", action: "ALLOW", ...rule }] };
    return callsOf(
      startFilter({ configuration: { ...STATISTICS.configuration, match: { paths: ["/mcp"] }, access } }),
      run,
    );
  };
  const operation = { tools: ["e*"] };
  // It asks for answers that are not compressed, and counts the decision. The address bounds what one caller has held.
  const decided = {
    ...CALL,
    proxy_remove_header_map_value: 1,
    proxy_increment_metric: CALL.proxy_increment_metric + 1,
  };
  const anonymous = { ...decided, proxy_get_property: CALL.proxy_get_property + 3 };
  const known = { ...decided, proxy_get_property: CALL.proxy_get_property + 1 };
  expect(callsWith({ to: [{ operation }] })).toEqual(anonymous);
  expect(callsWith({ to: [{ operation }] }, "spiffe://a/b")).toEqual(known);
  const addressed = { from: [{ source: { ipBlocks: ["10.0.0.0/8"] } }], to: [{ operation }] };
  expect(callsWith(addressed, "spiffe://a/b")).toEqual({ ...known, proxy_get_property: known.proxy_get_property + 1 });
  // The server is known with the headers; a route that another filter changes afterwards counts.
  const served = { to: [{ operation: { ...operation, servers: ["tools"] } }] };
  expect(callsWith(served, "spiffe://a/b")).toEqual({ ...known, proxy_get_property: known.proxy_get_property + 2 });
});

test("a held body is read once for all who decide, unless it is large", () => {
  const allowing = { rules: [{ name: "all", action: "ALLOW", to: [{ operation: { methods: ["*"] } }] }] };
  const plugin = startFilter({ configuration: { ...limited([RULE]), access: allowing } });
  const bodiesRead = (bytes: number) => {
    const body = request("tools/call", { name: "echo", arguments: { text: "x".repeat(bytes) } });
    const run = (plugin: Plugin) => post(plugin, body, called, { headers: SESSION, properties: HOSTS });
    return callsOf(plugin, run).proxy_get_buffer_bytes;
  };
  // Two slices for the policy, the limits and the statistics each, and the answer.
  expect([10, 30_000, 100_000].map(bodiesRead)).toEqual([2, 2, 3 * 2 + 1]);
});

describe("reports of progress", () => {
  const callsWith = (body: string | string[], headers = SSE_ANSWER) => {
    const run = (plugin: Plugin) => post(plugin, toolCall("echo"), { headers, body }, { headers: SESSION });
    return callsOf(startFilter(STATISTICS), run);
  };

  test("take three more, and no clock, however many come together", () => {
    const burst = { ...CALL, proxy_increment_metric: 4 + 3 };
    expect(callsWith(progress + event(called))).toEqual(burst);
    expect(callsWith(progress.repeat(50) + event(called))).toEqual(burst);
  });

  test("take two more where notifications of another method come between", () => {
    const other = event(notification("notifications/message", { level: "info", data: "x" }));
    const body = progress.repeat(2) + other.repeat(3) + progress.repeat(2) + event(called);
    expect(callsWith(body)).toEqual({ ...CALL, proxy_increment_metric: 4 + 3 + 2 + 3 });
  });
});

test("what is not MCP takes one", () => {
  const request = { method: "GET", path: "/index.html", headers: { accept: "text/html" } };
  const run = (plugin: Plugin) => void exchange(plugin, { request, response: { headers: {}, body: "hello" } });
  expect(callsOf(startFilter(), run)).toEqual({ proxy_get_header_map_pairs: 1 });
  expect(callsOf(startFilter({ configuration: limited([RULE]) }), run)).toEqual({ proxy_get_header_map_pairs: 1 });
});
