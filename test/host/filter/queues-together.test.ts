/** Tests queues with concurrent events: several rules, clock changes, and early responses. */
import { describe, expect, test } from "vitest";
import {
  exchange,
  type HttpStream,
  loadModule,
  type Plugin,
  SharedDataStore,
  Vm,
} from "../../../scripts/host/index.ts";
import { batch, countsBy, MCP_HEADERS, notification, passSeconds, startWorkers, toolCall } from "./filter.ts";
import { ENDPOINT, openSession, POST_HEADERS } from "./http-sse.ts";
import { limited, replyOf, startLimited } from "./limits.ts";
import { inSession } from "./open-stream.ts";
import { answer, call, type Calling, hasPassed, isWaiting, passMilliseconds, runTurns } from "./queues.ts";

const ONE = { name: "one", key: [], concurrency: 1, queue: { maxWait: "2s", maxLength: 100 } };
const from = (address: string): Calling => ({ properties: { "source.address": `${address}:5000` } });
const outcomes = (plugin: Plugin) => countsBy(plugin, "mcp_operations_total", "mcp_outcome");

/** Sends a batch of two calls of a tool, without responses yet. */
const callBatch = (plugin: Plugin, tool: string, { properties }: Calling = {}): HttpStream => {
  const body = batch(toolCall(tool, 1), toolCall(tool, 2));
  return exchange(plugin, { request: { headers: MCP_HEADERS, body }, response: null, ended: "open" }, { properties })
    .stream;
};

/** Posts a call to the session of HTTP+SSE, or another message. */
const post = (plugin: Plugin, id: number, body = toolCall("slow", id)): HttpStream =>
  exchange(plugin, { request: { path: ENDPOINT, headers: POST_HEADERS, body }, response: null, ended: "open" }).stream;

/** The server of HTTP+SSE accepts what was posted. */
const accept = (stream: HttpStream): void => {
  stream.responseHeaders([[":status", "202"]], true);
  stream.end();
};

describe("several rules", () => {
  const rules = [
    { name: "own", key: ["address"], concurrency: 1, queue: { maxWait: "5s", maxLength: 100 } },
    { name: "all", key: [], concurrency: 1, queue: { maxWait: "5s", maxLength: 100 } },
  ];

  test("count each wait of a request that moves from one queue to another", () => {
    const queue = { maxWait: "20s" };
    const to = (...tools: string[]) => [{ operation: { tools } }];
    const plugin = startLimited([
      { name: "own", key: [], to: to("a", "both"), requests: { amount: 10, per: "1s", burst: 1 }, queue },
      { name: "all", key: [], to: to("b", "both"), concurrency: 1, queue },
    ]);
    call(plugin, 1, { tool: "a" });
    const other = call(plugin, 2, { tool: "b" });
    const both = call(plugin, 3, { tool: "both" });
    passMilliseconds([plugin], 200);
    const later = call(plugin, 4, { tool: "b" });
    expect([both, later].map(isWaiting)).toEqual([true, true]);
    passSeconds([plugin], 6);
    expect(countsBy(plugin, "mcp_limit_queue_length", "mcp_limit_rule")).toEqual({ own: 0, all: 2 });
    answer(other, 2);
    runTurns(plugin);
    expect([both, later].map(hasPassed)).toEqual([true, false]);
    answer(both, 3);
    runTurns(plugin);
    answer(later, 4);
    const decisions = countsBy(plugin, "mcp_limit_decisions_total", "mcp_limit_rule", "mcp_limit_decision");
    expect(decisions).toEqual({ "own admitted": 2, "own queued": 1, "all admitted": 3, "all queued": 2 });
    passSeconds([plugin], 6);
    expect(countsBy(plugin, "mcp_limit_queue_length", "mcp_limit_rule")).toEqual({ own: 0, all: 0 });
  });

  test("a request that has waited for one does not overtake those that wait for a later one", () => {
    const plugin = startLimited(rules);
    const first = call(plugin, 1, from("10.0.0.1"));
    const second = call(plugin, 2, from("10.0.0.1"));
    const other = call(plugin, 3, from("10.0.0.2"));
    runTurns(plugin);
    answer(first, 1);
    runTurns(plugin);
    expect([second, other].map(hasPassed)).toEqual([false, true]);
    answer(other, 3);
    runTurns(plugin);
    expect(hasPassed(second)).toBe(true);
  });
});

