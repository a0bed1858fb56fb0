/** Tests queues with batches, HTTP+SSE, streams, held headers and bounds, and during reconfigurations. */
import { describe, expect, test } from "vitest";
import { Action, type BodyEnd, exchange, type HttpStream, type Plugin } from "../../../scripts/host/index.ts";
import {
  batch,
  countsBy,
  error,
  JSON_ANSWER,
  MCP_HEADERS,
  notification,
  request,
  result,
  SSE_ANSWER,
  startWorkers,
  toolCall,
} from "./filter.ts";
import { rewritten } from "./access.ts";
import { ENDPOINT, openSession, POST_HEADERS } from "./http-sse.ts";
import { ask, limited, replyOf, startLimited } from "./limits.ts";
import { GET_HEADERS } from "./open-stream.ts";
import { answer, call, type Calling, hasPassed, isWaiting, passMilliseconds, runTurns } from "./queues.ts";
import { Listener, Proxy } from "./updates.ts";

const SLOW = { operation: { tools: ["slow"] } };
const ONE = { name: "one", to: [SLOW], key: [], concurrency: 1, queue: { maxWait: "5s", maxLength: 100 } };
const from = (address: string): Calling => ({ properties: { "source.address": `${address}:5000` } });
const outcomes = (plugin: Plugin) => countsBy(plugin, "mcp_operations_total", "mcp_outcome");

describe("a batch", () => {
  const two = batch(toolCall("slow", 1), toolCall("slow", 2));
  const open = (plugin: Plugin) =>
    exchange(plugin, { request: { headers: MCP_HEADERS, body: two }, response: null, ended: "open" }).stream;

  test("waits as a whole until there is room for all of it", () => {
    const plugin = startLimited([{ ...ONE, concurrency: 2 }]);
    const first = call(plugin, 9);
    const stream = open(plugin);
    runTurns(plugin);
    expect(isWaiting(stream)).toBe(true);
    answer(first, 9);
    runTurns(plugin);
    expect(stream.passedRequest).toBe(two);
    const third = call(plugin, 3);
    expect(isWaiting(third)).toBe(true);
    stream.reset("server");
    runTurns(plugin);
    expect(hasPassed(third)).toBe(true);
  });

  test("that can never be admitted as a whole does not wait: the excess is limited at once", () => {
    const plugin = startLimited([ONE]);
    const stream = open(plugin);
    expect(stream.passedRequest).toBe(batch(toolCall("slow", 1), rewritten(toolCall("slow", 2))));
    expect(outcomes(plugin)).toEqual({ limited: 1 });
  });

  test("that waits for too long is limited where it has no room, and the rest passes", () => {
    const plugin = startLimited([{ ...ONE, concurrency: 2 }]);
    const first = call(plugin, 9);
    const stream = open(plugin);
    passMilliseconds([plugin], 5500);
    expect(stream.passedRequest).toBe(batch(toolCall("slow", 1), rewritten(toolCall("slow", 2))));
    expect(outcomes(plugin)).toEqual({ limited: 1 });
    stream.responseHeaders([[":status", "200"], ...Object.entries(JSON_ANSWER)]);
    stream.responseBody(Buffer.from(batch(result({}, 1), error(-32601, 2))), true);
    stream.end();
    expect(outcomes(plugin)).toEqual({ ok: 1, limited: 1 });
    // One of two permits is taken.
    expect(hasPassed(call(plugin, 10))).toBe(true);
    expect(isWaiting(call(plugin, 11))).toBe(true);
    answer(first, 9);
  });

  test("is answered by the filter if none of it has room after the wait", () => {
    const plugin = startLimited([{ ...ONE, concurrency: 2 }]);
    const open2 = [call(plugin, 8), call(plugin, 9)];
    const stream = open(plugin);
    passMilliseconds([plugin], 5500);
    expect(replyOf(stream)?.body).toMatchObject([
      { id: 1, error: { code: 429 } },
      { id: 2, error: { code: 429 } },
    ]);
    expect(outcomes(plugin)).toEqual({ limited: 2 });
    open2.forEach((held, i) => {
      answer(held, 8 + i);
    });
  });

  test("that has waited does not hold up its allowed messages when its queue is full", () => {
    const plugin = startLimited([{ ...ONE, concurrency: 2, queue: { maxWait: "5s", maxLength: 1 } }]);
    call(plugin, 8);
    call(plugin, 9);
    const third = call(plugin, 10);
    expect(isWaiting(third)).toBe(true);
    const stream = exchange(plugin, {
      request: { headers: MCP_HEADERS, body: batch(toolCall("slow", 1), request("tools/list", {}, 2)) },
      response: null,
      ended: "open",
    }).stream;
    expect(stream.passedRequest).toBe(batch(rewritten(toolCall("slow", 1)), request("tools/list", {}, 2)));
  });
});

