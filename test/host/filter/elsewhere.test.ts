/** Streamable HTTP with a session: answers that come on another stream than their requests. */
import { describe, expect, test } from "vitest";
import { exchange, type Plugin } from "../../../scripts/host/index.ts";
import {
  batch,
  countsBy,
  error,
  notification,
  passSeconds,
  post,
  request,
  result,
  startWorkers,
  toolCall,
} from "./filter.ts";
import { inSession, numbered, openGet, openPost, priming } from "./open-stream.ts";

const configuration = { labels: { tools: ["echo", "add"] }, sessions: { idleTimeout: "60s" } };
const tools = (plugin: Plugin) => countsBy(plugin, "mcp_operations_total", "gen_ai_tool_name", "mcp_outcome");
const outcomes = (plugin: Plugin) => countsBy(plugin, "mcp_operations_total", "mcp_method_name", "mcp_outcome");
const total = (plugin: Plugin) => plugin.vm.metrics.counter("mcp_operations_total");
const inFlight = (plugin: Plugin) => plugin.vm.metrics.gauge("mcp_operations_in_flight");
const durations = (plugin: Plugin) => plugin.vm.metrics.histogram("mcp_operation_duration_milliseconds").values;
const cancel = (worker: Plugin, session: string, requestId: unknown) =>
  post(
    worker,
    notification("notifications/cancelled", { requestId }),
    { status: 202 },
    { headers: inSession(session) },
  );

