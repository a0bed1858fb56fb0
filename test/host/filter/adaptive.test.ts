/** Tests adaptive limits: which calls they count, which ones wait, and what is shown of them. */
import { describe, expect, test } from "vitest";

import { exchange, type HttpStream, type Plugin } from "../../../scripts/host/index.ts";
import { batch, countsBy, MCP_HEADERS, notification, passSeconds, request, startWorkers, toolCall } from "./filter.ts";
import { ask, limited, replyOf } from "./limits.ts";
import { inSession } from "./open-stream.ts";
import { answer, call, hasPassed, isWaiting, passMilliseconds, runTurns } from "./queues.ts";

const ENFORCED = limited([], { adaptive: { mode: "enforce" } });
/** The limit of a class without measurements. */
const FIRST = 8;
/** The number of responses after which a tool has its own limit. */
const OFTEN = 20;

function start(configuration: object = ENFORCED, count = 1): Plugin[] {
  return startWorkers(count, { configuration, properties: { "xds.cluster_name": "tools" } });
}

const calls = (plugin: Plugin, count: number, tool = "search", headers = MCP_HEADERS): HttpStream[] =>
  Array.from({ length: count }, (_, i) => call(plugin, i + 1, { tool, headers }));

/** Answers enough calls of a tool to give it its own limit. */
function becomeOften(plugin: Plugin, tool: string): void {
  for (let i = 0; i < OFTEN; i++) answer(call(plugin, i, { tool }), i);
}

const decisions = (plugin: Plugin) =>
  countsBy(plugin, "mcp_limit_decisions_total", "mcp_limit_rule", "mcp_limit_decision");
const limits = (plugin: Plugin) => countsBy(plugin, "mcp_concurrency_limit", "mcp_server", "gen_ai_tool_name");
const inFlight = (plugin: Plugin) => countsBy(plugin, "mcp_concurrency_in_flight", "mcp_server", "gen_ai_tool_name");

describe("a call beyond the limit", () => {
  test("waits until another one ends", () => {
    const [plugin] = start();
    const streams = calls(plugin, FIRST + 2);
    runTurns(plugin);
    expect(streams.filter(isWaiting)).toEqual(streams.slice(FIRST));
    answer(streams[3], 4);
    runTurns(plugin);
    expect(streams.filter(isWaiting)).toEqual(streams.slice(FIRST + 1));
    expect(decisions(plugin)).toEqual({ "_adaptive admitted": FIRST + 1, "_adaptive queued": 2 });
  });

  test("is limited after two seconds", () => {
    const [plugin] = start();
    const streams = calls(plugin, FIRST + 1);
    passMilliseconds([plugin], 1900);
    expect(isWaiting(streams[FIRST])).toBe(true);
    passMilliseconds([plugin], 200);
    expect(replyOf(streams[FIRST])).toMatchObject({
      status: 200,
      details: "mcp_limited[_adaptive]",
      headers: { "retry-after": "1" },
      body: {
        id: FIRST + 1,
        error: { code: 429, data: { rule: "_adaptive", scope: "concurrency", limit: FIRST, retryAfterMs: 1000 } },
      },
    });
    expect(decisions(plugin)).toEqual({ "_adaptive admitted": FIRST, "_adaptive queued": 1, "_adaptive limited": 1 });
  });

  test("is limited at once if a hundred wait", () => {
    const [plugin] = start();
    const streams = calls(plugin, FIRST + 101);
    expect(streams.map((stream) => stream.reply === undefined).lastIndexOf(true)).toBe(FIRST + 99);
  });

  test("is not limited by earlier rules, and holds none of their permits while it waits", () => {
    const rule = { name: "rate", key: [], requests: { amount: FIRST + 1, per: "1h" } };
    const [plugin] = start(limited([rule], { adaptive: { mode: "enforce" } }));
    calls(plugin, FIRST);
    const waiting = call(plugin, 100);
    expect(isWaiting(waiting)).toBe(true);
    expect(ask(plugin, request("ping")).reply).toBeUndefined();
    expect(ask(plugin, request("resources/list")).reply).toBeUndefined();
    expect(ask(plugin, request("resources/list")).reply).toBeDefined();
  });
});

