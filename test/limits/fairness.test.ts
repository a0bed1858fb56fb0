/** An agent that floods the proxy with calls among polite ones: with a queue, all of them are served in turn. */
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { type Guarded, type GuardedEnvoy, startGuarded } from "../access/proxy.ts";
import { effort } from "../effort.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import * as mcp from "../envoy/mcp-messages.ts";
import { type Connection, connectPipelining, connectStreams, type End } from "./connections.ts";
import { limitedListener, PEER, workload } from "./limited.ts";
import { workCall, WorkServer } from "./work-server.ts";

const LIMIT = 4;
const SERVICE_MS = 50;
const POLITE = ["ann", "ben", "cid", "dee", "eve"];
const GREEDY = "greedy";
/** Number of calls of the greedy agent that wait at any time. */
const GREEDY_CALLS = 200;
const LOADED_MS = effort(4000, 20_000);
/** After this time the greedy agent's calls fill the lines. */
const WARM_UP_MS = 1000;
/** Number of HTTP/2 connections that half of them share. */
const GREEDY_CONNECTIONS = 9;
/** Milliseconds after which a client retries a rejected call. */
const PAUSE_MS = 20;

/** A quarter of the streams is enough for all calls of one agent. */
const hold = { maxStreams: 8 * GREEDY_CALLS };
const queue = { maxWait: "30s", maxLength: 1000 };
const FOR_ALL = "one allowance for all";
const BY_TOOL = "an allowance a tool";
const RULES: Record<string, object> = {
  [FOR_ALL]: { name: "calls", key: [], concurrency: LIMIT, queue },
  [BY_TOOL]: { name: "calls", key: ["tool"], concurrency: LIMIT, queue },
  "no queue": { name: "calls", key: ["principal"], concurrency: LIMIT },
};

interface Call {
  end: End;
  /** From the client to the server. */
  waitMs: number;
}

interface Loaded {
  /** The ended calls of each agent. */
  calls: Map<string, Call[]>;
  /** The maximum number of calls in flight at the server. */
  peak: number;
}

describe.each(effort([1, 4], [1, 2, 4]))("%i workers", (workers) => {
  const keep = endsAfterAll();
  let server: WorkServer;
  let envoy: GuardedEnvoy;

  beforeAll(async () => {
    server = keep(await WorkServer.start(() => SERVICE_MS));
    const listeners = Object.entries(RULES).map(([name, rule]): [string, Guarded] => [
      name,
      limitedListener(name, [rule], "held", { hold }),
    ]);
    envoy = keep(await startGuarded(Object.fromEntries(listeners), { upstream: server, concurrency: workers }));
  });

  it.each(workers === 1 ? effort([FOR_ALL], [FOR_ALL, BY_TOOL]) : [FOR_ALL, BY_TOOL])(
    "%s: polite agents wait for their turn",
    async (rule) => {
      server.forget();
      const { calls, peak } = await load(server, `${envoy.urlOf(rule)}/mcp`);
      for (const [agent, ended] of calls) {
        expect(new Set(ended.map(({ end }) => end)), agent).toEqual(new Set(["answered"]));
      }
      expect(peak).toBe(LIMIT);
      // The greedy agent waits on each worker, and a polite one, which has one call, on one.
      const shares = workers + POLITE.length;
      const turnMs = (shares / LIMIT) * SERVICE_MS;
      const waits = POLITE.flatMap((agent) => calls.get(agent)!.map(({ waitMs }) => waitMs));
      const p95 = quantile(waits, 0.95);
      const served = [...calls].map(([agent, ended]) => `${agent} ${ended.length}`).join(", ");
      const figures = `${waits.length} waits: p50 ${quantile(waits, 0.5)}, p95 ${p95}, most ${quantile(waits, 1)} ms; a turn is ${turnMs} ms; answers: ${served}`;
      console.log(`${workers} workers, ${rule}: ${figures}`);
      expect(p95, figures).toBeLessThanOrEqual(2 * turnMs);
    },
  );

  it("without a queue, only the greedy agent is limited", async () => {
    const { calls } = await load(server, `${envoy.urlOf("no queue")}/mcp`, 2000);
    const limited = [...calls].filter(([, ended]) => ended.some(({ end }) => end === "limited"));
    expect(limited.map(([agent]) => agent)).toEqual([GREEDY]);
    for (const agent of POLITE) expect(calls.get(agent)!.length).toBeGreaterThan(0);
  });
});

/** Lets all agents call for some time, once the greedy one's calls wait. */
async function load(server: WorkServer, url: string, loadedMs = LOADED_MS): Promise<Loaded> {
  const calls = new Map<string, Call[]>();
  let isOver = false;
  let isMeasured = false;
  let count = 0;
  const arrivals = server.watchArrivals();
  const call = async (agent: string, connection: Connection) => {
    const name = `${agent}-${++count}`;
    const sentAt = performance.now();
    const end = await connection.post({ ...mcp.LEGACY, [PEER]: workload(agent) }, workCall(name)).ended;
    const waitMs = (arrivals.get(name) ?? NaN) - sentAt;
    arrivals.delete(name);
    if (isMeasured) calls.set(agent, [...(calls.get(agent) ?? []), { end, waitMs }]);
    if (end !== "answered") await sleep(PAUSE_MS);
  };
  const streams = Array.from({ length: GREEDY_CONNECTIONS }, () => connectStreams(url));
  // Half of the greedy agent's calls share them.
  const crowd = Array.from({ length: GREEDY_CALLS }, (_, index) =>
    index % 2 ? streams[index % streams.length] : connectPipelining(url),
  );
  const greedy = async (connection: Connection) => {
    while (!isOver) await call(GREEDY, connection);
  };
  // From then on the tool is known, and has its own allowance.
  await call("before", streams[0]);
  // Each call reaches another worker.
  const polite = async (agent: string) => {
    while (!isOver) {
      const connection = connectPipelining(url);
      await call(agent, connection);
      connection.close();
    }
  };
  const flood = crowd.map(greedy);
  await sleep(WARM_UP_MS);
  isMeasured = true;
  const others = POLITE.map(polite);
  await sleep(loadedMs);
  isOver = true;
  await Promise.all(others);
  isMeasured = false;
  // The server learns later than the proxy that clients have left.
  const { peak } = server.requests;
  for (const connection of crowd) connection.close();
  await Promise.all(flood);
  return { calls, peak };
}

function quantile(values: number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]);
}