describe.each([1, 4])("an answer on another stream, with %i workers", (count) => {
  const start = () => startWorkers(count, { configuration });
  const on = (workers: Plugin[], i: number) => workers[i % count];

  test("polling: the server ends the POST's stream, the client comes back for the answer", () => {
    const workers = start();
    const [worker] = workers;
    const asked = openPost(on(workers, 1), "s", toolCall("echo", 1)).write(priming("1-0"));
    worker.vm.clock.advance(100);
    asked.close();
    expect(tools(worker)).toEqual({});
    expect(countsBy(worker, "mcp_streams_total", "mcp_stream_end")).toEqual({ server_closed: 1 });
    worker.vm.clock.advance(500);
    const resumed = openGet(on(workers, 2), "s", "1-0").write(numbered("1-1", notification("notifications/message")));
    worker.vm.clock.advance(50);
    resumed.write(numbered("1-2", result({}, 1))).close();
    expect(tools(worker)).toEqual({ "echo ok": 1 });
    expect(durations(worker)).toEqual([650]);
    expect(countsBy(worker, "mcp_payload_bytes_total", "gen_ai_tool_name", "mcp_direction")).toMatchObject({
      "echo client_to_server": toolCall("echo", 1).length,
      "echo server_to_client": result({}, 1).length,
    });
    passSeconds(workers, 80);
    expect(total(worker)).toBe(1);
  });

  test("on GET, of a POST that the server only accepted: it counts, though the specification forbids it", () => {
    const workers = start();
    const get = openGet(on(workers, 1), "s");
    const accept = (id: number, name: string) =>
      post(on(workers, 2), toolCall(name, id), { status: 202, headers: {} }, { headers: inSession("s") });
    accept(1, "echo");
    accept(2, "add");
    expect(tools(workers[0])).toEqual({});
    workers[0].vm.clock.advance(300);
    get.send(result({}, 1));
    expect(tools(workers[0])).toEqual({ "echo ok": 1 });
    expect(durations(workers[0])).toEqual([300]);
    passSeconds(workers, 6);
    expect(inFlight(workers[0])).toBe(1);
    // Nothing brings it: it ended with its own stream.
    passSeconds(workers, 80);
    expect(tools(workers[0])).toEqual({ "echo ok": 1, "add unanswered": 1 });
    expect(durations(workers[0])).toEqual([300, 0]);
    expect(inFlight(workers[0])).toBe(0);
  });

  test("of a stream that outlives its session: nothing is waited for", () => {
    const workers = start();
    const [worker] = workers;
    const asked = openPost(on(workers, 1), "s", toolCall("echo", 1)).write(priming("1-0"));
    const request = { method: "DELETE", headers: { "mcp-session-id": "s" } };
    exchange(on(workers, 2), { request, response: { status: 200 } });
    expect(countsBy(worker, "mcp_sessions_ended_total", "mcp_session_end")).toEqual({ deleted: 1 });
    passSeconds(workers, 12);
    asked.close();
    expect(tools(worker)).toEqual({ "echo unanswered": 1 });
    passSeconds(workers, 6);
    expect(inFlight(worker)).toBe(0);
  });

  test("on GET, before the POST that the server only accepted ends", () => {
    const workers = start();
    const accepted = exchange(workers[0], {
      request: { headers: inSession("s"), body: toolCall("echo", 1) },
      response: { status: 202, headers: {}, ended: "open" },
    });
    openGet(on(workers, 1), "s").send(result({ isError: true }, 1));
    accepted.stream.responseBody(new Uint8Array(), true);
    accepted.stream.end();
    expect(tools(workers[0])).toEqual({ "echo tool_error": 1 });
  });

  test("is awaited neither without a session nor after an error, whatever was accepted", () => {
    const workers = start();
    post(workers[0], toolCall("echo", 1), { status: 202, headers: {} });
    for (const status of [200, 204, 400]) {
      post(workers[0], toolCall("add", status), { status, headers: {} }, { headers: inSession("s") });
    }
    expect(tools(workers[0])).toEqual({ "echo unanswered": 1, "add unanswered": 2, "add http_error": 1 });
  });

  test.each([
    ["the server closed", undefined],
    ["the client lost", "client"],
    ["a reset broke", "server"],
    ["a timeout ended", "timeout"],
  ] as const)("the POST's stream, which %s, is resumed", (_, cause) => {
    const workers = start();
    openPost(workers[0], "s", toolCall("echo", 1)).write(priming("a")).close(cause);
    openGet(on(workers, 3), "s", "a")
      .write(numbered("b", result({ isError: true }, 1)))
      .close("client");
    expect(tools(workers[0])).toEqual({ "echo tool_error": 1 });
  });

  test("the client is back, and answered, before the lost stream is seen to end", () => {
    const workers = start();
    const lost = openPost(workers[0], "s", toolCall("echo", 1)).write(priming("a"));
    workers[0].vm.clock.advance(300);
    openGet(on(workers, 3), "s", "a")
      .write(numbered("b", result({}, 1)))
      .close();
    workers[0].vm.clock.advance(5000);
    lost.close("client");
    expect(tools(workers[0])).toEqual({ "echo ok": 1 });
    expect(durations(workers[0])).toEqual([300]);
    // The id comes again: the answer of before is not its own.
    openPost(workers[0], "s", toolCall("echo", 1)).write(priming("a")).close("client");
    passSeconds(workers, 80);
    expect(tools(workers[0])).toEqual({ "echo ok": 1, "echo disconnected": 1 });
    expect(inFlight(workers[0])).toBe(0);
  });

  test("another POST's stream of the session may bring it too", () => {
    const workers = start();
    openPost(workers[0], "s", toolCall("echo", 1)).write(priming("a")).close();
    const other = openPost(on(workers, 1), "s", toolCall("add", 2));
    other.send(result({}, 1), result({}, 2)).close();
    expect(tools(workers[0])).toEqual({ "echo ok": 1, "add ok": 1 });
  });

  test("what is replayed counts once", () => {
    const workers = start();
    openPost(workers[0], "s", toolCall("echo", 1))
      .write(numbered("a", result({}, 1)))
      .close("client");
    openPost(workers[0], "s", toolCall("add", 2)).write(priming("b")).close();
    for (let i = 0; i < 4; i++) {
      openGet(on(workers, i), "s", "a")
        .write(numbered("a", result({}, 1)))
        .write(numbered("c", result({}, 2)))
        .close();
    }
    expect(tools(workers[0])).toEqual({ "echo ok": 1, "add ok": 1 });
    passSeconds(workers, 80);
    expect(total(workers[0])).toBe(2);
  });

  test("sessions are apart: another's answer with the same id is none", () => {
    const workers = start();
    openPost(workers[0], "s", toolCall("echo", 1)).write(priming("a")).close();
    openGet(on(workers, 1), "other", "a")
      .write(numbered("b", result({}, 1)))
      .close();
    expect(tools(workers[0])).toEqual({});
    openGet(on(workers, 1), "s", "a")
      .write(numbered("b", result({}, 1)))
      .close();
    expect(tools(workers[0])).toEqual({ "echo ok": 1 });
  });

  test("of a batch, what was not answered waits", () => {
    const workers = start();
    const asked = openPost(workers[0], "s", batch(toolCall("echo", 1), toolCall("add", 2), request("ping", {}, 3)));
    asked.write(numbered("a", result({}, 2))).close();
    expect(tools(workers[0])).toEqual({ "add ok": 1 });
    openGet(on(workers, 1), "s", "a")
      .write(numbered("b", batch(result({}, 3), error(-32603, 1))))
      .close();
    expect(tools(workers[0])).toEqual({ "add ok": 1, "echo rpc_error": 1, " ok": 1 });
  });

  test.each([
    ["the server closed", undefined, "unanswered"],
    ["the client lost", "client", "disconnected"],
    ["a reset broke", "server", "upstream_error"],
  ] as const)(
    "nobody comes back for what %s: given up after the idle time, with the outcome of that end",
    (...args) => {
      const [, cause, outcome] = args;
      const workers = start();
      const asked = openPost(on(workers, 1), "s", toolCall("echo", 1)).write(priming("a"));
      workers[0].vm.clock.advance(70);
      asked.close(cause);
      passSeconds(workers, 55);
      expect(tools(workers[0])).toEqual({});
      passSeconds(workers, 15);
      expect(tools(workers[0])).toEqual({ [`echo ${outcome}`]: 1 });
      expect(durations(workers[0])).toEqual([70]);
      openGet(workers[0], "s", "a")
        .write(numbered("b", result({}, 1)))
        .close();
      expect(total(workers[0])).toBe(1);
    },
  );

  test.each([
    ["without ids", ": x\n\n"],
    ["with an empty id", "id:\ndata: \n\nid: \ndata: \n\n"],
  ])("a stream %s cannot be resumed: what it owes ends with it", (_, events) => {
    const workers = start();
    openPost(on(workers, 1), "s", toolCall("echo", 1)).write(events).close();
    expect(tools(workers[0])).toEqual({ "echo unanswered": 1 });
    openGet(workers[0], "s", "a").send(result({}, 1)).close();
    expect(total(workers[0])).toBe(1);
  });

  test.each(["DELETE", "404"])("a %s settles what waits in the session", (how) => {
    const workers = start();
    openPost(workers[0], "s", toolCall("echo", 1)).write(priming("a")).close();
    openPost(on(workers, 1), "s", toolCall("add", 2)).write(priming("b")).close("client");
    openPost(on(workers, 1), "other", toolCall("add", 2)).write(priming("c")).close();
    openGet(on(workers, 2), "s").send(request("roots/list", {}, 1));
    if (how === "DELETE") {
      const headers = { "mcp-session-id": "s" };
      exchange(on(workers, 3), { request: { method: "DELETE", headers }, response: { status: 200 } });
    } else {
      post(on(workers, 3), request("ping", {}, 9), { status: 404, body: "" }, { headers: inSession("s") });
    }
    expect(tools(workers[0])).toMatchObject({ "echo unanswered": 1, "add disconnected": 1, " unanswered": 1 });
    expect(total(workers[0])).toBe(how === "DELETE" ? 3 : 4);
    passSeconds(workers, 80);
    expect(outcomes(workers[0])["tools/call unanswered"]).toBe(2);
  });

  test("a DELETE that the server refuses settles nothing", () => {
    const workers = start();
    openPost(workers[0], "s", toolCall("echo", 1)).write(priming("a")).close();
    const headers = { "mcp-session-id": "s" };
    exchange(on(workers, 3), { request: { method: "DELETE", headers }, response: { status: 405 } });
    expect(total(workers[0])).toBe(0);
    openGet(on(workers, 2), "s", "a").send(result({}, 1));
    expect(tools(workers[0])).toEqual({ "echo ok": 1 });
  });

  test("cancelled while it waits: its outcome, unless the answer comes within ten seconds", () => {
    const workers = start();
    for (const [id, tool] of [
      [1, "echo"],
      [2, "add"],
    ] as const) {
      openPost(on(workers, id), "s", toolCall(tool, id)).write(priming("a")).close();
    }
    workers[0].vm.clock.advance(40);
    cancel(on(workers, 2), "s", 1);
    cancel(on(workers, 3), "s", 2);
    // Ids of different types or sessions differ.
    cancel(on(workers, 3), "s", "1");
    cancel(on(workers, 3), "other", 1);
    passSeconds(workers, 5);
    openGet(workers[0], "s", "a").send(result({}, 2)).close();
    expect(tools(workers[0])).toEqual({ "add ok": 1 });
    passSeconds(workers, 15);
    expect(tools(workers[0])).toEqual({ "add ok": 1, "echo cancelled": 1 });
    expect(durations(workers[0])).toEqual([5040, 40]);
  });

  test("cancelled before its stream ended: then nothing waits", () => {
    const workers = start();
    const asked = openPost(workers[0], "s", toolCall("echo", 1)).write(priming("a"));
    cancel(on(workers, 1), "s", 1);
    asked.close("client");
    expect(tools(workers[0])).toEqual({ "echo cancelled": 1 });
  });

  test("what waits is in flight until it is answered", () => {
    const workers = start();
    const asked = openPost(workers[0], "s", toolCall("echo", 1)).write(priming("a"));
    passSeconds(workers, 7);
    expect(inFlight(workers[0])).toBe(1);
    asked.close();
    passSeconds(workers, 7);
    expect(inFlight(workers[0])).toBe(1);
    openGet(on(workers, 1), "s", "a")
      .write(numbered("b", result({}, 1)))
      .close();
    passSeconds(workers, 7);
    expect(inFlight(workers[0])).toBe(0);
  });

  test("however many wait in one session, none is lost: the oldest are given up first", () => {
    const workers = start();
    const many = 300;
    for (let id = 0; id < many; id++) {
      openPost(on(workers, id), "s", toolCall("echo", id)).write(priming("a")).close();
      workers[0].vm.clock.advance(1);
    }
    expect(tools(workers[0])).toEqual({ "echo unanswered": many - 128 });
    expect(workers[0].vm.metrics.counter("mcp_store_evictions_total")).toBe(many - 128);
    const resumed = openGet(workers[0], "s", "a");
    for (let id = 0; id < many; id += 2) resumed.send(result({}, id));
    expect(tools(workers[0])).toEqual({ "echo unanswered": many - 128, "echo ok": 64 });
    passSeconds(workers, 80);
    expect(tools(workers[0])).toEqual({ "echo unanswered": many - 64, "echo ok": 64 });
    expect(inFlight(workers[0])).toBe(0);
  });

  test("an operation that was evicted has the outcome that was found for it", () => {
    const workers = start();
    const asked = openPost(workers[0], "s", toolCall("echo", "first")).write(priming("a"));
    workers[0].vm.clock.advance(30);
    asked.close("client");
    workers[0].vm.clock.advance(500);
    for (let id = 0; id < 128; id++) openPost(workers[0], "s", toolCall("add", id)).write(priming("a")).close();
    expect(tools(workers[0])).toEqual({ "echo disconnected": 1 });
    expect(durations(workers[0])).toEqual([30]);
  });
});