describe("another call may start as soon as one", () => {
  const headers = inSession("s");
  const ends: [how: string, end: (plugin: Plugin, stream: HttpStream) => void][] = [
    ["is answered", (_, stream) => answer(stream, 1)],
    ["fails upstream", (_, stream) => stream.reset("server")],
    ["loses its client", (_, stream) => stream.reset("client")],
  ];

  test.each(ends)("%s", (_, end) => {
    const [plugin] = start();
    const [first] = calls(plugin, FIRST, "search", headers);
    const next = call(plugin, 100);
    end(plugin, first);
    runTurns(plugin);
    expect(hasPassed(next)).toBe(true);
  });

  test("that waits is cancelled, which never reaches the server, while the next one does", () => {
    const [plugin] = start();
    const [first] = calls(plugin, FIRST, "search", headers);
    const [cancelled, next] = [call(plugin, 100, { headers }), call(plugin, 101, { headers })];
    ask(plugin, notification("notifications/cancelled", { requestId: 100 }), { headers, response: { status: 202 } });
    runTurns(plugin);
    answer(first, 1);
    runTurns(plugin);
    expect([cancelled, next].map(hasPassed)).toEqual([false, true]);
  });
});

describe("a batch", () => {
  const sendBatch = (plugin: Plugin, count: number) => {
    const body = batch(...Array.from({ length: count }, (_, i) => toolCall("search", `b${i}`)));
    return exchange(plugin, { request: { headers: MCP_HEADERS, body }, response: null, ended: "open" }).stream;
  };

  test("waits until there is room for all of its calls", () => {
    const [plugin] = start();
    const streams = calls(plugin, FIRST - 2);
    const three = sendBatch(plugin, 3);
    expect(isWaiting(three)).toBe(true);
    answer(streams[0], 1);
    runTurns(plugin);
    expect(hasPassed(three)).toBe(true);
  });

  test("with more calls than may be in flight starts alone", () => {
    const [plugin] = start();
    const many = sendBatch(plugin, FIRST + 4);
    expect(hasPassed(many)).toBe(true);
    const other = call(plugin, 1);
    expect(isWaiting(other)).toBe(true);
    many.reset("server");
    runTurns(plugin);
    expect(hasPassed(other)).toBe(true);
  });
});

test("only tool calls are counted", () => {
  const [plugin] = start();
  for (const method of ["tools/list", "resources/read", "subscriptions/listen", "ping"]) {
    for (let i = 0; i < 2 * FIRST; i++) {
      const body = request(method, {}, `${method} ${i}`);
      const { stream } = exchange(plugin, { request: { headers: MCP_HEADERS, body }, response: null, ended: "open" });
      expect(hasPassed(stream)).toBe(true);
    }
  }
  expect(calls(plugin, FIRST).every(hasPassed)).toBe(true);
});

describe("a tool that is called often has a limit of its own", () => {
  test("so that other tools do not delay it", () => {
    const [plugin] = start();
    becomeOften(plugin, "quick");
    const slow = calls(plugin, FIRST + 1, "slow");
    expect(isWaiting(slow[FIRST])).toBe(true);
    expect(calls(plugin, FIRST, "quick").every(hasPassed)).toBe(true);
    expect(isWaiting(call(plugin, 100, { tool: "quick" }))).toBe(true);
  });

  test("also a very slow one, after two calls", () => {
    const [plugin] = start();
    const long = calls(plugin, 2, "long");
    passMilliseconds([plugin], 30_000, 1000);
    long.forEach((stream, i) => answer(stream, i + 1));
    expect(calls(plugin, FIRST, "long").every(hasPassed)).toBe(true);
    expect(calls(plugin, FIRST, "other").every(hasPassed)).toBe(true);
  });

  test("but no tool whose calls fail, which need not exist", () => {
    const [plugin] = start();
    for (let i = 0; i < 3 * OFTEN; i++) {
      ask(plugin, toolCall(`invented ${i % 3}`), {
        response: { body: '{"jsonrpc":"2.0","id":1,"error":{"code":-32602}}' },
      });
    }
    expect(calls(plugin, FIRST, "invented 1").every(hasPassed)).toBe(true);
    expect(isWaiting(call(plugin, 100, { tool: "invented 2" }))).toBe(true);
  });
});

test("limits are learned: a server with constant latency receives all calls of forty clients at once", () => {
  const [plugin] = start();
  const SERVICE_MS = 50;
  const STEP_MS = 10;
  /** The time when each open request reached the server. */
  const open = new Map<HttpStream, number>();
  let mostRunning = 0;
  for (let now = 0; now < 10_000; now += STEP_MS) {
    while (open.size < 40) open.set(call(plugin, 1, { tool: "search" }), Infinity);
    passMilliseconds([plugin], STEP_MS, STEP_MS);
    for (const [stream, since] of open) {
      if (since === Infinity && hasPassed(stream)) open.set(stream, now);
      if (now - since < SERVICE_MS && stream.reply === undefined) continue;
      if (stream.reply === undefined) answer(stream, 1);
      open.delete(stream);
    }
    mostRunning = Math.max(mostRunning, [...open.keys()].filter(hasPassed).length);
  }
  expect(mostRunning).toBe(40);
});