describe("over HTTP+SSE", () => {
  const post = (plugin: Plugin, body: string) =>
    exchange(plugin, { request: { path: ENDPOINT, headers: POST_HEADERS, body }, response: null, ended: "open" })
      .stream;
  const accept = (stream: HttpStream) => {
    stream.responseHeaders([[":status", "202"]], true);
    stream.end();
  };

  test("a call waits, and its response on the session's stream releases its permit", () => {
    const [one, two] = startWorkers(2, { configuration: limited([ONE]) });
    const events = openSession(one, two);
    const first = post(one, toolCall("slow", 1));
    accept(first);
    const second = post(one, toolCall("slow", 2));
    const third = post(two, toolCall("slow", 3));
    passMilliseconds([one, two], 400);
    expect([second, third].map(isWaiting)).toEqual([true, true]);
    events.send(result({ content: [] }, 1));
    runTurns(one);
    expect([second, third].map(hasPassed)).toEqual([true, false]);
    accept(second);
    one.vm.clock.advance(50);
    events.send(result({ content: [] }, 2));
    runTurns(one);
    expect(hasPassed(third)).toBe(true);
    accept(third);
    events.send(result({ content: [] }, 3));
    expect(outcomes(one)).toEqual({ ok: 4 });
    const durations = one.vm.metrics.histogram("mcp_operation_duration_milliseconds", { gen_ai_tool_name: "slow" });
    expect(Math.max(...durations.values)).toBeLessThanOrEqual(400);
    expect(durations.values.filter((ms) => ms >= 400)).toHaveLength(1);
  });

  test.each([0, 1])("a call that is cancelled on worker %d never reaches the server", (at) => {
    const workers = startWorkers(2, { configuration: limited([ONE]) });
    const events = openSession(workers[0], workers[0]);
    accept(post(workers[0], toolCall("slow", 1)));
    const second = post(workers[0], toolCall("slow", 2));
    accept(post(workers[at], notification("notifications/cancelled", { requestId: 2 })));
    events.send(result({ content: [] }, 1));
    runTurns(workers[0]);
    expect(second.reply).toMatchObject({ status: 202, details: "mcp_cancelled" });
    expect(outcomes(workers[0])).toEqual({ ok: 2, cancelled: 1 });
  });

  test("a call that waits for too long is forwarded with another method, so that its stream delivers the error", () => {
    const plugin = startLimited([ONE]);
    openSession(plugin, plugin);
    accept(post(plugin, toolCall("slow", 1)));
    const second = post(plugin, toolCall("slow", 2));
    passMilliseconds([plugin], 5500);
    expect(second.passedRequest).toBe(rewritten(toolCall("slow", 2)));
    expect(outcomes(plugin)).toEqual({ ok: 1, limited: 1 });
  });
});

test("a stream that a GET opens is never queued", () => {
  const rule = { ...ONE, to: [{ operation: { methods: ["GET"] } }] };
  const plugin = startLimited([rule]);
  const get = () =>
    exchange(plugin, {
      request: { method: "GET", headers: GET_HEADERS },
      response: { headers: SSE_ANSWER, ended: "open" },
    }).stream;
  expect(get().reply).toBeUndefined();
  expect(replyOf(get())).toMatchObject({ status: 429 });
});

test.each<BodyEnd>(["alone", "with-last", "trailers"])("a body that waits may end in any way: %s", (requestEnd) => {
  const plugin = startLimited([ONE]);
  const first = call(plugin, 1);
  const body = toolCall("slow", 2);
  const pieces = [body.slice(0, 20), body.slice(20)];
  const spec = { request: { headers: MCP_HEADERS, body: pieces }, response: null, ended: "open" } as const;
  const { stream, actions } = exchange(plugin, spec, { requestEnd });
  expect(actions.at(-1)).toBe(Action.Pause);
  answer(first, 1);
  runTurns(plugin);
  expect(stream.passedRequest).toBe(body);
});

test("held headers wait with the body", () => {
  const plugin = startLimited([ONE], { more: { hold: { headers: true } }, allowHeadersStop: true });
  const first = call(plugin, 1);
  const spec = { request: { headers: MCP_HEADERS, body: toolCall("slow", 2) }, response: null, ended: "open" } as const;
  const { stream, actions } = exchange(plugin, spec);
  expect(actions[0]).toBe(Action.Pause);
  passMilliseconds([plugin], 300);
  expect(isWaiting(stream)).toBe(true);
  answer(first, 1);
  runTurns(plugin);
  expect(hasPassed(stream)).toBe(true);
});

