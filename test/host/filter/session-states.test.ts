/** Tests the states of sessions in the gauge of active sessions: calling, waiting for a limit or the client, or none of
 *  these. */
import { describe, expect, test } from "vitest";
import { exchange, type HttpStream, type Plugin } from "../../../scripts/host/index.ts";
import {
  batch,
  countsBy,
  MCP_HEADERS,
  notification,
  passSeconds,
  post,
  request,
  result,
  startWorkers,
  toolCall,
} from "./filter.ts";
import { FIXED_SEEDS, FRESH_SEED } from "../../seeds.ts";
import { Random } from "../../../scripts/fuzz/random.ts";
import { heldSessions } from "./held-sessions.ts";
import { openSession, send } from "./http-sse.ts";
import { limited } from "./limits.ts";
import { inSession, numbered, openGet, openPost, OpenStream, priming } from "./open-stream.ts";
import { answer, call, hasPassed, isWaiting, passMilliseconds } from "./queues.ts";
import { has } from "./matrix.ts";

/** A second until a state is in the store, and five until the next sweep. */
const SEEN_SECONDS = 6;

/** The number of sessions in each non-empty state, once everything is observed. */
function states(workers: readonly Plugin[]): Record<string, number> {
  passSeconds(workers, SEEN_SECONDS);
  return statesNow(workers);
}

function statesNow([worker]: readonly Plugin[]): Record<string, number> {
  const all = Object.entries(countsBy(worker, "mcp_sessions_active", "mcp_session_state"));
  return Object.fromEntries(all.filter(([, count]) => count > 0));
}

/** An existing session, on any worker. */
function open(workers: readonly Plugin[], ...ids: string[]): void {
  for (const [i, id] of ids.entries()) {
    post(workers[i % workers.length], request("tools/list"), result({ tools: [] }), { headers: inSession(id) });
  }
  passSeconds(workers, 20);
}

const modern = (method: string, name = "agent") => ({
  ...MCP_HEADERS,
  "mcp-protocol-version": "2026-07-28",
  "mcp-method": method,
  ...(method === "tools/call" && { "mcp-name": name }),
});
const META = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientInfo": { name: "agent", version: "1" },
};
const modernRequest = (method: string, params: object = {}, id = 1) => request(method, { ...params, _meta: META }, id);
const modernCall = (id = 1) => modernRequest("tools/call", { name: "echo" }, id);
const INPUT_REQUIRED = result({ resultType: "input_required", inputRequests: {} });

const QUEUED = { name: "one", to: [{ operation: { tools: ["slow"] } }], key: [], concurrency: 1 };
const queue = (maxWait: string) => limited([{ ...QUEUED, queue: { maxWait, maxLength: 100 } }]);