test("that something is given up is no activity of its session, and hides none", () => {
  const [worker] = startWorkers(1, { configuration: { sessions: { idleTimeout: "30s" } } });
  openPost(worker, "s", toolCall("echo", 1)).write(priming("a")).close();
  passSeconds([worker], 29);
  post(worker, request("ping", {}, 2), result({}, 2), { headers: inSession("s") });
  passSeconds([worker], 30);
  expect(outcomes(worker)).toEqual({ "tools/call unanswered": 1, "ping ok": 1 });
  expect(countsBy(worker, "mcp_sessions_ended_total", "mcp_session_end")).toEqual({});
  passSeconds([worker], 12);
  expect(countsBy(worker, "mcp_sessions_ended_total", "mcp_session_end")).toEqual({ idle: 1 });
  expect(worker.vm.metrics.histogram("mcp_session_duration_milliseconds").values).toEqual([29_000]);
  expect(worker.vm.metrics.histogram("mcp_session_operations").values).toEqual([2]);
});

describe("a call of a session that the store has dropped may still be answered on another stream", () => {
  test("as it was idle", () => {
    const workers = startWorkers(2, { configuration });
    const call = openPost(workers[0], "s", toolCall("echo")).write(priming("1"));
    passSeconds(workers, 90);
    call.close();
    openGet(workers[1], "s", "1").send(result());
    expect(tools(workers[0])).toEqual({ "echo ok": 1 });
  });

  test("as there were too many", () => {
    const sessions = { max: 1, idleTimeout: "60s" };
    const workers = startWorkers(2, { configuration: { ...configuration, sessions } });
    const call = openPost(workers[0], "s", toolCall("echo")).write(priming("1"));
    for (let i = 0; i < 40; i++) post(workers[1], toolCall("add"), result(), { headers: inSession(`other-${i}`) });
    passSeconds(workers, 12);
    call.close();
    openGet(workers[1], "s", "1").send(result());
    expect(tools(workers[0])).toEqual({ "add ok": 40, "echo ok": 1 });
  });
});