describe("in a dry run", () => {
  /** Many concurrent calls take eight times as long as few. Returns all of them. */
  function proveSlow(plugin: Plugin): HttpStream[] {
    const round = (count: number, milliseconds: number) => {
      const streams = calls(plugin, count);
      plugin.vm.clock.advance(milliseconds);
      streams.forEach((stream, i) => answer(stream, i + 1));
      return streams;
    };
    return Array.from({ length: 30 }, () => [...round(4, 50), ...round(32, 400)]).flat();
  }

  test("the access log shows the rule in shadow mode that would limit a call as well", () => {
    const few = { name: "few", mode: "shadow", key: [], requests: { amount: 1, per: "1h" } };
    const [plugin] = start(limited([few]));
    const [, ...streams] = proveSlow(plugin);
    expect(new Set(streams.map(({ state }) => state.get("mcp.limit")))).toEqual(new Set(["few"]));
    expect(decisions(plugin)["_adaptive shadow_limited"]).toBeGreaterThan(100);
  });

  test("no call waits, and none is reported before the limit is known", () => {
    const [plugin] = start(limited([{ name: "all", key: [], concurrency: 1000 }]));
    expect(calls(plugin, 5 * FIRST).every(hasPassed)).toBe(true);
    expect(decisions(plugin)).toEqual({ "all admitted": 5 * FIRST });
  });

  test("calls that would wait are reported once many calls have proved slower than few", () => {
    const [plugin] = start(limited([{ name: "all", key: [], concurrency: 1000 }]));
    const streams = proveSlow(plugin);
    expect(new Set(streams.map(({ state }) => state.get("mcp.limit")))).toEqual(new Set([undefined, "_adaptive"]));
    expect(decisions(plugin)["_adaptive shadow_limited"]).toBeGreaterThan(100);
    expect(decisions(plugin)["_adaptive limited"]).toBeUndefined();
    passSeconds([plugin], 6);
    expect(limits(plugin)["tools search"]).toBeLessThanOrEqual(FIRST);
  });
});

describe("the gauges", () => {
  test("add up what workers have, by server and tool", () => {
    const workers = start(ENFORCED, 2);
    for (const plugin of workers) becomeOften(plugin, "search");
    calls(workers[0], 3);
    calls(workers[1], 2);
    call(workers[1], 9, { tool: "seldom" });
    passSeconds(workers, 6);
    expect(inFlight(workers[0])).toEqual({ "tools _OTHER": 1, "tools search": 5 });
    expect(limits(workers[0])).toEqual({ "tools _OTHER": 2 * FIRST, "tools search": 2 * FIRST });
  });

  test("are 0 once a tool has not been called for ten minutes", () => {
    const [plugin] = start();
    becomeOften(plugin, "search");
    passSeconds([plugin], 6);
    expect(limits(plugin)["tools search"]).toBe(FIRST);
    passSeconds([plugin], 620);
    expect(limits(plugin)).toEqual({ "tools _OTHER": 0, "tools search": 0 });
    expect(inFlight(plugin)).toEqual({ "tools _OTHER": 0, "tools search": 0 });
    expect(calls(plugin, FIRST).every(hasPassed)).toBe(true);
  });

  test("do not count a worker that has ended", () => {
    const workers = start(ENFORCED, 2);
    for (const plugin of workers) becomeOften(plugin, "search");
    calls(workers[1], 2);
    passSeconds(workers, 6);
    expect(inFlight(workers[0])["tools search"]).toBe(2);
    passSeconds([workers[0]], 12);
    expect(inFlight(workers[0])["tools search"]).toBe(0);
    expect(limits(workers[0])["tools search"]).toBe(FIRST);
  });
});

test("a worker has at most 256 classes, and other tools share one", () => {
  const [plugin] = start();
  for (let tool = 0; tool < 300; tool++) becomeOften(plugin, `tool ${tool}`);
  expect(calls(plugin, FIRST, "tool 0").every(hasPassed)).toBe(true);
  expect(calls(plugin, FIRST, "tool 299").every(hasPassed)).toBe(true);
  expect(isWaiting(call(plugin, 100, { tool: "tool 298" }))).toBe(true);
});
