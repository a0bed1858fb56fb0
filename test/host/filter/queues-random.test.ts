/** Tests queues under random traffic: in any order of events, no request is lost, and nothing is left behind. */
import { expect, test } from "vitest";
import { effort } from "../../effort.ts";
import { FIXED_SEEDS, FRESH_SEED, replayCommand } from "../../seeds.ts";
import { exchange, type HttpStream, type Plugin } from "../../../scripts/host/index.ts";
import { batch, countsBy, notification, passSeconds, startWorkers, toolCall } from "./filter.ts";
import { limited } from "./limits.ts";
import { inSession } from "./open-stream.ts";
import { answer, call, hasPassed, passMilliseconds, runTurns } from "./queues.ts";

const STEPS = effort(1500, 20_000);
/** The longest wait of any rule, plus the time of an iteration and the timer. */
const MAX_WAIT_MS = 2000 + 50;
const PERMITS = 3;

const RULES = [
  { name: "tried", mode: "shadow", key: [], concurrency: 1 },
  { name: "own", key: ["address"], concurrency: 2, queue: { maxWait: "1s", maxLength: 20 } },
  {
    name: "rate",
    to: [{ operation: { tools: ["rated"] } }],
    key: [],
    requests: { amount: 40, per: "1s", burst: 4 },
    queue: { maxWait: "2s" },
  },
  { name: "again", key: ["address"], repeats: { amount: 30, per: "1s" }, queue: { maxWait: "500ms", maxLength: 5 } },
  { name: "all", key: [], concurrency: PERMITS, queue: { maxWait: "1500ms", maxLength: 30 } },
];

interface Sent {
  readonly stream: HttpStream;
  readonly ids: number[];
  readonly session: string;
  readonly at: number;
  /** A cancellation has released its permits. */
  isReleased: boolean;
  hasBegun: boolean;
}

/** Numbers from 0 up to a limit: the same for the same seed. */
function numbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) | 0;
    const mixed = Math.imul(state ^ (state >>> 13), 0x297a2d39);
    return ((mixed ^ (mixed >>> 16)) >>> 0) % limit;
  };
}

