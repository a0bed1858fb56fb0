/** Tests HTTP+SSE behind a hop that changes the target of POSTs: a prefix of the path, or the authority. */
import { describe, expect, test } from "vitest";
import type { Plugin } from "../../../scripts/host/index.ts";
import { ask, rewritten, tools as toolsRule } from "./access.ts";
import {
  countsBy,
  JSON_ANSWER,
  MCP_HEADERS,
  notification,
  passSeconds,
  post,
  request,
  result,
  SSE_ANSWER,
  startFilter,
  startWorkers,
  toolCall,
} from "./filter.ts";
import { endpointEvent, ENDPOINT, initializeRequest, openStream, POST_HEADERS, send } from "./http-sse.ts";
import { initializeResult, inSession, openGet } from "./open-stream.ts";
import { has } from "./matrix.ts";

const HEX = "0123456789abcdef0123456789abcdef";
const UUID = "1f7c2a54-9e0b-4d6f-8a31-5b2e9c7d4f60";
const outcomes = (plugin: Plugin) => countsBy(plugin, "mcp_operations_total", "mcp_method_name", "mcp_outcome");
const undecoded = (plugin: Plugin) => countsBy(plugin, "mcp_undecoded_total", "mcp_reason");
const started = (plugin: Plugin) => countsBy(plugin, "mcp_sessions_started_total", "mcp_session_kind");

/** The endpoint that the stream names, and the path at which POSTs arrive. */
const PAIRED: [string, string, string][] = [
  ["a prefix that was stripped", `/tools/messages/?session_id=${HEX}`, `/messages/?session_id=${HEX}`],
  ["a prefix that was added", `/messages/?session_id=${HEX}`, `/tools/messages/?session_id=${HEX}`],
  ["another prefix", `/a/b/message?sessionId=${UUID}`, `/c/message?sessionId=${UUID}`],
  ["an id in the path", `/tools/messages/${UUID}`, `/messages/${UUID}`],
  ["an id in the path, before a slash", `/tools/messages/${UUID}/`, `/messages/${UUID}/`],
  ["an id before the last segment", `/tools/session/${UUID}/messages?v=1`, `/${UUID}/messages?v=1`],
  ["an id of 16 characters", "/tools/m?s=0123456789abcdef", "/m?s=0123456789abcdef"],
  ["an id of base 32", "/tools/m?s=KRUGKIDROVUWG2ZAMJZG653OEB", "/m?s=KRUGKIDROVUWG2ZAMJZG653OEB"],
  ["a URI of another authority", `https://mcp.internal:8443/tools/m?s=${UUID}`, `/m?s=${UUID}`],
  ["a name beside the stream's", `m?s=${UUID}`, `/x/y/m?s=${UUID}`],
];

describe.each(PAIRED)("%s", (_, reference, path) => {
  test("is recognized: the stream answers the POST", () => {
    const workers = startWorkers(2);
    const stream = openStream(workers[0], reference, "/tools/sse");
    send(workers[1], initializeRequest(), { path });
    stream.send(initializeResult("2024-11-05"));
    send(workers[1], notification("notifications/initialized"), { path });
    send(workers[1], toolCall("echo", 1), { path });
    stream.send(result({}, 1)).close();
    expect(outcomes(workers[0])).toEqual({ "initialize ok": 1, "tools/call ok": 1 });
    expect(undecoded(workers[0])).toEqual({});
    expect(started(workers[0])).toEqual({ http_sse: 1 });
    // After the end of the stream, no endpoint has this tail.
    send(workers[1], toolCall("echo", 2), { path });
    expect(workers[0].vm.metrics.counter("mcp_operations_total")).toBe(2);
  });

  test("is recognized with another authority, regardless of its headers", () => {
    const plugin = startFilter();
    const stream = openStream(plugin, reference, "/tools/sse", { host: "outside.example" });
    const disguise = {
      accept: "application/json, text/event-stream",
      "mcp-session-id": "s",
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "other",
    };
    for (const [id, headers] of [{}, disguise].entries()) {
      send(plugin, toolCall("echo", id), { path, headers: { ...POST_HEADERS, ...headers, host: "inside.example" } });
      stream.send(result({}, id));
    }
    expect(outcomes(plugin)).toEqual({ "tools/call ok": 2 });
    expect(plugin.vm.metrics.counter("mcp_header_mismatch_total")).toBe(0);
    expect(started(plugin)).toEqual({});
  });

  test("is recognized by an access policy on the stream's path, too", () => {
    const access = { rules: [toolsRule("ALLOW", "a", "echo")] };
    const [plugin] = startWorkers(1, { configuration: { match: { paths: ["/tools/sse"] }, access } });
    const stream = openStream(plugin, reference, "/tools/sse");
    const passed = (name: string) => ask(plugin, toolCall(name), { path, headers: POST_HEADERS }).stream.passedRequest;
    expect(passed("echo")).toBe(toolCall("echo"));
    expect(passed("add")).toBe(rewritten(toolCall("add")));
    stream.close();
    // In Envoy, the body passes in chunks, and the last chunk is empty.
    expect(passed("add")).toBe(has("streamedRequests") ? "" : toolCall("add"));
  });

  test("is not recognized by another id", () => {
    const plugin = startFilter();
    const stream = openStream(plugin, reference, "/tools/sse");
    for (const other of [path.replace(/[\dA-Za-f]{12}/, "111111111111"), `${path}0`, path.slice(0, -1)]) {
      send(plugin, toolCall("echo", 1), { path: other });
    }
    stream.send(result({}, 1));
    expect(outcomes(plugin)).toEqual({});
  });
});

