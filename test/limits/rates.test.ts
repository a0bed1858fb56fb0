/**
 * Rates under saturating load: each allowance admits at most its refill and burst, and nearly all of that, whatever
 * clients do to gain another one.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { type GuardedEnvoy, startGuarded } from "../access/proxy.ts";
import { effort } from "../effort.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import { Load, type Post } from "../envoy/load.ts";
import * as mcp from "../envoy/mcp-messages.ts";
import { CALLER, CallServer } from "./call-server.ts";
import { Http2Load } from "./http2-load.ts";
import { type Holding, limitedListener, mostWithin, PEER, type Rate, rateOf, workload } from "./limited.ts";

const LOADED_MS = effort(3000, 10_000);
/** The admitted fraction of what could be admitted. */
const MIN_PART = 0.98;
/** The burst is that of a second, so that a short stall of a busy machine wastes nothing. */
const RATE: Rate = { amount: 120, seconds: 1, burst: 120 };
const requests = rateOf(RATE);

/** So slow that it bounds each of the many allowances below the load. */
const SLOW: Rate = { amount: 100, seconds: 2, burst: 80 };

/** So slow that clients that open a session for each call ask for more. */
const SLOWEST: Rate = { amount: 10, seconds: 1, burst: 20 };

/** Number of concurrent requests of one load: those of Http2Load. */
const MAX_AT_ONCE = 16;

interface Caller {
  /** The name under which its calls are counted. */
  name: string;
  address?: string;
  headers?: Record<string, string>;
  tool: string;
}

/** Callers that each have an allowance. `names` of the same allowance count together. */
interface Case {
  rule: object;
  rate: Rate;
  callers: Caller[];
}

const callersOf = (...names: string[]) =>
  names.flatMap((name) =>
    ["echo", "other"].map((tool) => ({ name: `${name} ${tool}`, headers: { [PEER]: workload(name) }, tool })),
  );

const CASES: Record<string, Case> = {
  "by principal and tool": {
    rule: { name: "calls", key: ["principal", "tool"], requests: rateOf(SLOW) },
    rate: SLOW,
    callers: callersOf("ann", "ben", "cid"),
  },
  "by address": {
    rule: { name: "calls", key: ["address"], requests },
    rate: RATE,
    callers: ["127.0.0.1", "127.0.0.2", "127.0.0.3"].map((address) => ({ name: address, address, tool: "echo" })),
  },
  "for all": {
    rule: { name: "calls", key: [], requests },
    rate: RATE,
    callers: [{ name: "all", tool: "echo" }],
  },
};

const HOLDINGS: Holding[] = ["held", "default"];

const post = ({ name, headers, tool }: Caller, index: number): Post => {
  return { path: "/mcp", headers: { ...mcp.LEGACY, ...headers, [CALLER]: name }, body: mcp.toolCall(index, tool) };
};

interface Run {
  url: string;
  callers: Caller[];
  rate: Rate;
}

/** Lets callers ask for as much as they can, over HTTP/1.1 and HTTP/2, and compares what each got with its rate. */
async function expectBounds(server: CallServer, { url, callers, rate }: Run): Promise<void> {
  const loads = callers.flatMap((caller) => [
    { caller, load: new Load(url, caller.address, 8) },
    { caller, load: new Http2Load(url, caller.address, 4) },
  ]);
  const ping = { path: "/mcp", headers: mcp.LEGACY, body: mcp.request(1, "ping") };
  await Promise.all(
    loads.map(({ load }) =>
      load.runUntil(
        (begun) => begun >= 64,
        () => ping,
      ),
    ),
  );
  const begun = performance.now();
  const first = new Map<Caller, number>();
  const last = new Map<Caller, number>();
  const run = async ({ caller, load }: (typeof loads)[number]) => {
    await load.runUntil(
      () => performance.now() - begun >= LOADED_MS,
      (index) => {
        last.set(caller, performance.now());
        // By then at least one has been answered.
        if (index >= MAX_AT_ONCE && !first.has(caller)) first.set(caller, last.get(caller)!);
        return post(caller, index);
      },
    );
    await load.close();
  };
  await Promise.all(loads.map(run));
  const most = mostWithin(rate, performance.now() - begun);
  for (const caller of callers) {
    const count = server.of(caller.name).total;
    const least = MIN_PART * mostWithin(rate, last.get(caller)! - first.get(caller)!);
    expect(count, `${caller.name}: at least ${least}`).toBeGreaterThanOrEqual(Math.floor(least));
    expect(count, `${caller.name}: at most ${most}`).toBeLessThanOrEqual(most);
  }
  server.forget();
}