test("batches that wait on two workers do not wake each other forever", () => {
  const rule = { ...ONE, concurrency: 2, queue: { maxWait: "20s" } };
  const workers = startWorkers(2, { configuration: limited([rule]) });
  const first = call(workers[0], 1);
  const batches = workers.map((plugin) => callBatch(plugin, "slow"));
  expect(runTurns(workers[0])).toBeLessThan(20);
  passMilliseconds(workers, 2000, 50);
  answer(first, 1);
  expect(runTurns(workers[0])).toBeLessThan(20);
  expect(batches.filter(hasPassed)).toHaveLength(1);
});

test("a batch does not move between two queues forever", () => {
  const queue = { maxWait: "20s" };
  const rules = [
    { name: "own", key: ["address"], concurrency: 2, queue },
    { name: "paid", to: [{ operation: { tools: ["paid"] } }], key: [], concurrency: 2, queue },
  ];
  const workers = startWorkers(2, { configuration: limited(rules) });
  const first = call(workers[0], 1, { tool: "free" });
  const other = call(workers[1], 2, { ...from("10.0.0.2"), tool: "paid" });
  const batches = workers.map((plugin, i) => callBatch(plugin, "paid", from(`10.0.0.${i + 2}`)));
  const blocked = callBatch(workers[0], "paid");
  expect(runTurns(workers[0])).toBeLessThan(50);
  expect([...batches, blocked].map(isWaiting)).toEqual([true, true, true]);
  answer(other, 2);
  expect(runTurns(workers[0])).toBeLessThan(50);
  answer(first, 1);
  expect(runTurns(workers[0])).toBeLessThan(50);
  expect([...batches, blocked].filter(hasPassed)).toHaveLength(1);
});

test("many callers that repeat a call do not keep the worker busy while they wait", () => {
  const rule = { name: "again", key: [], repeats: { amount: 1, per: "10s" }, queue: { maxWait: "15s" } };
  const plugin = startLimited([rule]);
  expect(hasPassed(call(plugin, 0))).toBe(true);
  const streams = Array.from({ length: 50 }, (_, i) => call(plugin, 1 + i, from(`10.0.0.${i}`)));
  expect(streams.every(isWaiting)).toBe(true);
  expect(runTurns(plugin)).toBeLessThan(200);
});

test.each([-30_000, -3_600_000])("no request waits longer if the clock is set by %d ms", (step) => {
  const plugin = startLimited([ONE]);
  call(plugin, 1);
  const second = call(plugin, 2);
  passMilliseconds([plugin], 1000);
  expect(isWaiting(second)).toBe(true);
  plugin.vm.clock.advance(step);
  passMilliseconds([plugin], 1500);
  expect(replyOf(second)).toMatchObject({ details: "mcp_limited[one]" });
});

test.each([-30_000, -3_600_000])("a rate continues to pace requests if the clock is set by %d ms", (step) => {
  const rule = { name: "rate", key: [], requests: { amount: 10, per: "1s", burst: 1 }, queue: { maxWait: "2s" } };
  const plugin = startLimited([rule]);
  const streams = Array.from({ length: 6 }, (_, i) => call(plugin, i));
  passMilliseconds([plugin], 150);
  plugin.vm.clock.advance(step);
  passMilliseconds([plugin], 1500);
  expect(streams.filter(hasPassed)).toHaveLength(6);
});

describe("a server that responds before it has the request", () => {
  const early = (stream: HttpStream, status: string) => {
    stream.responseHeaders([[":status", status]], true);
    stream.end();
  };

  test("ends the wait", () => {
    const plugin = startLimited([{ ...ONE, queue: { maxWait: "20s" } }]);
    const gauges = () => [
      countsBy(plugin, "mcp_limit_queue_length", "mcp_limit_rule"),
      countsBy(plugin, "mcp_operations_in_flight", "mcp_server"),
    ];
    const first = call(plugin, 1);
    const [second, third] = [call(plugin, 2), call(plugin, 3)];
    passSeconds([plugin], 6);
    expect(gauges()).toEqual([{ one: 2 }, { tools: 3 }]);
    early(second, "401");
    expect(second.state.get("mcp.wait_ms")).toBe("6000");
    answer(first, 1);
    runTurns(plugin);
    expect(hasPassed(third)).toBe(true);
    answer(third, 3);
    expect(outcomes(plugin)).toEqual({ ok: 2, unauthenticated: 1 });
    passSeconds([plugin], 6);
    expect(gauges()).toEqual([{ one: 0 }, { tools: 0 }]);
  });

  test("leaves no permit behind if the response continues while the request passes", () => {
    const plugin = startLimited([ONE]);
    const first = call(plugin, 1);
    const second = call(plugin, 2);
    runTurns(plugin);
    second.responseHeaders([
      [":status", "400"],
      ["content-type", "application/json"],
    ]);
    second.responseBody(Buffer.from('{"jsonrpc":"2.0","id":2,"error":{"code":-32600,"message":"too early"}}'), false);
    answer(first, 1);
    runTurns(plugin);
    expect(hasPassed(second)).toBe(true);
    second.responseBody(Buffer.from(" "), true);
    second.end();
    expect(hasPassed(call(plugin, 3))).toBe(true);
    passSeconds([plugin], 6);
    expect(outcomes(plugin)).toEqual({ ok: 1, rpc_error: 1 });
  });
});