test("the exact target has priority", () => {
  const plugin = startFilter();
  const [one, two] = [`/a/messages?s=${UUID}`, `/b/messages?s=${UUID}`];
  const first = openStream(plugin, one);
  const second = openStream(plugin, two);
  send(plugin, toolCall("echo", 1), { path: one });
  send(plugin, toolCall("echo", 1), { path: two });
  second.send(result({ isError: true }, 1));
  first.send(result({}, 1));
  expect(outcomes(plugin)).toEqual({ "tools/call tool_error": 1, "tools/call ok": 1 });
});

describe("if several endpoints have the same tail", () => {
  const path = `/messages?s=${UUID}`;
  const open = (plugin: Plugin) => ["a", "b", "c"].map((prefix) => openStream(plugin, `/${prefix}${path}`));

  test.each([
    ["no event stream accepted", {}],
    ["an event stream accepted", { accept: "application/json, text/event-stream" }],
    ["a revision", { "mcp-protocol-version": "2025-11-25" }],
  ])("what is posted counts as unpaired, and begins no window: %s", (_, headers) => {
    const plugin = startFilter();
    const streams = open(plugin);
    send(plugin, notification("notifications/initialized"), { path, headers: { ...POST_HEADERS, ...headers } });
    expect(undecoded(plugin)).toEqual({});
    send(plugin, toolCall("echo", 1), { path, headers: { ...POST_HEADERS, ...headers } });
    for (const stream of streams) stream.send(result({}, 1)).close();
    expect(outcomes(plugin)).toEqual({ "tools/call undecoded": 1 });
    expect(undecoded(plugin)).toEqual({ unpaired: 1 });
    expect(countsBy(plugin, "mcp_notifications_total", "mcp_method_name")).toEqual({ "notifications/initialized": 1 });
    expect(started(plugin)).toEqual({});
    passSeconds([plugin], 7);
    expect(plugin.vm.metrics.gauge("mcp_operations_in_flight")).toBe(0);
  });

  test("it is recognized again when only one of them is left", () => {
    for (const left of [0, 1, 2]) {
      const plugin = startFilter();
      const streams = open(plugin);
      streams.filter((_, index) => index !== left).forEach((stream) => stream.close());
      send(plugin, toolCall("echo", 1), { path });
      streams[left].send(result({}, 1));
      expect(outcomes(plugin)).toEqual({ "tools/call ok": 1 });
      expect(undecoded(plugin)).toEqual({});
    }
  });

  test("two streams that name the same endpoint count as one", () => {
    const plugin = startFilter();
    const streams = [openStream(plugin, `/a${path}`), openStream(plugin, `/a${path}`)];
    send(plugin, toolCall("echo", 1), { path });
    streams[0].close();
    send(plugin, toolCall("echo", 2), { path });
    streams[1].send(result({}, 1), result({}, 2)).close();
    expect(outcomes(plugin)).toEqual({ "tools/call ok": 2 });
    send(plugin, toolCall("echo", 3), { path });
    expect(plugin.vm.metrics.counter("mcp_operations_total")).toBe(2);
  });

  test("an access policy still decides", () => {
    const [plugin] = startWorkers(1, { configuration: { match: { paths: ["/sse"] }, access: { rules: [] } } });
    open(plugin);
    const { stream } = ask(plugin, toolCall("echo"), { path, headers: POST_HEADERS });
    expect(stream.passedRequest).toBe(rewritten(toolCall("echo")));
  });

  test("an answer in the POST's own response is its answer", () => {
    const plugin = startFilter();
    open(plugin);
    send(plugin, toolCall("echo", 1), { path, response: { headers: JSON_ANSWER, body: result({}, 1) } });
    send(plugin, toolCall("echo", 2), { path, response: { headers: SSE_ANSWER, body: `data: ${result({}, 2)}\n\n` } });
    send(plugin, toolCall("echo", 3), { path, response: { status: 404, body: "" } });
    expect(outcomes(plugin)).toEqual({ "tools/call ok": 2, "tools/call http_error": 1 });
    expect(undecoded(plugin)).toEqual({});
  });
});

