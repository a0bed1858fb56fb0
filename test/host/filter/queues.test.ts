/** Tests queues: a request that a rule does not admit waits until it does, in turn with those of other callers. */
import { describe, expect, test } from "vitest";
import type { HttpStream } from "../../../scripts/host/index.ts";
import { countsBy, notification, startWorkers } from "./filter.ts";
import { ask, limited, replyOf, startLimited } from "./limits.ts";
import { inSession } from "./open-stream.ts";
import { answer, call, type Calling, hasPassed, isWaiting, passMilliseconds, runTurns } from "./queues.ts";

const ONE = { name: "one", key: [], concurrency: 1, queue: { maxWait: "2s", maxLength: 4 } };
const RATE = { name: "rate", key: [], requests: { amount: 10, per: "1s", burst: 1 }, queue: { maxWait: "2s" } };
const from = (address: string): Calling => ({ properties: { "source.address": `${address}:5000` } });
const decisions = (plugin: Parameters<typeof countsBy>[0]) =>
  countsBy(plugin, "mcp_limit_decisions_total", "mcp_limit_decision");

test("a request waits for a permit, and passes completely when one is released", () => {
  const plugin = startLimited([ONE]);
  const [first, second, third] = [call(plugin, 1), call(plugin, 2), call(plugin, 3)];
  runTurns(plugin);
  expect([first, second, third].map(hasPassed)).toEqual([true, false, false]);
  answer(first, 1);
  // Not within the callback of another stream.
  expect(isWaiting(second)).toBe(true);
  runTurns(plugin);
  expect([second, third].map(hasPassed)).toEqual([true, false]);
  expect(JSON.parse(second.passedRequest)).toMatchObject({ id: 2, method: "tools/call" });
  answer(second, 2);
  runTurns(plugin);
  answer(third, 3);
  expect(decisions(plugin)).toEqual({ admitted: 3, queued: 2 });
  expect(countsBy(plugin, "mcp_operations_total", "mcp_outcome")).toEqual({ ok: 3 });
});

test("requests that do not fit into the queue are limited at once", () => {
  const plugin = startLimited([ONE]);
  const streams = Array.from({ length: 7 }, (_, i) => call(plugin, i));
  runTurns(plugin);
  expect(streams.map(isWaiting)).toEqual([false, true, true, true, true, false, false]);
  expect(replyOf(streams[6])).toMatchObject({ status: 200, body: { id: 6, error: { code: 429 } } });
});

test("a request that has waited too long is limited", () => {
  const plugin = startLimited([ONE]);
  call(plugin, 1);
  const second = call(plugin, 2);
  passMilliseconds([plugin], 1900);
  expect(isWaiting(second)).toBe(true);
  passMilliseconds([plugin], 200);
  expect(replyOf(second)).toMatchObject({
    details: "mcp_limited[one]",
    body: { id: 2, error: { data: { rule: "one", scope: "concurrency" } } },
  });
  expect(Number(second.state.get("mcp.wait_ms"))).toBeGreaterThanOrEqual(2000);
  expect(countsBy(plugin, "mcp_operations_total", "mcp_outcome")).toEqual({ limited: 1 });
  expect(decisions(plugin)).toEqual({ admitted: 1, queued: 1, limited: 1 });
});

test("the time spent waiting is not part of the tool's duration", () => {
  const plugin = startLimited([ONE]);
  const first = call(plugin, 1);
  const second = call(plugin, 2);
  passMilliseconds([plugin], 500);
  answer(first, 1);
  passMilliseconds([plugin], 100);
  answer(second, 2);
  const durations = plugin.vm.metrics.histogram("mcp_operation_duration_milliseconds", {
    mcp_method_name: "tools/call",
  });
  expect(durations).toMatchObject({ count: 2 });
  expect(Number(second.state.get("mcp.wait_ms"))).toBeGreaterThanOrEqual(500);
  expect(durations?.sum).toBeLessThan(700);
});