test.each([...FIXED_SEEDS, FRESH_SEED])("nothing is lost or left behind, seed %d", (seed) => {
  const below = numbers(seed);
  const workers = startWorkers(2, { configuration: limited(RULES) });
  const newest: Plugin[] = [...workers];
  const all: Plugin[] = [...workers];
  let version = 0;
  let passedMs = 0;
  let requests = 0;
  let lastId = 0;
  let setBackMs = 0;
  const open = new Set<Sent>();
  const pick = <T>(list: readonly T[]): T | undefined => (list.length ? list[below(list.length)] : undefined);
  const ended = ({ stream }: Sent) => stream.reply !== undefined;
  const passed = () => [...open].filter((sent) => hasPassed(sent.stream) && !ended(sent));
  const waiting = () => [...open].filter((sent) => !hasPassed(sent.stream) && !ended(sent));
  const over = (sent: Sent) => open.delete(sent);

  const pass = (milliseconds: number) => {
    passMilliseconds(all, milliseconds);
    passedMs += milliseconds;
  };

  const send = () => {
    const size = below(10) === 0 ? 1 + below(3) : 0;
    const ids = Array.from({ length: Math.max(1, size) }, () => ++lastId);
    const tool = ["rated", "other", "slow"][below(3)];
    const calls = ids.map((id) => toolCall(tool, id));
    const session = `s${below(3)}`;
    const stream = exchange(
      newest[below(newest.length)],
      {
        request: { headers: inSession(session), body: size ? batch(...calls) : calls[0] },
        response: null,
        ended: "open",
      },
      { properties: { "source.address": `10.0.0.${below(4)}:5000` } },
    ).stream;
    requests += ids.length;
    open.add({ stream, ids, session, at: passedMs, isReleased: false, hasBegun: false });
  };

  const steps: [number, () => void][] = [
    [30, send],
    [
      20,
      () => {
        const sent = pick(passed().filter(({ hasBegun }) => !hasBegun));
        if (!sent) return;
        if (sent.ids.length === 1) answer(sent.stream, sent.ids[0]);
        else sent.stream.reset("server");
        over(sent);
      },
    ],
    [
      3,
      () => {
        const sent = pick([...open].filter((one) => !ended(one)));
        if (!sent) return;
        sent.stream.reset("client");
        over(sent);
      },
    ],
    [
      1,
      () => {
        const sent = pick(waiting().filter(({ hasBegun }) => !hasBegun));
        if (!sent) return;
        const isWhole = below(2) === 0;
        sent.stream.responseHeaders(
          [
            [":status", isWhole ? "401" : "200"],
            ["content-type", "text/event-stream"],
          ],
          isWhole,
        );
        sent.hasBegun = true;
        if (!isWhole) return;
        sent.stream.end();
        over(sent);
      },
    ],
    [
      3,
      () => {
        const sent = pick([...open]);
        if (!sent) return;
        for (const one of open)
          if (one.session === sent.session && one.ids.includes(sent.ids[0])) one.isReleased = true;
        const body = notification("notifications/cancelled", { requestId: sent.ids[0] });
        const request = { headers: inSession(sent.session), body };
        exchange(newest[below(newest.length)], { request, response: { status: 202 } });
      },
    ],
    [
      20,
      () => {
        pass(5 * (1 + below(10)));
      },
    ],
    [
      1,
      () => {
        pass(500);
      },
    ],
    [
      1,
      () => {
        const back = [20_000, 200, 3_600_000][below(3)];
        // The filter compensates for longer steps itself.
        if (back < 60_000) setBackMs += back;
        workers[0].vm.clock.advance(-back);
      },
    ],
    [
      1,
      () => {
        if (below(10) !== 0 || version > 5) return;
        const configuration = { ...limited(RULES), sessions: { max: 1000 + ++version } };
        workers.forEach((worker, i) => {
          newest[i] = worker.vm.plugin({ properties: { "xds.cluster_name": "tools" }, configuration });
          all.push(newest[i]);
        });
      },
    ],
  ];
  const bag = steps.flatMap(([weight, step]) => Array<() => void>(weight).fill(step));
  for (let i = 0; i < STEPS; i++) {
    bag[below(bag.length)]();
    if (below(2) === 0) runTurns(workers[0]);
    for (const sent of open) if (ended(sent)) over(sent);
    const running = passed()
      .filter(({ isReleased }) => !isReleased)
      .reduce((sum, { stream }) => sum + stream.passedRequest.split('"tools/call"').length - 1, 0);
    expect(running, replayCommand()).toBeLessThanOrEqual(PERMITS);
    const longest = Math.max(0, ...waiting().map(({ at }) => passedMs - at));
    expect(longest, replayCommand()).toBeLessThanOrEqual(MAX_WAIT_MS);
  }
  for (let i = 0; i < 100 && open.size > 0; i++) {
    for (const sent of passed()) {
      sent.stream.reset("server");
      over(sent);
    }
    pass(50);
    for (const sent of open) if (ended(sent)) over(sent);
  }
  expect(open.size, replayCommand()).toBe(0);
  passMilliseconds(all, 3000, 50);
  // If the clock was set back, abandoned operations end later by that time.
  for (let back = setBackMs; back > 0; back -= 50_000) {
    workers[0].vm.clock.advance(50_000);
    for (const plugin of all) plugin.tick();
  }
  passSeconds(all, 20);
  const metrics = workers[0];
  const totals = (name: string, ...labels: string[]) =>
    Object.values(countsBy(metrics, name, ...labels)).reduce((sum, count) => sum + count, 0);
  expect(totals("mcp_limit_queue_length", "mcp_limit_rule"), replayCommand()).toBe(0);
  expect(totals("mcp_operations_in_flight", "mcp_server"), replayCommand()).toBe(0);
  expect(totals("mcp_operations_total", "mcp_outcome"), replayCommand()).toBe(requests);
  const queued = countsBy(metrics, "mcp_limit_decisions_total", "mcp_limit_decision").queued;
  const waits = RULES.map(
    ({ name }) => workers[0].vm.metrics.histogram("mcp_limit_wait_milliseconds", { mcp_limit_rule: name })?.count ?? 0,
  );
  expect(
    waits.reduce((sum, count) => sum + count),
    replayCommand(),
  ).toBe(queued);
  const last = Array.from({ length: PERMITS }, (_, i) =>
    call(newest[i % 2], i, { tool: "other", properties: { "source.address": `10.0.1.${i}:1` } }),
  );
  runTurns(workers[0]);
  expect(last.map(hasPassed), replayCommand()).toEqual([true, true, true]);
});