describe.each([1, 4])("on %i workers", (count) => {
  const start = (configuration: object = {}) => {
    const workers = startWorkers(count, { configuration });
    return { workers, on: (i: number) => workers[i % count] };
  };

  test("a session calls from its request to the response, and is idle before and after", () => {
    const { workers, on } = start();
    open(workers, "a", "b", "c");
    expect(states(workers)).toEqual({ idle: 3 });
    const calls = [openPost(on(0), "a", toolCall("echo", 1)), openPost(on(1), "a", toolCall("echo", 2))];
    const list = openPost(on(2), "b", request("tools/list"));
    expect(states(workers)).toEqual({ idle: 1, calling: 2 });
    calls[0].send(result({}, 1)).close();
    expect(states(workers)).toEqual({ idle: 1, calling: 2 });
    list.close("client");
    expect(states(workers)).toEqual({ idle: 2, calling: 1 });
    calls[1].close("server");
    expect(states(workers)).toEqual({ idle: 3 });
    exchange(on(3), { request: { method: "DELETE", headers: inSession("b") }, response: { status: 200 } });
    expect(states(workers)).toEqual({ idle: 2 });
  });

  test("calls for as long as they last, and calls of a batch until the last one ends", () => {
    const { workers, on } = start();
    open(workers, "a");
    const calls = openPost(on(1), "a", batch(toolCall("echo", 1), toolCall("echo", 2)));
    for (let minutes = 0; minutes < 3; minutes++) {
      passSeconds(workers, 60);
      expect(statesNow(workers)).toEqual({ calling: 1 });
    }
    calls.send(result({}, 2));
    expect(states(workers)).toEqual({ calling: 1 });
    calls.send(result({}, 1));
    expect(states(workers)).toEqual({ idle: 1 });
    calls.close();
  });

  test("neither a GET stream, nor a ping, nor a subscription is a call", () => {
    const { workers, on } = start();
    open(workers, "a");
    openGet(on(0), "a");
    openPost(on(1), "a", request("ping"));
    expect(states(workers)).toEqual({ idle: 1 });
    post(on(2), modernRequest("tools/list"), result({ tools: [] }), { headers: modern("tools/list") });
    new OpenStream(on(3), { headers: modern("subscriptions/listen"), body: modernRequest("subscriptions/listen") });
    expect(states(workers)).toEqual({ idle: 2 });
  });

  test("the first request of a session that was unknown here counts once the server has accepted it", () => {
    const { workers, on } = start();
    const accepted = openPost(on(0), "a", toolCall("echo"));
    const pending = call(on(1), 1, { headers: inSession("b") });
    expect(states(workers)).toEqual({ calling: 1 });
    pending.responseHeaders([[":status", "404"]], true);
    pending.end();
    accepted.send(result()).close();
    expect(states(workers)).toEqual({ idle: 1 });
  });

  test("a call that waits for its response on another stream still counts", () => {
    const { workers, on } = start();
    open(workers, "a");
    const stream = openPost(on(0), "a", toolCall("echo", 7)).write(priming("1"));
    expect(states(workers)).toEqual({ calling: 1 });
    stream.close();
    expect(states(workers)).toEqual({ calling: 1 });
    openGet(on(1), "a", "1").write(numbered("2", result({}, 7)));
    expect(states(workers)).toEqual({ idle: 1 });
  });

  test("so does one of HTTP+SSE, whose responses all arrive on its stream", () => {
    const { workers, on } = start();
    const events = openSession(on(0), on(1));
    expect(states(workers)).toEqual({ idle: 1 });
    send(on(2), toolCall("echo", 5));
    expect(states(workers)).toEqual({ calling: 1 });
    events.send(request("sampling/createMessage", {}, "ask"));
    expect(states(workers)).toEqual({ waiting_for_client: 1 });
    send(on(3), result({}, "ask"));
    expect(states(workers)).toEqual({ calling: 1 });
    events.send(result({}, 5));
    expect(states(workers)).toEqual({ idle: 1 });
  });

  test("a session waits for its client until that responds to the server's request", () => {
    const { workers, on } = start();
    open(workers, "a", "b");
    const stream = openPost(on(0), "a", toolCall("echo", 1));
    stream.send(request("elicitation/create", {}, "e1"), request("roots/list", {}, "r1"));
    expect(states(workers)).toEqual({ idle: 1, waiting_for_client: 1 });
    passSeconds(workers, 120);
    expect(statesNow(workers)).toEqual({ idle: 1, waiting_for_client: 1 });
    post(on(1), result({}, "e1"), { status: 202 }, { headers: inSession("a") });
    expect(states(workers)).toEqual({ idle: 1, waiting_for_client: 1 });
    post(on(2), result({}, "r1"), { status: 202 }, { headers: inSession("a") });
    expect(states(workers)).toEqual({ idle: 1, calling: 1 });
    stream.send(result({}, 1)).close();
    expect(states(workers)).toEqual({ idle: 2 });
    // A ping does not count as waiting.
    openGet(on(3), "b").send(request("ping", {}, "p1"));
    expect(states(workers)).toEqual({ idle: 2 });
  });

  test("a session waits for its client after input_required, until it sends another request to any worker", () => {
    const { workers, on } = start();
    const headers = modern("tools/call", "echo");
    post(on(0), modernCall(), result(), { headers });
    expect(states(workers)).toEqual({ idle: 1 });
    post(on(1), modernCall(2), INPUT_REQUIRED.replace('"id":1', '"id":2'), { headers });
    expect(states(workers)).toEqual({ waiting_for_client: 1 });
    passSeconds(workers, 600);
    expect(statesNow(workers)).toEqual({ waiting_for_client: 1 });
    const back = new OpenStream(on(2), { headers, body: modernCall(3) });
    expect(states(workers)).toEqual({ calling: 1 });
    back.send(result({}, 3)).close();
    expect(states(workers)).toEqual({ idle: 1 });
    post(on(0), modernCall(4), INPUT_REQUIRED.replace('"id":1', '"id":4'), { headers });
    post(on(3), modernCall(5), result({}, 5), { headers });
    passSeconds(workers, 5);
    expect(states(workers)).toEqual({ idle: 1 });
  });

  test.runIf(has("waiting"))("a session waits for a limit while a request is in its queue", () => {
    const { workers, on } = start(queue("30s"));
    open(workers, "a", "b", "c");
    const first = call(on(0), 1, { headers: inSession("a") });
    const second = call(on(1), 2, { headers: inSession("b") });
    // Its other requests do not change that.
    const third = openPost(on(2), "b", toolCall("quick", 3));
    expect([isWaiting(first), isWaiting(second)]).toEqual([false, true]);
    expect(states(workers)).toEqual({ idle: 1, calling: 1, waiting_for_limit: 1 });
    answer(first, 1);
    passMilliseconds(workers, 200);
    expect(hasPassed(second)).toBe(true);
    expect(states(workers)).toEqual({ idle: 2, calling: 1 });
    third.send(result({}, 3)).close();
    expect(states(workers)).toEqual({ idle: 2, calling: 1 });
    answer(second, 2);
    expect(states(workers)).toEqual({ idle: 3 });
  });

  test.runIf(has("waiting")).each<[string, (stream: HttpStream, worker: Plugin) => void]>([
    ["its client leaves", (stream) => stream.reset("client")],
    [
      "the client cancels it",
      (_, worker) =>
        post(
          worker,
          notification("notifications/cancelled", { requestId: 2 }),
          { status: 202 },
          { headers: inSession("b") },
        ),
    ],
    ["the limit rejects it in the end", () => {}],
  ])("a request that waited leaves nothing behind where %s", (_, leave) => {
    const { workers, on } = start(queue("12s"));
    open(workers, "a", "b");
    const first = call(on(0), 1, { headers: inSession("a") });
    const second = call(on(1), 2, { headers: inSession("b") });
    expect(states(workers)).toEqual({ calling: 1, waiting_for_limit: 1 });
    leave(second, on(0));
    passMilliseconds(workers, 7000, 20);
    expect(hasPassed(second)).toBe(false);
    expect(states(workers)).toEqual({ idle: 1, calling: 1 });
    answer(first, 1);
    expect(states(workers)).toEqual({ idle: 2 });
  });

  test.runIf(has("waiting"))("an HTTP+SSE call waits for a limit, and is open once it is admitted", () => {
    const { workers, on } = start(queue("30s"));
    const events = openSession(on(0), on(1));
    open(workers, "a");
    const first = call(on(1), 1, { headers: inSession("a") });
    const second = send(on(2), toolCall("slow", 2), { response: null, ended: "open" });
    expect(states(workers)).toEqual({ calling: 1, waiting_for_limit: 1 });
    answer(first, 1);
    passMilliseconds(workers, 200);
    second.responseHeaders([[":status", "202"]], true);
    second.end();
    expect(states(workers)).toEqual({ idle: 1, calling: 1 });
    events.send(result({}, 2));
    expect(states(workers)).toEqual({ idle: 2 });
  });

  test("a request that is rejected at once has no state", () => {
    const { workers, on } = start(limited([{ ...QUEUED, to: [{ operation: { tools: ["slow"] } }], concurrency: 1 }]));
    open(workers, "a", "b");
    const first = call(on(0), 1, { headers: inSession("a") });
    expect(call(on(1), 2, { headers: inSession("b") }).reply).toBeDefined();
    expect(states(workers)).toEqual({ idle: 1, calling: 1 });
    answer(first, 1);
    expect(states(workers)).toEqual({ idle: 2 });
  });

  test("each gauge has all states, and returns to zero in all of them", () => {
    const { workers, on } = start();
    open(workers, "a");
    const stream = openPost(on(0), "a", toolCall("echo"));
    passSeconds(workers, SEEN_SECONDS);
    const gauges = () => countsBy(on(0), "mcp_sessions_active", "mcp_session_kind", "mcp_session_state");
    const all = { "streamable idle": 0, "streamable waiting_for_client": 0, "streamable waiting_for_limit": 0 };
    expect(gauges()).toEqual({ ...all, "streamable calling": 1 });
    stream.send(result()).close();
    exchange(on(1), { request: { method: "DELETE", headers: inSession("a") }, response: { status: 200 } });
    passSeconds(workers, SEEN_SECONDS);
    expect(gauges()).toEqual({ ...all, "streamable calling": 0 });
  });

  test.runIf(has("pluginNames"))("streams that are open across a new configuration keep their states", () => {
    const { workers, on } = start();
    open(workers, "a", "b");
    const stream = openPost(on(0), "a", toolCall("echo"));
    expect(states(workers)).toEqual({ idle: 1, calling: 1 });
    for (const worker of workers) worker.configure({ sessions: { max: 100 } });
    const other = openPost(on(1), "b", toolCall("echo"));
    expect(states(workers)).toEqual({ calling: 2 });
    stream.send(result()).close();
    expect(states(workers)).toEqual({ idle: 1, calling: 1 });
    other.send(result()).close();
    expect(states(workers)).toEqual({ idle: 2 });
  });
});

