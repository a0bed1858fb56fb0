/** Tests the tick period: it is short only while a request waits for a point in time. */
import { describe, expect, test } from "vitest";
import { exchange, type HttpStream, type Plugin } from "../../../scripts/host/index.ts";
import { JSON_ANSWER, MCP_HEADERS, notification, result, toolCall } from "./filter.ts";
import { admitted, ask, replyOf, startLimited } from "./limits.ts";
import { inSession } from "./open-stream.ts";

const ORDINARY_MS = 1000;
const MAX_WAIT_MS = 5000;
const queue = { maxWait: `${MAX_WAIT_MS}ms`, maxLength: 100 };
/** Admits a call each 100 ms. */
const RATE = { name: "rate", key: [], requests: { amount: 10, per: "1s", burst: 1 }, queue };
const PERMITS = { name: "permits", key: [], concurrency: 1, queue };

/** The periods that the module sets from now on, in milliseconds. */
function watchPeriods(plugin: Plugin): number[] {
  const periods: number[] = [];
  const set = plugin.setTickPeriod.bind(plugin);
  plugin.setTickPeriod = (milliseconds) => {
    periods.push(milliseconds);
    set(milliseconds);
  };
  return periods;
}

/** Advances the time with the ticks that the module has requested, and the iterations of the event loop that follow them. */
function pass(plugin: Plugin, milliseconds: number): void {
  const { clock, queues } = plugin.vm;
  for (let passed = 0; passed < milliseconds;) {
    const step = Math.min(plugin.tickPeriod, milliseconds - passed);
    clock.advance(step);
    passed += step;
    if (step === plugin.tickPeriod) plugin.tick();
    while (queues.turn() > 0);
  }
}

/** Sends a call without a response yet. */
function call(plugin: Plugin, id: number, headers: Record<string, string> = MCP_HEADERS): HttpStream {
  return exchange(plugin, { request: { headers, body: toolCall("slow", id) }, response: null, ended: "open" }).stream;
}

function answer(stream: HttpStream, id: number): void {
  stream.responseHeaders([[":status", "200"], ...Object.entries(JSON_ANSWER)]);
  stream.responseBody(Buffer.from(result({ content: [] }, id)), true);
  stream.end();
}

const isWaiting = (stream: HttpStream) => stream.reply === undefined && stream.passedRequest === "";

function start(...rules: object[]): { plugin: Plugin; periods: number[] } {
  const plugin = startLimited(rules);
  expect(plugin.tickPeriod).toBe(ORDINARY_MS);
  return { plugin, periods: watchPeriods(plugin) };
}

test("while nothing waits, no other period and no wake-up is requested", () => {
  const { plugin, periods } = start({ ...RATE, requests: { amount: 1000, per: "1s" } }, PERMITS);
  expect(admitted(plugin, 100, toolCall("slow"))).toBe(100);
  expect(plugin.vm.queues.turn()).toBe(0);
  for (let i = 0; i < 10; i++) {
    plugin.vm.clock.advance(ORDINARY_MS);
    plugin.tick();
    expect(plugin.vm.queues.turn()).toBe(0);
  }
  expect(periods).toEqual([]);
});

test("while requests wait for a rate, ticks come as it admits them, and the period is set only as it changes", () => {
  const { plugin, periods } = start(RATE);
  const first = call(plugin, 1);
  const others = Array.from({ length: 20 }, (_, index) => call(plugin, 2 + index));
  expect(others.every(isWaiting)).toBe(true);
  expect(periods).toHaveLength(1);
  pass(plugin, 1050);
  expect(others.filter(isWaiting)).toHaveLength(10);
  pass(plugin, 1050);
  expect(others.filter(isWaiting)).toHaveLength(0);
  for (const stream of [first, ...others]) expect(stream.reply).toBeUndefined();
  pass(plugin, ORDINARY_MS);
  expect(plugin.tickPeriod).toBe(ORDINARY_MS);
  // Each one restarts Envoy's timer.
  expect(periods.filter((period, index) => period === periods[index - 1])).toEqual([]);
  const most = periods.length;
  pass(plugin, 10 * ORDINARY_MS);
  expect(periods).toHaveLength(most);
});

describe("the period is the default again once no request waits", () => {
  const HEADERS = inSession("s");

  const ends: [how: string, rule: object, end: (plugin: Plugin, waiting: HttpStream, first: HttpStream) => void][] = [
    ["for a permit, which is released", PERMITS, (_plugin, _waiting, first) => answer(first, 1)],
    ["for a permit, which takes too long", PERMITS, (plugin) => pass(plugin, MAX_WAIT_MS + ORDINARY_MS)],
    ["for a permit: its client leaves", PERMITS, (_plugin, waiting) => waiting.reset("client")],
    ["for a rate, which admits it", RATE, (plugin) => pass(plugin, 150)],
    ["for a rate: its client leaves", RATE, (_plugin, waiting) => waiting.reset("client")],
    [
      "for a rate: it is cancelled",
      RATE,
      (plugin) => {
        const cancelled = notification("notifications/cancelled", { requestId: 2 });
        ask(plugin, cancelled, { headers: HEADERS, response: { status: 202 } });
      },
    ],
  ];
  test.each(ends)("%s", (_how, rule, end) => {
    const { plugin } = start(rule);
    const [first, waiting] = [call(plugin, 1, HEADERS), call(plugin, 2, HEADERS)];
    expect(isWaiting(waiting)).toBe(true);
    end(plugin, waiting, first);
    // At the latest with the next tick.
    pass(plugin, ORDINARY_MS);
    expect(plugin.tickPeriod).toBe(ORDINARY_MS);
  });

  test("for a rate that would admit it too late", () => {
    const { plugin, periods } = start({ ...RATE, requests: { amount: 1, per: "60s" } });
    call(plugin, 1);
    expect(replyOf(call(plugin, 2))).toMatchObject({ details: "mcp_limited[rate]" });
    expect(periods).toEqual([]);
  });
});