describe("callers take turns", () => {
  const key = { ...ONE, queue: { maxWait: "30s", maxLength: 1000 } };

  test("one caller with many requests does not delay the others", () => {
    const plugin = startLimited([key]);
    const busy = call(plugin, 0, from("10.0.0.1"));
    const greedy = Array.from({ length: 50 }, (_, i) => call(plugin, 100 + i, from("10.0.0.1")));
    const polite = [2, 3, 4].map((i) => call(plugin, i, from(`10.0.0.${i}`)));
    runTurns(plugin);
    answer(busy, 0);
    const order: number[] = [];
    const all = new Map<number, HttpStream>([
      ...greedy.map((stream, i) => [100 + i, stream] as const),
      ...polite.map((stream, i) => [2 + i, stream] as const),
    ]);
    while (all.size > 0) {
      runTurns(plugin);
      const passed = [...all].filter(([, stream]) => hasPassed(stream));
      expect(passed).toHaveLength(1);
      for (const [id, stream] of passed) {
        all.delete(id);
        order.push(id);
        answer(stream, id);
      }
    }
    expect(order.slice(0, 6)).toEqual([100, 2, 3, 4, 101, 102]);
    expect(order.filter((id) => id >= 100)).toEqual(greedy.map((_, i) => 100 + i));
  });

  test("if a queue is full, the newest request of the caller with most requests is evicted", () => {
    const rule = { ...ONE, queue: { maxWait: "30s", maxLength: 4 } };
    const plugin = startLimited([rule]);
    const first = call(plugin, 0, from("10.0.0.1"));
    const greedy = [10, 11, 12, 13].map((id) => call(plugin, id, from("10.0.0.1")));
    runTurns(plugin);
    const polite = [2, 3].map((id) => call(plugin, id, from(`10.0.0.${id}`)));
    // Not within the callbacks of others.
    expect(greedy.map(isWaiting)).toEqual([true, true, true, true]);
    runTurns(plugin);
    expect(greedy.map(isWaiting)).toEqual([true, true, false, false]);
    expect(replyOf(greedy[3])).toMatchObject({ details: "mcp_limited[one]", body: { id: 13 } });
    // All have their maximum: two, one and one.
    const more = [call(plugin, 14, from("10.0.0.1")), call(plugin, 4, from("10.0.0.4"))];
    runTurns(plugin);
    expect(more.map(isWaiting)).toEqual([false, true]);
    expect([...greedy, ...polite].map(isWaiting)).toEqual([true, false, false, false, true, true]);
    const order: number[] = [];
    const open = new Map([...greedy, ...polite, more[1]].map((stream, i) => [[10, 11, 12, 13, 2, 3, 4][i], stream]));
    answer(first, 0);
    for (let round = 0; round < 4; round++) {
      runTurns(plugin);
      for (const [id, stream] of open) {
        if (!hasPassed(stream)) continue;
        open.delete(id);
        order.push(id);
        answer(stream, id);
      }
    }
    expect(order).toEqual([10, 2, 3, 4]);
    expect(decisions(plugin)).toMatchObject({ admitted: 5, limited: 4 });
  });

  test("a new request does not overtake those that wait", () => {
    const plugin = startLimited([key]);
    const first = call(plugin, 1, from("10.0.0.1"));
    const second = call(plugin, 2, from("10.0.0.1"));
    runTurns(plugin);
    answer(first, 1);
    const third = call(plugin, 3, from("10.0.0.2"));
    expect([second, third].map(hasPassed)).toEqual([false, false]);
    runTurns(plugin);
    expect([second, third].map(hasPassed)).toEqual([true, false]);
  });
});

describe("abandoned requests", () => {
  test("never reach the server if the client disconnects", () => {
    const plugin = startLimited([ONE]);
    const first = call(plugin, 1);
    const [second, third] = [call(plugin, 2), call(plugin, 3)];
    runTurns(plugin);
    second.reset("client");
    answer(first, 1);
    runTurns(plugin);
    expect([second, third].map(hasPassed)).toEqual([false, true]);
    answer(third, 3);
    expect(countsBy(plugin, "mcp_operations_total", "mcp_outcome")).toEqual({ ok: 2, disconnected: 1 });
  });

  test.each([0, 1])("never reach the server if the client cancels on worker %d", (at) => {
    const workers = startWorkers(2, { configuration: limited([ONE]) });
    const [plugin] = workers;
    const headers = inSession("s");
    const first = call(plugin, 1, { headers });
    const second = call(plugin, 2, { headers });
    runTurns(plugin);
    ask(workers[at], notification("notifications/cancelled", { requestId: 2 }), { headers, response: { status: 202 } });
    runTurns(plugin);
    answer(first, 1);
    runTurns(plugin);
    expect(hasPassed(second)).toBe(false);
    expect(second.reply).toMatchObject({ status: 200, details: "mcp_cancelled", body: "" });
    expect(countsBy(plugin, "mcp_operations_total", "mcp_outcome")).toEqual({ ok: 1, cancelled: 1 });
  });
});

