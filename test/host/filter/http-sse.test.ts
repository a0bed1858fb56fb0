/** Tests HTTP+SSE (2024-11-05) from the stream's endpoint event to the end of the stream. */
import { describe, expect, test } from "vitest";
import type { Plugin } from "../../../scripts/host/index.ts";
import { countsBy, error, notification, passSeconds, request, result, startWorkers, toolCall } from "./filter.ts";
import { initializeRequest, openSession, openStream, send } from "./http-sse.ts";
import { initializeResult } from "./open-stream.ts";
import { has } from "./matrix.ts";

const configuration = { labels: { tools: ["echo", "add"] } };
const outcomes = (plugin: Plugin) => countsBy(plugin, "mcp_operations_total", "mcp_method_name", "mcp_outcome");
const tools = (plugin: Plugin) => countsBy(plugin, "mcp_operations_total", "gen_ai_tool_name", "mcp_outcome");
const streams = (plugin: Plugin) => countsBy(plugin, "mcp_streams_total", "mcp_stream_kind", "mcp_stream_end");
const inFlight = (plugin: Plugin) => plugin.vm.metrics.gauge("mcp_operations_in_flight");
const durations = (plugin: Plugin) => plugin.vm.metrics.histogram("mcp_operation_duration_milliseconds").values;

