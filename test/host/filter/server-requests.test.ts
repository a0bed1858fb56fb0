/** Tests requests of the server to the client. */
import { describe, expect, test } from "vitest";
import { exchange, type Plugin } from "../../../scripts/host/index.ts";
import {
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
  startWorkers,
  toolCall,
} from "./filter.ts";
import { GET_HEADERS, inSession, numbered, OpenStream, openGet, openPost } from "./open-stream.ts";

const configuration = { labels: { tools: ["echo"] }, sessions: { idleTimeout: "60s" } };
const outcomes = (plugin: Plugin) => countsBy(plugin, "mcp_operations_total", "mcp_method_name", "mcp_outcome");
const durations = (plugin: Plugin) => plugin.vm.metrics.histogram("mcp_operation_duration_milliseconds").values;
const answer = (worker: Plugin, session: string, body: string) =>
  post(worker, body, { status: 202 }, { headers: inSession(session) });
const roots = (id: unknown) => request("roots/list", {}, id);

describe.each([1, 4])("a request of the server, with %i workers", (count) => {
  const start = () => startWorkers(count, { configuration });
  const on = (workers: Plugin[], i: number) => workers[i % count];

  test.each([
    ["sampling/createMessage", { messages: [] }],
    ["elicitation/create", { message: "?" }],
    ["roots/list", {}],
    ["ping", undefined],
  ])("%s starts when it is seen, and ends with the client's POST", (method, params) => {
    const workers = start();
    const asked = request(method, params, "q");
    const stream = openGet(workers[0], "s");
    workers[0].vm.clock.advance(1000);
    stream.send(asked);
    passSeconds(workers, 6);
    expect(outcomes(workers[0])).toEqual({});
    expect(workers[0].vm.metrics.gauge("mcp_operations_in_flight")).toBe(1);
    workers[0].vm.clock.advance(250);
    const reply = result({ action: "accept" }, "q");
    answer(on(workers, 1), "s", reply);
    expect(outcomes(workers[0])).toEqual({ [`${method} ok`]: 1 });
    expect(durations(workers[0])).toEqual([6250]);
    expect(countsBy(workers[0], "mcp_payload_bytes_total", "mcp_method_name", "mcp_direction")).toEqual({
      [`${method} server_to_client`]: asked.length,
      [`${method} client_to_server`]: reply.length,
    });
    answer(on(workers, 2), "s", reply);
    expect(outcomes(workers[0])).toEqual({ [`${method} ok`]: 1 });
  });

  test("on the stream of a POST, with the id of the POST's own request", () => {
    const workers = start();
    const asked = openPost(workers[0], "s", toolCall("echo", 1)).send(roots(1));
    answer(on(workers, 1), "s", error(-32601, 1));
    expect(outcomes(workers[0])).toEqual({ "roots/list rpc_error": 1 });
    asked.send(result({}, 1)).close();
    expect(outcomes(workers[0])).toEqual({ "roots/list rpc_error": 1, "tools/call ok": 1 });
  });

  test("and one of the client that waits with the same id: each has its own response", () => {
    const workers = start();
    openPost(workers[0], "s", toolCall("echo", 1))
      .write(numbered("a", roots(1)))
      .close();
    // Sent by the client: a response to the server's request, and a response to its own request.
    answer(on(workers, 1), "s", result({}, 1));
    expect(outcomes(workers[0])).toEqual({ "roots/list ok": 1 });
    openGet(on(workers, 2), "s", "a")
      .send(result({ isError: true }, 1))
      .close();
    expect(outcomes(workers[0])).toEqual({ "roots/list ok": 1, "tools/call tool_error": 1 });
  });

  test("several in a batch, answered in a batch", () => {
    const workers = start();
    openGet(workers[0], "s").send(batch(roots(1), request("ping", {}, 2), notification("notifications/message")));
    answer(on(workers, 1), "s", batch(result({}, 2), error(-1, 1), result({}, 3)));
    expect(outcomes(workers[0])).toEqual({ "roots/list rpc_error": 1, "ping ok": 1 });
  });

  test("is cancelled by the server, not by the client", () => {
    const workers = start();
    const stream = openGet(workers[0], "s").send(roots(1), roots(2));
    answer(on(workers, 1), "s", notification("notifications/cancelled", { requestId: 1 }));
    workers[0].vm.clock.advance(60);
    stream.send(notification("notifications/cancelled", { requestId: 2 }));
    passSeconds(workers, 20);
    expect(outcomes(workers[0])).toEqual({ "roots/list cancelled": 1 });
    expect(durations(workers[0])).toEqual([60]);
    answer(on(workers, 1), "s", result({}, 1));
    expect(outcomes(workers[0])).toEqual({ "roots/list cancelled": 1, "roots/list ok": 1 });
  });

  test("without a response is unanswered after the idle time", () => {
    const workers = start();
    openGet(workers[0], "s").send(roots(1)).close();
    passSeconds(workers, 50);
    expect(outcomes(workers[0])).toEqual({});
    passSeconds(workers, 20);
    expect(outcomes(workers[0])).toEqual({ "roots/list unanswered": 1 });
    answer(workers[0], "s", result({}, 1));
    expect(workers[0].vm.metrics.counter("mcp_operations_total")).toBe(1);
  });

  test("that is replayed to a resuming client is the same one", () => {
    const workers = start();
    openGet(workers[0], "s")
      .write(numbered("a", roots(1)))
      .close("client");
    openGet(on(workers, 1), "s", "0").write(numbered("a", roots(1)));
    answer(on(workers, 2), "s", result({}, 1));
    passSeconds(workers, 80);
    expect(outcomes(workers[0])).toEqual({ "roots/list ok": 1 });
  });

  test("that was answered and is replayed to a resuming client is the same one", () => {
    const workers = start();
    openGet(workers[0], "s")
      .write(numbered("a", roots(1)) + numbered("b", roots(2)))
      .close("client");
    answer(on(workers, 1), "s", result({}, 1));
    answer(on(workers, 2), "s", result({}, "2"));
    openGet(on(workers, 1), "s", "0").write(numbered("a", roots(1)) + numbered("b", roots(2)));
    // A new request, and one of another session.
    openGet(on(workers, 2), "s", "b").write(numbered("c", roots(3)));
    openGet(on(workers, 2), "t", "0").write(numbered("a", roots(1)));
    passSeconds(workers, 80);
    expect(outcomes(workers[0])).toEqual({ "roots/list ok": 2, "roots/list unanswered": 2 });
  });

  test("with the id of an earlier one counts on its own stream", () => {
    const workers = start();
    const stream = openGet(workers[0], "s");
    for (let i = 0; i < 2; i++) {
      stream.send(roots(1));
      answer(on(workers, 1), "s", result({}, 1));
    }
    expect(outcomes(workers[0])).toEqual({ "roots/list ok": 2 });
  });

  test("in another session is separate, and without one it is not tracked", () => {
    const workers = start();
    openGet(workers[0], "s").send(roots(1));
    answer(on(workers, 1), "other", result({}, 1));
    expect(outcomes(workers[0])).toEqual({});
    const headers = { ...GET_HEADERS, "mcp-protocol-version": "2025-11-25" };
    new OpenStream(workers[0], { method: "GET", headers }).send(roots(5));
    exchange(workers[0], {
      request: { body: toolCall("echo", 6) },
      response: { headers: SSE_ANSWER, body: event(roots(6)) + event(result({}, 6)) },
    });
    post(on(workers, 1), result({}, 5), { status: 202 });
    post(on(workers, 1), result({}, 6), { status: 202 });
    passSeconds(workers, 80);
    expect(outcomes(workers[0])).toEqual({ "roots/list unanswered": 1, "tools/call ok": 1 });
  });
});

describe("an error of the client without an id answers none of the server's requests", () => {
  const ERROR = '{"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"}}';
  const ping = request("ping", {}, "7");

  test("after a request whose id has the same text, in a batch", () => {
    const [plugin] = startWorkers(1, {});
    openGet(plugin, "s").send(roots(7));
    post(plugin, batch(ping, ERROR), result({}, "7"), { headers: inSession("s") });
    expect(outcomes(plugin)).toEqual({ "ping ok": 1 });
  });

  test("after such a request of another session", () => {
    const [plugin] = startWorkers(1, {});
    openGet(plugin, "s").send(roots(7));
    post(plugin, ping, result({}, "7"), { headers: inSession("other") });
    answer(plugin, "s", ERROR);
    expect(outcomes(plugin)).toEqual({ "ping ok": 1 });
  });
});
