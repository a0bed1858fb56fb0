/** Which requests of a batch are open, and what ends them together. */
import { describe, expect, test } from "vitest";
import { exchange, type Plugin, requestHead, responseHead } from "../../../scripts/host/index.ts";
import {
  JSON_ANSWER,
  MCP_HEADERS,
  SSE_ANSWER,
  batch,
  countsBy,
  error,
  event,
  notification,
  passSeconds,
  post,
  request,
  result,
  startFilter,
  startWorkers,
  toolCall,
} from "./filter.ts";
import { has } from "./matrix.ts";

const LEGACY = { ...MCP_HEADERS, "mcp-protocol-version": "2025-03-26" };
const TWO = batch(toolCall("echo", 1), toolCall("add", 2));
/** A batch keeps no more requests open. */
const LIMIT = 64;

const start = () => startFilter({ configuration: { labels: { tools: ["echo", "add"] } } });
const json = (body: string) => ({ headers: JSON_ANSWER, body });
const sse = (...data: string[]) => ({ headers: SSE_ANSWER, body: data.map(event).join("") });
const outcomes = (plugin: Plugin) => countsBy(plugin, "mcp_operations_total", "gen_ai_tool_name", "mcp_outcome");
const undecoded = (plugin: Plugin) => countsBy(plugin, "mcp_undecoded_total", "mcp_reason");
const received = (plugin: Plugin) => countsBy(plugin, "mcp_payload_bytes_total", "mcp_direction").server_to_client ?? 0;

describe("an error that names no request", () => {
  const nameless = [error(-32600, null), '{"jsonrpc":"2.0","error":{"code":-32600,"message":"no"}}'];

  test.each(nameless)("is the answer to all where it is all that comes: %s", (body) => {
    const plugin = start();
    post(plugin, TWO, { status: 400, ...json(body) }, { headers: LEGACY });
    expect(outcomes(plugin)).toEqual({ "echo rpc_error": 1, "add rpc_error": 1 });
    expect(countsBy(plugin, "mcp_operations_total", "rpc_response_status_code")).toEqual({ "-32600": 2 });
    expect(countsBy(plugin, "mcp_streams_total", "mcp_stream_kind", "mcp_stream_end")).toEqual({ "post complete": 1 });
  });

  test.each(nameless)("passes once, so its bytes count once: %s", (body) => {
    const plugin = start();
    post(plugin, TWO, json(body));
    expect(received(plugin)).toBe(body.length);
  });

  test.each([
    ["in a JSON array", json(batch(nameless[0], result({}, 1)))],
    ["in an event", sse(nameless[0], result({}, 1))],
    ["in an event with an array", sse(batch(nameless[0], result({}, 1)))],
  ])("is the answer to none of several where more may come: %s", (_, response) => {
    const plugin = start();
    post(plugin, TWO, response);
    expect(outcomes(plugin)).toEqual({ "echo ok": 1, "add unanswered": 1 });
    expect(received(plugin)).toBe(result({}, 1).length);
  });

  test.each([
    ["in a JSON array", json(batch(result({}, 1), nameless[0]))],
    ["in an event", sse(result({}, 1), nameless[0])],
    ["in an event with an array", sse(batch(result({}, 1), nameless[0]))],
  ])("is the answer to the one that is still open: %s", (_, response) => {
    const plugin = start();
    post(plugin, TWO, response);
    expect(outcomes(plugin)).toEqual({ "echo ok": 1, "add rpc_error": 1 });
    expect(received(plugin)).toBe(result({}, 1).length + nameless[0].length);
  });

  test("is the answer to none where it is no error", () => {
    const plugin = start();
    post(plugin, TWO, json(result({}, null)));
    expect(outcomes(plugin)).toEqual({ "echo unanswered": 1, "add unanswered": 1 });
  });
});

describe("a batch of more requests than are kept", () => {
  const calls = (count: number) => batch(...Array.from({ length: count }, (_, i) => toolCall("echo", i)));
  const answers = (count: number) => Array.from({ length: count }, (_, i) => result({}, i));

  test.each([
    [LIMIT, {}],
    [LIMIT + 1, { batch: 1 }],
    [200, { batch: 200 - LIMIT }],
  ])("of %i", (count, expected) => {
    const plugin = start();
    post(plugin, calls(count), json(batch(...answers(count).toReversed())));
    expect(outcomes(plugin)).toEqual({ "echo ok": LIMIT });
    expect(undecoded(plugin)).toEqual(expected);
    expect(received(plugin)).toBe(answers(count).slice(0, LIMIT).join("").length);
    passSeconds([plugin], 7);
    expect(plugin.vm.metrics.gauge("mcp_operations_in_flight")).toBe(0);
    // The next stream has room of its own.
    post(plugin, calls(3), sse(...answers(3)));
    expect(outcomes(plugin)).toEqual({ "echo ok": LIMIT + 3 });
  });

  test("shows as many in flight, and all of them end with the stream", () => {
    const plugin = start();
    const open = { headers: SSE_ANSWER, body: event(result({}, 0)), ended: "open" } as const;
    const { stream } = exchange(plugin, { request: { headers: LEGACY, body: calls(100) }, response: open });
    passSeconds([plugin], 7);
    expect(plugin.vm.metrics.gauge("mcp_operations_in_flight")).toBe(LIMIT - 1);
    stream.reset("client");
    passSeconds([plugin], 7);
    expect(plugin.vm.metrics.gauge("mcp_operations_in_flight")).toBe(0);
    expect(outcomes(plugin)).toEqual({ "echo ok": 1, "echo disconnected": LIMIT - 1 });
  });

  test("still has its notifications counted", () => {
    const plugin = start();
    const roots = notification("notifications/roots/list_changed");
    post(plugin, `${calls(LIMIT + 5).slice(0, -1)},${roots},${roots}]`, json(error(-32600, null)));
    expect(countsBy(plugin, "mcp_notifications_total", "mcp_method_name")).toEqual({
      "notifications/roots/list_changed": 2,
    });
    expect(outcomes(plugin)).toEqual({ "echo rpc_error": LIMIT });
  });

  test("over and over takes no more memory", () => {
    const plugin = start();
    const run = (times: number) => {
      for (let i = 0; i < times; i++) {
        post(plugin, calls(100), json(batch(...answers(100))));
        post(plugin, calls(100), null, { ended: "client" });
        post(plugin, calls(100), json(error(-32600, null)));
      }
    };
    run(20);
    const pages = plugin.vm.memoryPages();
    run(500);
    expect(plugin.vm.memoryPages()).toBe(pages);
  });
});