test("the open work of a worker that no longer ticks counts for ten seconds, without affecting that of others", () => {
  const workers = startWorkers(4);
  open(workers, "a", "b");
  openPost(workers[3], "a", toolCall("echo", 1));
  openPost(workers[3], "b", toolCall("echo", 2));
  openPost(workers[1], "b", toolCall("echo", 3));
  expect(states(workers)).toEqual({ calling: 2 });
  const others = workers.slice(0, 3);
  passSeconds(others, 9);
  expect(statesNow(others)).toEqual({ calling: 2 });
  passSeconds(others, SEEN_SECONDS);
  expect(statesNow(others)).toEqual({ idle: 1, calling: 1 });
});

/** A random script, which starts calls of any kind and ends them in any way. */
function play(seed: number): { mostHeld: number; queued: number; left: Record<string, number>; held: number } {
  const random = new Random(seed);
  const workers = startWorkers(3, { configuration: queue("4s") });
  const { vm } = workers[0];
  const ids = ["a", "b", "c", "d"];
  open(workers, ...ids);
  let calls: { stream: HttpStream; id: number; session: string }[] = [];
  let mostHeld = 0;
  let queued = 0;
  const step = (id: number) => {
    const worker = random.pick(workers);
    const session = random.pick(ids);
    const headers = inSession(session);
    if (random.oneIn(2) || calls.length === 0) {
      const stream = call(worker, id, { headers, tool: random.pick(["slow", "quick"]) });
      if (isWaiting(stream)) queued++;
      if (stream.reply === undefined) calls.push({ stream, id, session });
      return;
    }
    const one = random.pick(calls);
    if (random.oneIn(3)) {
      const cancelled = notification("notifications/cancelled", { requestId: one.id });
      post(worker, cancelled, { status: 202 }, { headers: inSession(one.session) });
      return;
    }
    calls = calls.filter((each) => each !== one);
    if (random.oneIn(3) || !hasPassed(one.stream)) one.stream.reset("client");
    else answer(one.stream, one.id);
  };
  for (let id = 1; id <= 150; id++) {
    step(id);
    calls = calls.filter(({ stream }) => stream.reply === undefined);
    passMilliseconds(workers, random.pick([0, 0, 20, 300, 2000]), 20);
    calls = calls.filter(({ stream }) => stream.reply === undefined);
    mostHeld = Math.max(mostHeld, heldSessions(vm));
  }
  for (const { stream } of calls) stream.reset("client");
  passSeconds(workers, 1);
  const held = heldSessions(vm);
  return { mostHeld, queued, held, left: states(workers) };
}

test.runIf(has("waiting")).each([...FIXED_SEEDS, FRESH_SEED])(
  "no random call leaves its state behind (seed %i)",
  (seed) => {
    const { mostHeld, queued, held, left } = play(seed);
    expect(mostHeld).toBeGreaterThan(2);
    expect(queued).toBeGreaterThan(10);
    expect(held).toBe(0);
    expect(left).toEqual({ idle: 4 });
  },
);