describe("what may be held", () => {
  const hold = { maxStreams: 8 };

  test("includes waiting requests, for each caller and in total", () => {
    const plugin = startLimited([ONE], { more: { hold } });
    call(plugin, 0);
    const streams = [1, 2, 3].map((id) => call(plugin, id, from("10.0.0.1")));
    expect(streams.map(isWaiting)).toEqual([true, true, false]);
    expect(replyOf(streams[2])).toMatchObject({ details: "mcp_limited[_held]" });
    // Others are served, also while the first caller floods the proxy.
    expect(isWaiting(call(plugin, 4, from("10.0.0.2")))).toBe(true);
    expect(hasPassed(call(plugin, 5, { ...from("10.0.0.3"), tool: "fast" }))).toBe(true);
  });

  test("is free again once the request has passed or was answered, or its client has disconnected", () => {
    const plugin = startLimited([ONE], { more: { hold } });
    for (let round = 0; round < 20; round++) {
      const first = call(plugin, 1);
      const [second, third] = [call(plugin, 2), call(plugin, 3)];
      expect([second, third].map(isWaiting)).toEqual([true, true]);
      second.reset("client");
      answer(first, 1);
      runTurns(plugin);
      expect(hasPassed(third)).toBe(true);
      answer(third, 3);
      passMilliseconds([plugin], 1100, 50);
    }
  });
});

test("only the caller that repeats a call waits for it, not others in the queue", () => {
  const rule = { name: "again", key: [], repeats: { amount: 1, per: "1s" }, queue: { maxWait: "3s" } };
  const plugin = startLimited([rule]);
  const ask = (id: number, tool: string, address: string) => call(plugin, id, { ...from(address), tool });
  const first = ask(1, "a", "10.0.0.1");
  const again = ask(2, "a", "10.0.0.1");
  runTurns(plugin);
  expect([first, again].map(hasPassed)).toEqual([true, false]);
  const other = ask(3, "b", "10.0.0.2");
  passMilliseconds([plugin], 300);
  expect([again, other].map(hasPassed)).toEqual([false, true]);
  passMilliseconds([plugin], 1000);
  expect(hasPassed(again)).toBe(true);
});

test("requests wait for token debts", () => {
  const rule = { name: "tokens", key: [], tokens: { amount: 100, per: "1s" }, queue: { maxWait: "3s" } };
  const plugin = startLimited([rule]);
  const text = "word ".repeat(200);
  ask(plugin, toolCall("echo", 1), { response: { body: result({ content: [{ type: "text", text }] }) } });
  const second = call(plugin, 2);
  expect(isWaiting(second)).toBe(true);
  passMilliseconds([plugin], 1500);
  expect(hasPassed(second)).toBe(true);
});

test("requests that wait in an older configuration are admitted by it, in turn with those of the newer one", () => {
  const proxy = new Proxy(1);
  const configuration = (version: number) => ({ ...limited([ONE]), sessions: { max: 1000 + version } });
  const listener = new Listener(proxy, configuration(0));
  const { plugin: older } = listener.connect();
  const first = call(older, 1);
  const waiting = [2, 3].map((id) => call(older, id));
  runTurns(older);
  const chain = listener.push(configuration(1));
  const { plugin: newer } = listener.connect();
  const later = call(newer, 4);
  runTurns(older);
  expect(isWaiting(later)).toBe(true);
  const order: number[] = [];
  answer(first, 1);
  const open = new Map([...waiting, later].map((stream, i) => [2 + i, stream]));
  for (let i = 0; i < 10 && open.size > 0; i++) {
    passMilliseconds([older, newer], 50);
    for (const [id, stream] of open) {
      if (!hasPassed(stream)) continue;
      open.delete(id);
      order.push(id);
      answer(stream, id);
    }
  }
  expect(order.sort()).toEqual([2, 3, 4]);
  proxy.end(chain);
  passMilliseconds([newer], 3000, 50);
  expect(hasPassed(call(newer, 5))).toBe(true);
});

test("a request that is not MCP also waits, and holds its permit to the end of its stream", () => {
  const plugin = startLimited([{ ...ONE, to: undefined }]);
  const body = '{"jsonrpc":"2.0","id":1,"method":"x.other"}';
  const spec = { request: { headers: MCP_HEADERS, body }, response: null, ended: "open" } as const;
  const open = () => exchange(plugin, spec).stream;
  const [first, second, third] = [open(), open(), open()];
  runTurns(plugin);
  expect([first, second, third].map(hasPassed)).toEqual([true, false, false]);
  first.reset("client");
  runTurns(plugin);
  expect([second, third].map(hasPassed)).toEqual([true, false]);
  second.reset("client");
  runTurns(plugin);
  expect(hasPassed(third)).toBe(true);
});

test("requests without a rule never wait", () => {
  const plugin = startLimited([ONE]);
  call(plugin, 1);
  call(plugin, 2);
  expect(ask(plugin, request("ping")).reply).toBeUndefined();
  expect(ask(plugin, request("tools/list")).reply).toBeUndefined();
});
