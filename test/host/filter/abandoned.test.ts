/** Tests clients that close the stream of a call and cancel it on another connection, which may reach another worker later. */
import { describe, expect, test } from "vitest";
import { exchange, type Plugin } from "../../../scripts/host/index.ts";
import { SSE_ANSWER, countsBy, notification, passSeconds, post, result, startWorkers, toolCall } from "./filter.ts";
import { inSession, numbered, openGet, openPost, type OpenStream } from "./open-stream.ts";
import { has } from "./matrix.ts";

const configuration = {
  labels: { tools: ["echo", "add"] },
  sessions: { idleTimeout: "60s" },
  logFields: true,
  log: "info",
};
const outcomes = (plugin: Plugin) => countsBy(plugin, "mcp_operations_total", "gen_ai_tool_name", "mcp_outcome");
const durations = (plugin: Plugin) => plugin.vm.metrics.histogram("mcp_operation_duration_milliseconds").values;
const inFlight = (plugin: Plugin) => plugin.vm.metrics.gauge("mcp_operations_in_flight");
const cancel = (worker: Plugin, requestId: unknown, session = "s") =>
  post(
    worker,
    notification("notifications/cancelled", { requestId }),
    { status: 202 },
    { headers: inSession(session) },
  );

describe.each([1, 4])("a call whose client closes its stream, with %i workers", (count) => {
  const start = (options = {}) => startWorkers(count, { configuration, ...options });
  const on = (workers: Plugin[], i: number) => workers[i % count];
  const advance = (workers: Plugin[], milliseconds: number) => workers[0].vm.clock.advance(milliseconds);

  /** A call that is open for a quarter of a second. */
  function called(workers: Plugin[], id: unknown = 1, name = "echo"): OpenStream {
    const stream = openPost(workers[0], "s", toolCall(name, id));
    advance(workers, 250);
    return stream;
  }

  test.each([0, 1, 50, 1000, 1990])("is cancelled if the notification follows %i ms later", (later) => {
    const workers = start();
    called(workers).close("client");
    advance(workers, later);
    cancel(on(workers, 1), 1);
    expect(outcomes(workers[0])).toEqual({});
    passSeconds(workers, 3);
    expect(outcomes(workers[0])).toEqual({ "echo cancelled": 1 });
    expect(durations(workers[0])).toEqual([250]);
    passSeconds(workers, 80);
    expect(outcomes(workers[0])).toEqual({ "echo cancelled": 1 });
  });

  test("is disconnected after two seconds if none follows in time", () => {
    const workers = start();
    called(workers).close("client");
    passSeconds(workers, 1);
    expect(outcomes(workers[0])).toEqual({});
    passSeconds(workers, 1);
    expect(outcomes(workers[0])).toEqual({ "echo disconnected": 1 });
    expect(durations(workers[0])).toEqual([250]);
    cancel(on(workers, 1), 1);
    passSeconds(workers, 80);
    expect(outcomes(workers[0])).toEqual({ "echo disconnected": 1 });
  });

  test("is cancelled at once if the notification arrived before", () => {
    const workers = start();
    const call = called(workers);
    cancel(on(workers, 1), 1);
    advance(workers, 250);
    call.close("client");
    expect(outcomes(workers[0])).toEqual({ "echo cancelled": 1 });
    expect(durations(workers[0])).toEqual([500]);
  });

  test("is cancelled only by its own id, not by another one, nor by that of another session or of the server's request", () => {
    const workers = start();
    called(workers, 1).close("client");
    called(workers, 2, "add").close("client");
    const get = openGet(on(workers, 1), "s");
    get.send(notification("notifications/cancelled", { requestId: 1 }));
    cancel(on(workers, 1), 1, "other");
    cancel(on(workers, 1), "1");
    cancel(on(workers, 1), 2);
    passSeconds(workers, 3);
    expect(outcomes(workers[0])).toEqual({ "echo disconnected": 1, "add cancelled": 1 });
  });

  test.runIf(has("resets"))("leaves no cancellation for later calls with its id", () => {
    const workers = start();
    called(workers).close("client");
    cancel(on(workers, 1), 1);
    passSeconds(workers, 3);
    called(workers).close("client");
    called(workers).close("server");
    called(workers).close();
    passSeconds(workers, 3);
    expect(outcomes(workers[0])).toEqual({
      "echo cancelled": 1,
      "echo disconnected": 1,
      "echo upstream_error": 1,
      "echo unanswered": 1,
    });
  });

  test.runIf(has("resets"))(
    "is not cancelled by the cancellation of an earlier call with its id, which was answered anyway",
    () => {
      const workers = start();
      const first = called(workers);
      cancel(on(workers, 1), 1);
      first.send(result()).close();
      advance(workers, 1);
      called(workers).close("client");
      called(workers).close("server");
      called(workers).close();
      passSeconds(workers, 3);
      expect(outcomes(workers[0])).toEqual({
        "echo ok": 1,
        "echo disconnected": 1,
        "echo upstream_error": 1,
        "echo unanswered": 1,
      });
    },
  );

  test("is no longer in flight", () => {
    const workers = start();
    const call = called(workers);
    passSeconds(workers, 6);
    expect(inFlight(workers[0])).toBe(1);
    advance(workers, 4000);
    call.close("client");
    // The sweep runs before the operation is settled.
    passSeconds(workers, 1);
    expect([inFlight(workers[0]), outcomes(workers[0])]).toEqual([0, {}]);
    passSeconds(workers, 9);
    expect([inFlight(workers[0]), outcomes(workers[0])]).toEqual([0, { "echo disconnected": 1 }]);
  });

  test("is cancelled while it waits for a resumption, or resumed", () => {
    const workers = start();
    const calls = [1, 2].map((id) => openPost(workers[0], "s", toolCall(id === 1 ? "echo" : "add", id)));
    for (const call of calls) call.write(numbered("a", notification("notifications/message"))).close("client");
    advance(workers, 20);
    cancel(on(workers, 1), 1);
    openGet(on(workers, 1), "s", "a").send(result({}, 2)).close();
    passSeconds(workers, 20);
    expect(outcomes(workers[0])).toEqual({ "echo cancelled": 1, "add ok": 1 });
  });

  test("counts once if very many close at the same moment, the oldest ones immediately", () => {
    const workers = start();
    const calls = Array.from({ length: 1000 }, (_, id) => openPost(workers[0], "s", toolCall("echo", id)));
    for (const call of calls) call.close("client");
    expect(outcomes(workers[0])).toEqual({ "echo disconnected": 488 });
    for (let id = 0; id < 1000; id++) cancel(on(workers, 1), id);
    passSeconds(workers, 3);
    expect(outcomes(workers[0])).toEqual({ "echo disconnected": 488, "echo cancelled": 512 });
  });

  test.runIf(has("pluginEnds"))("is not lost when the plugin ends or is reconfigured", () => {
    const workers = start();
    called(workers, 1).close("client");
    cancel(on(workers, 1), 1);
    workers[0].close();
    expect(outcomes(workers[0])).toEqual({ "echo cancelled": 1 });

    const others = start();
    called(others, 1).close("client");
    for (const worker of others) worker.configure({ ...configuration, sessions: { idleTimeout: "61s" } });
    openPost(others[0], "s", toolCall("add", 2)).send(result({}, 2)).close();
    passSeconds(others, 1);
    cancel(on(others, 1), 1);
    passSeconds(others, 3);
    expect(outcomes(others[0])).toEqual({ "add ok": 1, "echo cancelled": 1 });
    passSeconds(others, 10);
    expect(inFlight(others[0])).toBe(0);
  });

  test("without a session or of 2026-07-28 ends at once", () => {
    const workers = start();
    const response = { headers: SSE_ANSWER, body: ":\n\n", ended: "client" } as const;
    post(workers[0], toolCall("echo"), response);
    const modern = { ...inSession("s"), "mcp-protocol-version": "2026-07-28" };
    post(workers[0], toolCall("add"), response, { headers: modern });
    expect(outcomes(workers[0])).toEqual({ "echo disconnected": 1, "add cancelled": 1 });
  });

  test.runIf(has("filterState"))("is logged with its stream, and again if it turns out to be cancelled", () => {
    const workers = start();
    const call = (id: number) => {
      const request = { headers: inSession("s"), body: toolCall("echo", id) };
      const response = { headers: SSE_ANSWER, body: ":\n\n", ended: "client" } as const;
      return exchange(workers[0], { request, response }, { responseDelay: 40 }).stream;
    };
    for (const { state } of [call(1), call(2)]) {
      const shown = { outcome: state.get("mcp.outcome"), duration: state.get("mcp.duration_ms") };
      expect(shown).toEqual({ outcome: "disconnected", duration: "40" });
    }
    cancel(on(workers, 1), 2);
    passSeconds(workers, 3);
    const lines = workers[0].vm.logs.map(({ message }) => message).filter((line) => line.includes("operation_ended"));
    expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
      { method: "tools/call", target: "echo", outcome: "cancelled", duration_ms: 40 },
    ]);
  });
});