describe.each(effort([4], [1, 2, 4, 8]))("%i workers", (concurrency) => {
  const keep = endsAfterAll();
  let server: CallServer;
  let envoy: GuardedEnvoy;

  beforeAll(async () => {
    server = keep(await CallServer.start());
    const listeners = Object.entries(CASES).flatMap(([name, { rule }]) =>
      HOLDINGS.map((holding) => [`${name}, ${holding}`, rule, holding] as const),
    );
    const sessions = [{ name: "calls", key: ["principal"], requests: rateOf(SLOWEST) }];
    const batches = [{ name: "calls", key: ["principal"], requests }];
    envoy = keep(
      await startGuarded(
        {
          ...Object.fromEntries(
            listeners.map(([name, rule, holding]) => [name, limitedListener(name, [rule], holding)]),
          ),
          sessions: limitedListener("sessions", sessions, "held"),
          batches: limitedListener("batches", batches, "held"),
        },
        { upstream: server, concurrency },
      ),
    );
  });

  describe.each(HOLDINGS)("%s", (holding) => {
    it.each(Object.keys(CASES))("%s", async (name) => {
      const { rate, callers } = CASES[name];
      const url = envoy.urlOf(`${name}, ${holding}`);
      // From then on tools are known.
      const headers = { ...mcp.LEGACY, [PEER]: workload("lists") };
      await fetch(`${url}/mcp`, { method: "POST", headers, body: mcp.request(1, "tools/list") });
      await expectBounds(server, { url, callers, rate });
    });
  });

  it("100 sessions that are opened, used and dropped in a loop get what one session gets", async () => {
    const url = `${envoy.urlOf("sessions")}/mcp`;
    const one = { ...mcp.LEGACY, [PEER]: workload("one"), [CALLER]: "one", "mcp-session-id": await initialize(url) };
    const many = { ...mcp.LEGACY, [PEER]: workload("many"), [CALLER]: "many" };
    const begun = performance.now();
    const isOver = () => performance.now() - begun >= LOADED_MS;
    let sessions = 0;
    const load = new Load(envoy.urlOf("sessions"), undefined, 8);
    const dropping = async () => {
      while (!isOver()) {
        const headers = { ...many, "mcp-session-id": await initialize(url) };
        await send(url, headers, mcp.toolCall(1, "echo"));
        await fetch(url, { method: "DELETE", headers: { "mcp-session-id": headers["mcp-session-id"] } });
        sessions++;
      }
    };
    await Promise.all([
      load.runUntil(isOver, (index) => ({ path: "/mcp", headers: one, body: mcp.toolCall(index, "echo") })),
      ...Array.from({ length: 100 }, dropping),
    ]);
    await load.close();
    const most = mostWithin(SLOWEST, performance.now() - begun);
    // The same number of calls.
    expect(sessions).toBeGreaterThan(most);
    for (const caller of ["one", "many"]) {
      expect(server.of(caller).total, caller).toBeGreaterThan(SLOWEST.burst);
      expect(server.of(caller).total, caller).toBeLessThanOrEqual(most);
    }
    server.forget();
  });

  it("calls in batches are as many as they are", async () => {
    const headers = {
      ...mcp.LEGACY,
      "mcp-protocol-version": "2025-03-26",
      [PEER]: workload("ann"),
      [CALLER]: "batches",
    };
    const load = new Load(envoy.urlOf("batches"));
    const begun = performance.now();
    let last = 0;
    const batch = (index: number) => {
      last = performance.now() - begun;
      const calls = [1, 2, 3].slice(index % 3).map((id) => mcp.toolCall(id, "echo"));
      return { path: "/mcp", headers, body: `[${calls.join(",")}]` };
    };
    await load.runUntil(() => performance.now() - begun >= LOADED_MS, batch);
    await load.close();
    const most = mostWithin(RATE, performance.now() - begun);
    expect(server.of("batches").total).toBeLessThanOrEqual(most);
    expect(server.of("batches").total).toBeGreaterThanOrEqual(Math.floor(MIN_PART * mostWithin(RATE, last)));
    server.forget();
  });
});

/** Opens a session. Returns its id. */
async function initialize(url: string): Promise<string> {
  const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "test", version: "1" } };
  const init = { method: "POST", headers: mcp.LEGACY, body: mcp.request(0, "initialize", params) };
  const response = await fetch(url, init);
  await response.text();
  return response.headers.get("mcp-session-id")!;
}

async function send(url: string, headers: Record<string, string>, body: string): Promise<string> {
  return (await fetch(url, { method: "POST", headers, body })).text();
}