describe("without a unique id in the endpoint", () => {
  test.each([
    ["a counter", "/tools/messages?session=1", "/messages?session=1"],
    ["a time", "/tools/messages?session=17641234567890123456", "/messages?session=17641234567890123456"],
    ["a short id", "/tools/messages?sessionId=93d1a2", "/messages?sessionId=93d1a2"],
    [
      "a long query of short values",
      "/tools/m?tenant=north&user=alice&session=12",
      "/m?tenant=north&user=alice&session=12",
    ],
    ["a counter in the path", "/tools/messages/17", "/messages/17"],
    ["no id at all", "/tools/messages", "/messages"],
  ])("%s: what is posted counts as unpaired, and only that", (_, reference, path) => {
    const plugin = startFilter();
    const stream = openStream(plugin, reference, "/tools/sse");
    send(plugin, toolCall("echo", 1), { path });
    stream.send(result({}, 1));
    // Other services with the same end of the path.
    for (const body of ['{"model":"m","messages":[]}', request("eth_call"), "{", "", request("message/send")]) {
      send(plugin, body, { path, response: { headers: JSON_ANSWER, body: "{}" } });
      send(plugin, body, { path });
    }
    expect(outcomes(plugin)).toEqual({ "tools/call undecoded": 1 });
    expect(undecoded(plugin)).toEqual({ unpaired: 1 });
    expect(started(plugin)).toEqual({});
    stream.close();
    send(plugin, toolCall("echo", 2), { path });
    expect(plugin.vm.metrics.counter("mcp_operations_total")).toBe(1);
  });

  test("a POST in a session of Streamable HTTP belongs to it, even if its path ends like an endpoint", () => {
    const plugin = startFilter();
    openStream(plugin, "/a/mcp");
    const priming = { headers: SSE_ANSWER, body: "id: 1\ndata:\n\n" };
    send(plugin, toolCall("echo", 1), { path: "/b/mcp", headers: inSession("s"), response: priming });
    openGet(plugin, "s", "1").send(result({}, 1));
    expect(outcomes(plugin)).toEqual({ "tools/call ok": 1 });
    expect(undecoded(plugin)).toEqual({});
  });

  test("the exact target is enough", () => {
    const plugin = startFilter();
    const stream = openStream(plugin, "/messages?session=1");
    send(plugin, toolCall("echo", 1), { path: "/messages?session=1" });
    stream.send(result({}, 1));
    expect(outcomes(plugin)).toEqual({ "tools/call ok": 1 });
  });
});