test("the next request gets at once what a cancelled one no longer needs", () => {
  const workers = startWorkers(2, { configuration: limited([ONE]) });
  const headers = inSession("s");
  const first = call(workers[0], 1);
  const [second, third] = [call(workers[0], 2, { headers }), call(workers[0], 3)];
  runTurns(workers[0]);
  // On another worker, so this one does not know of it until it is the request's turn.
  ask(workers[1], notification("notifications/cancelled", { requestId: 2 }), { headers, response: { status: 202 } });
  answer(first, 1);
  runTurns(workers[0]);
  expect(second.reply).toMatchObject({ details: "mcp_cancelled" });
  expect(hasPassed(third)).toBe(true);
});

describe("several workers", () => {
  test("all share what is released at one time", () => {
    const workers = startWorkers(2, { configuration: limited([{ ...ONE, concurrency: 4 }]) });
    const busy = [1, 2, 3, 4].map((id) => call(workers[0], id));
    const waiting = workers.map((worker, at) =>
      [0, 1, 2, 3].map((i) => call(worker, 10 * at + i + 10, from(`10.0.0.${at}`))),
    );
    runTurns(workers[0]);
    for (const [index, stream] of busy.entries()) answer(stream, index + 1);
    runTurns(workers[0]);
    expect(waiting.map((streams) => streams.filter(hasPassed).length)).toEqual([2, 2]);
  });

  test("a permit that one releases admits a request that waits on another one", () => {
    const [one, two] = startWorkers(2, { configuration: limited([ONE]) });
    const first = call(one, 1);
    const second = call(two, 2);
    runTurns(one);
    expect(isWaiting(second)).toBe(true);
    answer(first, 1);
    runTurns(one);
    expect(hasPassed(second)).toBe(true);
  });

  test("a new request on one does not overtake those that wait on another one", () => {
    const [one, two] = startWorkers(2, { configuration: limited([ONE]) });
    const first = call(one, 1);
    const second = call(two, 2);
    runTurns(one);
    answer(first, 1);
    const third = call(one, 3);
    runTurns(one);
    expect([second, third].map(hasPassed)).toEqual([true, false]);
  });

  test("they take turns by the number of callers that wait on each", () => {
    const rule = { ...ONE, queue: { maxWait: "30s", maxLength: 1000 } };
    const workers = startWorkers(2, { configuration: limited([rule]) });
    const busy = call(workers[0], 0);
    const waiting = new Map<number, HttpStream>();
    for (let i = 0; i < 30; i++) waiting.set(100 + i, call(workers[0], 100 + i, from("10.0.0.1")));
    for (let i = 0; i < 30; i++) waiting.set(200 + i, call(workers[1], 200 + i, from(`10.0.1.${i % 3}`)));
    runTurns(workers[0]);
    answer(busy, 0);
    const order: number[] = [];
    while (waiting.size > 0 && order.length < 40) {
      runTurns(workers[0]);
      for (const [id, stream] of waiting) {
        if (!hasPassed(stream)) continue;
        waiting.delete(id);
        order.push(id);
        answer(stream, id);
      }
    }
    // One caller there, three here: 1 to 3.
    const ofFirst = order.filter((id) => id < 200).length;
    expect(ofFirst).toBeGreaterThanOrEqual(9);
    expect(ofFirst).toBeLessThanOrEqual(12);
  });

  test("the others get what a dead worker has waited for", () => {
    const [one, two] = startWorkers(2, { configuration: limited([{ ...ONE, queue: { maxWait: "30s" } }]) });
    const first = call(one, 1);
    call(two, 2);
    const third = call(one, 3);
    runTurns(one);
    two.vm.failure = new Error("a trap");
    answer(first, 1);
    passMilliseconds([one], 600);
    expect(hasPassed(third)).toBe(true);
  });
});