describe("a batch with one initialize", () => {
  const params = { protocolVersion: "2025-03-26", capabilities: {}, clientInfo: { name: "agent", version: "1" } };
  const asked = batch(request("initialize", params, 0), notification("notifications/initialized"), toolCall("echo", 1));
  const answered = [result({ protocolVersion: "2025-03-26", serverInfo: { name: "s" } }, 0), result({}, 1)];

  test.each([
    ["JSON", { ...JSON_ANSWER }, batch(...answered)],
    ["events", { ...SSE_ANSWER }, answered.map(event).join("")],
  ])("begins a session, in which what follows counts: answered as %s", (_, headers, body) => {
    const [worker] = startWorkers(1);
    post(worker, asked, { headers: { ...headers, "mcp-session-id": "new" }, body });
    const inSession = { ...LEGACY, "mcp-session-id": "new" };
    post(worker, TWO, json(batch(result({}, 1), result({}, 2))), { headers: inSession });
    exchange(worker, { request: { method: "DELETE", headers: inSession }, response: { status: 200 } });
    passSeconds([worker], 13);
    const started = countsBy(worker, "mcp_sessions_started_total", "mcp_session_kind", "mcp_client_name");
    expect(started).toEqual({ "streamable agent": 1 });
    expect(countsBy(worker, "mcp_sessions_adopted_total", "mcp_session_kind")).toEqual({});
    expect(worker.vm.metrics.histogram("mcp_session_operations").values).toEqual([4]);
  });

  test("does not change the session whose id it still has", () => {
    const [worker] = startWorkers(1);
    const headers = { ...JSON_ANSWER, "mcp-session-id": "new" };
    post(worker, asked, { headers, body: batch(...answered) }, { headers: { ...LEGACY, "mcp-session-id": "old" } });
    expect(countsBy(worker, "mcp_sessions_adopted_total", "mcp_session_kind")).toEqual({});
    expect(countsBy(worker, "mcp_sessions_started_total", "mcp_session_kind")).toEqual({ streamable: 1 });
  });
});

test("subscriptions/listen in a batch is a call on a stream of a POST", () => {
  const plugin = start();
  const body = batch(request("subscriptions/listen", { notifications: {} }, 1), toolCall("echo", 2));
  post(plugin, body, sse(result({}, 2), result({}, 1)));
  expect(countsBy(plugin, "mcp_streams_total", "mcp_stream_kind", "mcp_stream_end")).toEqual({ "post complete": 1 });
  expect(countsBy(plugin, "mcp_operations_total", "mcp_method_name", "mcp_outcome")).toEqual({
    "subscriptions/listen ok": 1,
    "tools/call ok": 1,
  });
});

describe.runIf(has("streamedRequests"))("a server that answers early", () => {
  const headers = requestHead({ headers: MCP_HEADERS });
  const answering = responseHead({ headers: SSE_ANSWER });

  test("reads the whole batch before the request's end is reported", () => {
    const plugin = start();
    const stream = plugin.stream();
    stream.requestHeaders(headers);
    stream.requestBody(Buffer.from(TWO));
    stream.responseHeaders(answering);
    stream.responseBody(Buffer.from(event(batch(result({}, 2), result({}, 1)))));
    stream.requestBody(Buffer.from("\n"), true);
    stream.responseBody(new Uint8Array(0), true);
    stream.end();
    expect(outcomes(plugin)).toEqual({ "echo ok": 1, "add ok": 1 });
    expect(undecoded(plugin)).toEqual({});
  });

  test("has each message as it comes", () => {
    const plugin = start();
    const stream = plugin.stream();
    stream.requestHeaders(headers);
    stream.requestBody(Buffer.from(`[${toolCall("echo", 1)},{"jsonrpc":`));
    stream.responseHeaders(answering);
    stream.responseBody(Buffer.from(event(result({}, 1))));
    expect(outcomes(plugin)).toEqual({ "echo ok": 1 });
    stream.requestBody(Buffer.from(`${toolCall("add", 2).slice('{"jsonrpc":'.length)}]`), true);
    stream.responseBody(Buffer.from(event(result({ isError: true }, 2))), true);
    stream.end();
    expect(outcomes(plugin)).toEqual({ "echo ok": 1, "add tool_error": 1 });
    expect(undecoded(plugin)).toEqual({});
  });
});