describe.each([1, 4])("HTTP+SSE on %i workers", (count) => {
  const start = () => startWorkers(count, { configuration });
  const on = (workers: Plugin[], i: number) => workers[i % count];

  test("counts a POST when the stream answers, even if both are on different workers", () => {
    const workers = start();
    const stream = openSession(on(workers, 1), workers[0]);
    send(on(workers, 2), notification("notifications/initialized"));
    send(on(workers, 3), toolCall("echo", 1));
    send(on(workers, 1), toolCall("add", 2));
    expect(outcomes(workers[0])).toEqual({ "initialize ok": 1 });
    stream.send(result({}, 1), error(-32602, 2));
    expect(outcomes(workers[0])).toEqual({ "initialize ok": 1, "tools/call ok": 1, "tools/call rpc_error": 1 });
    expect(tools(workers[0])).toMatchObject({ "echo ok": 1, "add rpc_error": 1 });
    stream.close("client");
    expect(streams(workers[0])).toEqual({ "http_sse client_closed": 1, "post complete": 4 });
    expect(countsBy(workers[0], "mcp_undecoded_total", "mcp_reason")).toEqual({});
    expect(countsBy(workers[0], "mcp_payload_bytes_total", "mcp_method_name", "mcp_direction")).toEqual({
      "initialize client_to_server": initializeRequest().length,
      "initialize server_to_client": initializeResult("2024-11-05").length,
      "notifications/initialized client_to_server": notification("notifications/initialized").length,
      "tools/call client_to_server": toolCall("echo", 1).length + toolCall("add", 2).length,
      "tools/call server_to_client": result({}, 1).length + error(-32602, 2).length,
    });
  });

  test("pairs answers with requests in any order, by the id and its type", () => {
    const workers = start();
    const stream = openSession(workers[0], workers[0]);
    const ids = [1, "1", 2, 3, "x"];
    ids.forEach((id, i) => send(on(workers, i), toolCall(i % 2 ? "add" : "echo", id)));
    stream.send(result({}, "x"), result({ isError: true }, 3), result({}, "1"), error(-32603, 2), result({}, 1));
    // Answers without a request, and repeated answers.
    stream.send(result({}, "x"), result({}, "2"), result({}, 9), result({}, null));
    expect(tools(workers[0])).toMatchObject({
      "echo ok": 2,
      "add tool_error": 1,
      "add ok": 1,
      "echo rpc_error": 1,
    });
    expect(workers[0].vm.metrics.counter("mcp_operations_total")).toBe(ids.length + 1);
  });

  test("measures from the POST's headers to the answer", () => {
    const workers = start();
    const stream = openSession(workers[0], workers[0]);
    send(on(workers, 1), toolCall("echo", 1), { responseDelay: 20 });
    workers[0].vm.clock.advance(230);
    stream.send(result({}, 1));
    expect(durations(workers[0])).toEqual([0, 250]);
  });

  test("separates sessions that use the same request ids", () => {
    const workers = start();
    const [one, two] = ["/messages?sessionId=1", "/messages?sessionId=2"];
    const first = openSession(workers[0], on(workers, 1), one);
    const second = openSession(workers[0], on(workers, 2), two);
    send(on(workers, 3), toolCall("echo", 7), { path: one });
    send(on(workers, 3), toolCall("add", 7), { path: two });
    second.send(result({ isError: true }, 7));
    expect(tools(workers[0])).toMatchObject({ "add tool_error": 1 });
    expect(tools(workers[0])).not.toHaveProperty("echo ok");
    first.send(result({}, 7));
    expect(tools(workers[0])).toMatchObject({ "add tool_error": 1, "echo ok": 1 });
  });

  test("a request of the server is an operation, and the client's POST ends it", () => {
    const workers = start();
    const stream = openSession(workers[0], workers[0]);
    send(on(workers, 1), toolCall("echo", 1));
    stream.send(request("sampling/createMessage", { messages: [] }, 1), request("roots/list", {}, 2));
    send(on(workers, 2), result({ roots: [] }, 2));
    send(on(workers, 3), error(-1, 1));
    stream.send(result({}, 1));
    expect(outcomes(workers[0])).toEqual({
      "initialize ok": 1,
      "roots/list ok": 1,
      "sampling/createMessage rpc_error": 1,
      "tools/call ok": 1,
    });
  });

  test("a request is in flight until it is answered", () => {
    const workers = start();
    const stream = openSession(workers[0], workers[0]);
    for (let id = 1; id <= 3; id++) send(on(workers, id), toolCall("echo", id));
    passSeconds(workers, 7);
    expect(inFlight(workers[0])).toBe(3);
    expect(countsBy(workers[0], "mcp_streams_active", "mcp_stream_kind")).toMatchObject({ http_sse: 1 });
    stream.send(result({}, 2));
    passSeconds(workers, 7);
    expect(inFlight(workers[0])).toBe(2);
    stream.close();
    passSeconds(workers, 7);
    expect(inFlight(workers[0])).toBe(0);
    expect(countsBy(workers[0], "mcp_streams_active", "mcp_stream_kind")).toEqual({ http_sse: 0 });
  });

  test("a session starts with the answer to initialize, and ends with the stream", () => {
    const workers = start();
    const stream = openStream(workers[0]);
    const started = () =>
      countsBy(workers[0], "mcp_sessions_started_total", "mcp_session_kind", "mcp_protocol_version", "mcp_client_name");
    send(on(workers, 1), initializeRequest("claude-ai"));
    expect(started()).toEqual({});
    stream.send(initializeResult("2024-11-05"));
    expect(started()).toEqual({ "http_sse 2024-11-05 claude-ai": 1 });
    for (let id = 1; id <= 4; id++) {
      send(on(workers, id), toolCall("echo", id));
      stream.send(result({}, id));
    }
    passSeconds(workers, 8);
    const active = () => countsBy(workers[0], "mcp_sessions_active", "mcp_session_kind", "mcp_protocol_version");
    expect(active()).toEqual({ "http_sse 2024-11-05": 1 });
    stream.close("client");
    const ended = () => countsBy(workers[0], "mcp_sessions_ended_total", "mcp_session_kind", "mcp_session_end");
    expect(ended()).toEqual({ "http_sse stream_closed": 1 });
    passSeconds(workers, 14);
    expect(ended()).toEqual({ "http_sse stream_closed": 1 });
    expect(active()).toEqual({ "http_sse 2024-11-05": 0 });
    expect(countsBy(workers[0], "mcp_sessions_adopted_total", "mcp_session_kind")).toEqual({});
    expect(workers[0].vm.metrics.histogram("mcp_session_operations", { mcp_session_kind: "http_sse" }).values).toEqual([
      5,
    ]);
    expect(workers[0].vm.metrics.histogram("mcp_session_duration_milliseconds").values).toEqual([8000]);
  });

  test("a stream whose initialize fails or is missing is not a session", () => {
    const workers = start();
    const stream = openStream(workers[0]);
    send(on(workers, 1), initializeRequest());
    stream.send(error(-32602, 0), notification("notifications/message"));
    stream.close();
    openStream(workers[0]).close();
    for (const family of ["mcp_sessions_started_total", "mcp_sessions_adopted_total", "mcp_sessions_ended_total"]) {
      expect(countsBy(workers[0], family)).toEqual({});
    }
    expect(outcomes(workers[0])).toEqual({ "initialize rpc_error": 1 });
  });

  const ENDS = [
    ["the client", "client", "disconnected", "client_closed"],
    ["the server", undefined, "unanswered", "server_closed"],
    ["a reset", "server", "upstream_error", "reset"],
    ["a timeout", "timeout", "upstream_error", "timeout"],
  ] as const;
  const visible = ENDS.filter(([, , outcome]) => outcome !== "upstream_error" || has("resets"));
  test.each(visible)("what waits when %s ends the stream", (_, cause, outcome, end) => {
    const workers = start();
    const stream = openSession(workers[0], workers[0]);
    send(on(workers, 1), toolCall("echo", 1));
    send(on(workers, 2), toolCall("echo", 2));
    send(on(workers, 3), notification("notifications/cancelled", { requestId: 2 }));
    workers[0].vm.clock.advance(30);
    stream.close(cause);
    expect(tools(workers[0])).toMatchObject({ [`echo ${outcome}`]: 1, "echo cancelled": 1 });
    expect(streams(workers[0])).toMatchObject({ [`http_sse ${end}`]: 1 });
    // The cancellation arrived before the answer.
    expect(durations(workers[0]).sort()).toEqual([0, 0, 30]);
    passSeconds(workers, 20);
    expect(workers[0].vm.metrics.counter("mcp_operations_total")).toBe(3);
  });

  test("pings beyond the limit are evicted, and the call stays", () => {
    const workers = start();
    const stream = openSession(workers[0], workers[0]);
    send(on(workers, 1), toolCall("echo", 1));
    send(on(workers, 1), request("tools/list", {}, 2));
    for (let id = 3; id < 143; id++) send(on(workers, id), request("ping", undefined, id));
    expect(outcomes(workers[0])).toEqual({ "initialize ok": 1, "ping unanswered": 14 });
    expect(workers[0].vm.metrics.counter("mcp_store_evictions_total")).toBe(14);
    stream.send(result({}, 1), result({ tools: [] }, 2), result({}, 142));
    expect(outcomes(workers[0])).toMatchObject({ "tools/call ok": 1, "tools/list ok": 1, "ping ok": 1 });
    passSeconds(workers, 7);
    expect(inFlight(workers[0])).toBe(125);
    stream.close();
    passSeconds(workers, 7);
    expect(inFlight(workers[0])).toBe(0);
    expect(workers[0].vm.metrics.counter("mcp_operations_total")).toBe(143);
  });

  test("calls beyond the limit evict the oldest call, and a ping is dropped at once", () => {
    const workers = start();
    const stream = openSession(workers[0], workers[0]);
    for (let id = 1; id <= 128; id++) send(on(workers, id), toolCall("echo", id));
    send(on(workers, 1), request("ping", undefined, 200));
    expect(outcomes(workers[0])).toEqual({ "initialize ok": 1, "ping unanswered": 1 });
    send(on(workers, 1), toolCall("echo", 129));
    expect(tools(workers[0])).toMatchObject({ "echo unanswered": 1 });
    stream.send(result({}, 200), ...Array.from({ length: 129 }, (_, i) => result({}, i + 1)));
    expect(tools(workers[0])).toMatchObject({ "echo ok": 128, "echo unanswered": 1 });
  });

  test("after the end of the stream, its endpoint is an ordinary path", () => {
    const workers = start();
    openSession(workers[0], workers[0]).close();
    const before = workers[0].vm.metrics.counters();
    workers.forEach((worker) => send(worker, toolCall("echo", 1)));
    expect(workers[0].vm.metrics.counters()).toEqual(before);
  });

  test("a shared endpoint is known while any stream that named it is open", () => {
    const workers = start();
    const first = openStream(workers[0], "/messages");
    const second = openStream(on(workers, 1), "/messages");
    first.close("client");
    send(on(workers, 2), toolCall("echo", 1), { path: "/messages" });
    second.send(result({}, 1));
    expect(tools(workers[0])).toEqual({ "echo ok": 1 });
    second.close();
    send(on(workers, 2), toolCall("echo", 1), { path: "/messages" });
    expect(workers[0].vm.metrics.counter("mcp_streams_total", { mcp_stream_kind: "post" })).toBe(1);
  });
});

test("128 open calls of one session do not hide requests of other sessions", () => {
  const [plugin] = startWorkers(1, { configuration });
  const path = "/messages?sessionId=busy";
  openStream(plugin, path);
  for (let id = 0; id < 128; id++) send(plugin, toolCall("echo", id), { path });
  for (let i = 0; i < 1500; i++) {
    const other = { path: `/messages?sessionId=quiet-${i}` };
    const stream = openStream(plugin, other.path);
    send(plugin, initializeRequest(), other);
    stream.send(initializeResult("2024-11-05"));
    stream.close();
  }
  expect(outcomes(plugin)["initialize ok"]).toBe(1500);
});