describe("time", () => {
  test("paces requests that exceed a rate", () => {
    const plugin = startLimited([RATE]);
    const streams = Array.from({ length: 6 }, (_, i) => call(plugin, i));
    const passed: number[] = [];
    for (let at = 0; at < 700; at += 5) {
      passMilliseconds([plugin], 5);
      passed.push(streams.filter(hasPassed).length);
    }
    const first = [2, 3, 4, 5, 6].map((count) => 5 * (passed.findIndex((now) => now >= count) + 1));
    expect(first.map((ms, i) => Math.abs(ms - 100 * (i + 1)) <= 10 * (i + 1))).toEqual([true, true, true, true, true]);
    expect(decisions(plugin)).toEqual({ admitted: 6, queued: 5 });
  });

  test("gives workers that share a rate everything that it admits", () => {
    const rule = { ...RATE, requests: { amount: 100, per: "1s", burst: 10 }, queue: { maxWait: "5s" } };
    const workers = startWorkers(2, { configuration: limited([rule]) });
    const streams = Array.from({ length: 120 }, (_, id) => call(workers[id % 2], id, from(`10.0.0.${id % 2}`)));
    passMilliseconds(workers, 500);
    const admitted = [0, 1].map((at) => streams.filter((stream, id) => id % 2 === at && hasPassed(stream)).length);
    expect(admitted[0] + admitted[1]).toBeGreaterThanOrEqual(58);
    expect(admitted[0] + admitted[1]).toBeLessThanOrEqual(60);
    expect(Math.abs(admitted[0] - admitted[1])).toBeLessThanOrEqual(4);
  });

  test("limits requests at once that could not be admitted in time", () => {
    const plugin = startLimited([{ ...RATE, requests: { amount: 1, per: "10s", burst: 1 } }]);
    call(plugin, 1);
    expect(replyOf(call(plugin, 2))).toMatchObject({ details: "mcp_limited[rate]" });
  });

  test("no fast tick runs while nothing waits", () => {
    const plugin = startLimited([ONE]);
    const first = call(plugin, 1);
    expect(plugin.tickPeriod).toBe(1000);
    const second = call(plugin, 2);
    expect(plugin.tickPeriod).toBe(250);
    answer(first, 1);
    passMilliseconds([plugin], 300);
    answer(second, 2);
    passMilliseconds([plugin], 600);
    expect(plugin.tickPeriod).toBeGreaterThan(250);
  });
});

describe("several rules", () => {
  test("a request that waits for one holds no permit of another one", () => {
    const rules = [
      { name: "all", key: [], concurrency: 2 },
      { name: "slow", to: [{ operation: { tools: ["slow"] } }], key: [], concurrency: 1, queue: {} },
    ];
    const plugin = startLimited(rules);
    const first = call(plugin, 1);
    const second = call(plugin, 2);
    runTurns(plugin);
    expect(isWaiting(second)).toBe(true);
    const other = call(plugin, 3, { tool: "fast" });
    expect(hasPassed(other)).toBe(true);
    answer(first, 1);
    runTurns(plugin);
    expect(hasPassed(second)).toBe(true);
  });

  test("a request that a rule without a queue rejects is limited although it has waited for another one", () => {
    const rules = [
      { ...ONE, name: "queue" },
      { name: "few", key: [], requests: { amount: 1, per: "1m" } },
    ];
    const plugin = startLimited(rules);
    const first = call(plugin, 1);
    const second = call(plugin, 2);
    runTurns(plugin);
    answer(first, 1);
    runTurns(plugin);
    expect(replyOf(second)).toMatchObject({ details: "mcp_limited[few]" });
    expect(hasPassed(call(plugin, 3))).toBe(false);
  });
});

test("one iteration of the event loop passes at most 32 requests", () => {
  const rule = { name: "many", key: [], concurrency: 200, queue: { maxWait: "30s", maxLength: 1000 } };
  const plugin = startLimited([rule], { more: { hold: { maxStreams: 100_000 } } });
  const open = Array.from({ length: 200 }, (_, i) => call(plugin, i));
  const waiting = Array.from({ length: 300 }, (_, i) => call(plugin, 1000 + i));
  runTurns(plugin);
  for (const stream of open) stream.reset("server");
  const passed = [];
  while (plugin.vm.queues.turn() > 0) passed.push(waiting.filter(hasPassed).length);
  expect(passed.slice(0, 7)).toEqual([32, 64, 96, 128, 160, 192, 200]);
});