describe("a stream that names another endpoint later", () => {
  const other = `/v2/messages?sessionId=${UUID}`;

  test.each([["its own"], [other], [`/tools${other}`], [`/messages?sessionId=${UUID}`], ["/short?s=1"]])(
    "is one session, whose clients post to either: %s",
    (reference) => {
      const path = reference === "its own" ? ENDPOINT : reference;
      const plugin = startFilter();
      const stream = openStream(plugin);
      send(plugin, initializeRequest());
      stream.send(initializeResult("2024-11-05")).write(endpointEvent(path)).write(endpointEvent(path));
      send(plugin, toolCall("echo", 1));
      send(plugin, toolCall("echo", 2), { path });
      stream.send(result({}, 2), result({}, 1)).close();
      expect(outcomes(plugin)).toEqual({ "initialize ok": 1, "tools/call ok": 2 });
      expect(started(plugin)).toEqual({ http_sse: 1 });
      passSeconds([plugin], 7);
      expect(countsBy(plugin, "mcp_sessions_ended_total", "mcp_session_end")).toEqual({ stream_closed: 1 });
      for (const closed of [path, ENDPOINT]) send(plugin, toolCall("echo", 3), { path: closed });
      expect(plugin.vm.metrics.counter("mcp_operations_total")).toBe(3);
    },
  );

  test("is also found by the tail of the later endpoint", () => {
    const plugin = startFilter();
    const stream = openStream(plugin).write(endpointEvent(`/tools${other}`));
    send(plugin, toolCall("echo", 1), { path: other });
    stream.send(result({}, 1)).close();
    expect(outcomes(plugin)).toEqual({ "tools/call ok": 1 });
  });

  test("and then a third one, drops the second", () => {
    const plugin = startFilter();
    const stream = openStream(plugin).write(endpointEvent("/second")).write(endpointEvent("/third"));
    ["/second", "/third", ENDPOINT].forEach((path, id) => send(plugin, toolCall("echo", id), { path }));
    stream.send(result({}, 0), result({}, 1), result({}, 2));
    expect(outcomes(plugin)).toEqual({ "tools/call ok": 2 });
  });

  test("is subject to the policy of its path at both endpoints", () => {
    const [plugin] = startWorkers(1, { configuration: { match: { paths: ["/sse"] }, access: { rules: [] } } });
    openStream(plugin).write(endpointEvent("/second"));
    for (const path of ["/second", ENDPOINT]) {
      const { stream } = ask(plugin, toolCall("echo"), { path, headers: POST_HEADERS });
      expect(stream.passedRequest).toBe(rewritten(toolCall("echo")));
    }
  });
});

test("a client of 2026-07-28 that closes its POST on HTTP+SSE cancels nothing", () => {
  const plugin = startFilter();
  const stream = openStream(plugin);
  const headers = { ...POST_HEADERS, "mcp-protocol-version": "2026-07-28" };
  send(plugin, toolCall("echo", 1), { headers, response: null, ended: "client" });
  stream.close();
  expect(outcomes(plugin)).toEqual({ "tools/call disconnected": 1 });
});

test.each([
  ["an endpoint", ENDPOINT, 1],
  ["anything else", "/api/orders?id=1", 2],
])("a JSON POST to %s costs this many reads after HTTP+SSE has been used", (_, path, reads) => {
  const plugin = startFilter();
  openStream(plugin);
  const run = () => send(plugin, '{"a":1}', { path });
  run();
  plugin.vm.calls.reset();
  run();
  expect(plugin.vm.calls.count("proxy_get_shared_data")).toBe(reads);
});

describe("the endpoint of another server that shares a path without an id", () => {
  const path = "/modelcontextprotocol/mcp";
  const openOther = (plugin: Plugin) => openStream(plugin, `/x${path}`, "/sse", { host: "other.example" });

  test("does not capture the POSTs of Streamable HTTP", () => {
    const plugin = startFilter();
    openOther(plugin);
    const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "c", version: "1" } };
    const answered = {
      headers: { ...JSON_ANSWER, "mcp-session-id": "s" },
      body: result({ protocolVersion: "2025-11-25" }),
    };
    post(plugin, request("initialize", params), answered, { path });
    expect(started(plugin)).toEqual({ streamable: 1 });
  });
});

test("a policy still checks the headers of a POST whose target a hop may have changed", () => {
  const path = `/servers/${UUID}/mcp`;
  const access = { defaultAction: "ALLOW", rules: [toolsRule("DENY", "no-rm", "rm")] };
  const plugin = startFilter({ configuration: { match: { paths: [path] }, access } });
  const body = request("tools/call", {
    name: "echo",
    _meta: { "io.modelcontextprotocol/protocolVersion": "2026-07-28" },
  });
  const headers = { ...MCP_HEADERS, "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/list", "mcp-name": "x" };
  openStream(plugin, `/x${path}`, "/sse", { host: "other.example" });
  expect(ask(plugin, body, { path, headers }).reply?.details).toContain("header_mismatch");
});
