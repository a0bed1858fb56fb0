/** Queues where several things happen at one time: rules behind each other, clocks that are set, answers that come early. */
import { describe, expect, test } from "vitest";
import { countsBy, passSeconds } from "./filter.ts";
import { startLimited } from "./limits.ts";
import { answer, call, type Calling, hasPassed, isWaiting, passMilliseconds, runTurns } from "./queues.ts";

const from = (address: string): Calling => ({ properties: { "source.address": `${address}:5000` } });

describe("rules behind each other", () => {
  const rules = [
    { name: "own", key: ["address"], concurrency: 1, queue: { maxWait: "5s", maxLength: 100 } },
    { name: "all", key: [], concurrency: 1, queue: { maxWait: "5s", maxLength: 100 } },
  ];

  test("count each wait of a request that moves from one line to another", () => {
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
    expect(countsBy(plugin, "mcp_limit_queue_length", "mcp_limit_rule")).toEqual({ all: 2 });
    answer(other, 2);
    runTurns(plugin);
    expect([both, later].map(hasPassed)).toEqual([true, false]);
    answer(both, 3);
    runTurns(plugin);
    answer(later, 4);
    const decisions = countsBy(plugin, "mcp_limit_decisions_total", "mcp_limit_rule", "mcp_limit_decision");
    expect(decisions).toEqual({ "own admitted": 2, "own queued": 1, "all admitted": 3, "all queued": 2 });
    passSeconds([plugin], 6);
    expect(countsBy(plugin, "mcp_limit_queue_length", "mcp_limit_rule")).toEqual({ all: 0 });
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

test("many callers that repeat a call do not keep the worker busy while they wait", () => {
  const rule = { name: "again", key: [], repeats: { amount: 1, per: "10s" }, queue: { maxWait: "15s" } };
  const plugin = startLimited([rule]);
  expect(hasPassed(call(plugin, 0))).toBe(true);
  const streams = Array.from({ length: 50 }, (_, i) => call(plugin, 1 + i, from(`10.0.0.${i}`)));
  expect(streams.every(isWaiting)).toBe(true);
  expect(runTurns(plugin)).toBeLessThan(200);
});