test("an HTTP+SSE call that another worker cancels never reaches the server, however long it has waited", () => {
  const rule = { ...ONE, to: [{ operation: { tools: ["slow"] } }], queue: { maxWait: "30s" } };
  const workers = startWorkers(2, { configuration: limited([rule]) });
  const [one, two] = workers;
  const events = openSession(one, one);
  accept(post(one, 1));
  post(one, 2);
  const third = post(one, 3);
  accept(post(two, 0, notification("notifications/cancelled", { requestId: 3 })));
  passMilliseconds(workers, 25_000, 50);
  events.send('{"jsonrpc":"2.0","id":1,"result":{}}');
  passMilliseconds(workers, 4900, 50);
  expect(hasPassed(third)).toBe(false);
  events.send('{"jsonrpc":"2.0","id":2,"result":{}}');
  passMilliseconds(workers, 6000, 50);
  expect(hasPassed(third)).toBe(false);
});

/** Shared data in which other workers interfere with waiting operations once `writes` of these are done. */
class BusyStore extends SharedDataStore {
  writes = Infinity;

  override set(key: string, bytes: Uint8Array, cas: number): boolean {
    if (key.includes("/pending/") && this.writes-- <= 0) return false;
    return super.set(key, bytes, cas);
  }
}

test("an HTTP+SSE call is open here if the store cannot accept it again after its wait", () => {
  const sharedData = new BusyStore();
  const plugin = new Vm(loadModule(), { sharedData }).plugin({
    configuration: limited([{ ...ONE, to: [{ operation: { tools: ["slow"] } }], queue: { maxWait: "20s" } }]),
    properties: { "xds.cluster_name": "tools" },
  });
  const open = () => countsBy(plugin, "mcp_operations_in_flight", "mcp_server");
  const events = openSession(plugin, plugin);
  const other = call(plugin, 7, { tool: "other" });
  post(plugin, 1);
  const second = post(plugin, 2);
  events.send('{"jsonrpc":"2.0","id":1,"result":{}}');
  sharedData.writes = 1;
  runTurns(plugin);
  sharedData.writes = Infinity;
  expect(hasPassed(second)).toBe(true);
  passSeconds([plugin], 6);
  expect(open()).toEqual({ tools: 2 });
  accept(second);
  passSeconds([plugin], 6);
  expect(open()).toEqual({ tools: 1 });
  const oldest = plugin.vm.metrics.gauges("mcp_oldest_operation_milliseconds");
  expect(Math.max(...Object.values(oldest))).toBeGreaterThan(10_000);
  answer(other, 7);
  passSeconds([plugin], 6);
  expect(open()).toEqual({ tools: 0 });
});

test("a worker whose number another instance has taken continues with another one", () => {
  const plugin = startLimited([ONE]);
  const { sharedData, queues } = plugin.vm;
  const first = call(plugin, 1);
  const second = call(plugin, 2);
  runTurns(plugin);
  const name = queues.names().find((queue) => queue.startsWith("mcp/turns/"))!;
  const slot = sharedData.keys().find((key) => key.includes("/turns/slot/"))!;
  const { bytes, cas } = sharedData.get(slot)!;
  sharedData.set(slot, Buffer.from(bytes).fill(0x5a, 0, 8), cas);
  queues.register(name, { wake: () => undefined }, 1);
  // The wake-up that it requests now goes to the other instance.
  answer(first, 1);
  passMilliseconds([plugin], 400);
  expect(hasPassed(second)).toBe(true);
});

test("a wait is not part of the duration of a call that never reaches the server", () => {
  const plugin = startLimited([ONE]);
  const headers = inSession("s");
  call(plugin, 1);
  const left = call(plugin, 2, { headers });
  const limitedLater = call(plugin, 3);
  passMilliseconds([plugin], 1000);
  left.reset("client");
  passMilliseconds([plugin], 4000);
  expect(replyOf(limitedLater)).toBeDefined();
  expect(outcomes(plugin)).toEqual({ limited: 1, disconnected: 1 });
  expect(plugin.vm.metrics.histogram("mcp_operation_duration_milliseconds").values).toEqual([0, 0]);
  expect(limitedLater.state.get("mcp.duration_ms")).toBe("0");
});
