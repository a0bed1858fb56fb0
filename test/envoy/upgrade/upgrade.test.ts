/**
 * docs/upgrade.md: what becomes of sessions, counters, allowances, queues, traces and policies when another module takes
 * over in a running Envoy, and when the first one comes back.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent, fetch as fetchOn } from "undici";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Fetch } from "../../../scripts/demo/client.ts";
import { MODULE_PATH, rebuilt } from "../../mesh/module.ts";
import { modulePath } from "../../modules.ts";
import { endsAfterAll } from "../cleanup.ts";
import { type Metric, readMetrics } from "../prometheus.ts";
import { type DiscoveringEnvoy, type Discovery, startDiscovering } from "../sessions/discovery.ts";
import { RawSession, shortFetch } from "../sessions/raw-session.ts";
import { SessionServer } from "../sessions/session-server.ts";
import { SteadyLoad } from "../sessions/steady-load.ts";
import { until } from "../sessions/until.ts";

/** Whether the shared data of both modules has the same format. */
type Format = "the same format" | "another format";

const CASES = (["LDS", "ECDS"] as Discovery[]).flatMap((discovery) =>
  (["the same format", "another format"] as Format[]).map((format) => ({ discovery, format })),
);

const LOADS = 2;
/** With the one whose calls are limited, the one that only has a stream, and the one that ends during the upgrade. */
const SESSIONS = LOADS + 3;
const PAUSE_MS = 20;
/** The allowance of the rule `budget`. It does not refill within a test. */
const BUDGET = 5;
const USED = 2;
/** Longer than the tick after which a module is in force. */
const IN_FORCE_MS = 1500;
/** Longer than the three ticks after which a policy applies to all connections. */
const SETTLED_MS = 3500;
const POLL = { timeout: 30_000, interval: 250 };

const keep = endsAfterAll();
const folder = mkdtempSync(join(tmpdir(), "mcp-upgrade-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let server: SessionServer;
/** The modules that replace the built one. */
let modules: Record<Format, string>;

beforeAll(async () => {
  server = keep(await SessionServer.start());
  const other = join(folder, "rebuilt.wasm");
  writeFileSync(other, rebuilt("another build"));
  modules = { "the same format": other, "another format": modulePath("test/envoy/upgrade/modules/next-format.ts") };
});

const BASE = () => ({ match: { paths: [server.path] }, logFields: true });

const limited = () => ({
  ...BASE(),
  limits: {
    rules: [
      {
        name: "budget",
        key: [],
        to: [{ operation: { tools: ["decline"] } }],
        requests: { amount: BUDGET, per: "1h", burst: BUDGET },
      },
      {
        name: "one",
        key: [],
        to: [{ operation: { tools: ["block"] } }],
        concurrency: 1,
        queue: { maxWait: "30s" },
      },
    ],
  },
  // No spans arrive there: the access log has the ids of their traces.
  trace: { cluster: "mcp_upstream", sample: { ratio: 1 } },
});

/** The fields of the access log that tests read. */
interface LogLine {
  mcp_target: string | null;
  mcp_outcome: string | null;
  mcp_session: string | null;
  mcp_trace_id: string | null;
}

/** An Envoy whose access log is read. */
interface Upgraded extends DiscoveringEnvoy {
  url: string;
  /** The lines so far of calls of this tool. */
  lines(tool: string): LogLine[];
}

async function start(discovery: Discovery, config: object): Promise<Upgraded> {
  const lines: LogLine[] = [];
  const onLine = (line: string) => {
    if (line.startsWith("{")) lines.push(JSON.parse(line) as LogLine);
  };
  const options = { upstream: server, concurrency: 2, wasmPath: MODULE_PATH, onLine };
  const envoy = keep(await startDiscovering(discovery, config, options));
  const url = `${envoy.proxyUrl}${server.path}`;
  return { ...envoy, url, lines: (tool) => lines.filter(({ mcp_target }) => mcp_target === tool) };
}

/** The sum of a family's series that have these labels. */
async function sum(envoy: DiscoveringEnvoy, family: string, labels: Record<string, string> = {}): Promise<number> {
  const fits = (metric: Metric) => Object.entries(labels).every(([name, value]) => metric.labels[name] === value);
  const found = (await readMetrics(envoy)).filter((metric) => metric.name === family && fits(metric));
  return found.reduce((total, { value }) => total + value, 0);
}

/** Calls a limited tool as often as the whole allowance has calls, and returns how many of them were admitted. */
async function admittedOf(session: RawSession, envoy: Upgraded): Promise<number> {
  const before = envoy.lines("decline").length;
  for (let call = 0; call < BUDGET; call++) await session.call("decline");
  await until(() => envoy.lines("decline").length === before + BUDGET, "the calls are in the access log");
  const admitted = envoy.lines("decline").slice(before);
  return admitted.filter(({ mcp_outcome }) => mcp_outcome === "tool_error").length;
}

/** The ids of the sessions of the load, and of their traces, in the newest lines of the access log. */
async function idsOfLoad(envoy: Upgraded): Promise<{ sessions: string[]; traces: string[] }> {
  const before = envoy.lines("echo").length;
  await until(() => envoy.lines("echo").length >= before + 20, "calls are in the access log");
  const lines = envoy.lines("echo").slice(-10);
  const distinct = (values: (string | null)[]) => [...new Set(values)].map(String).sort();
  const sessions = distinct(lines.map(({ mcp_session }) => mcp_session));
  return { sessions, traces: distinct(lines.map(({ mcp_trace_id }) => mcp_trace_id)) };
}

const decisions = (envoy: Upgraded, mcp_limit_decision: string) =>
  sum(envoy, "mcp_limit_decisions_total", { mcp_limit_rule: "one", mcp_limit_decision });

it.concurrent.for(CASES)(
  "by $discovery, to a module with $format and back, under load",
  { timeout: 150_000 },
  async ({ discovery, format }, { expect }) => {
    const shares = format === "the same format";
    const envoy = await start(discovery, limited());
    const load = keep(await SteadyLoad.begin(envoy.url, LOADS, PAUSE_MS));
    const caller = await new RawSession(envoy.url, shortFetch, "caller").open();
    const listener = await new RawSession(envoy.url, shortFetch, "listener").open();
    const leaver = await new RawSession(envoy.url, shortFetch, "leaver").open();
    const stream = await listener.listen();
    for (let call = 0; call < USED; call++) await caller.call("decline");
    const first = await caller.block();
    // It waits for the only permit.
    const second = caller.block();
    await expect.poll(() => decisions(envoy, "queued"), POLL).toBe(1);
    const ids = await idsOfLoad(envoy);
    await expect.poll(() => sum(envoy, "mcp_sessions_active"), POLL).toBe(SESSIONS);

    await envoy.push(limited(), modules[format]);
    await sleep(IN_FORCE_MS);
    // A permit is free only where the permits of both modules are not the same.
    const third = caller.block();
    if (shares) await expect.poll(() => decisions(envoy, "queued"), POLL).toBe(2);
    else await expect.poll(() => decisions(envoy, "admitted"), POLL).toBe(2);
    expect(await admittedOf(caller, envoy)).toBe(shares ? BUDGET - USED : BUDGET);
    const later = await idsOfLoad(envoy);
    if (shares) expect(later).toEqual(ids);
    else
      expect(
        [...later.sessions, ...later.traces].filter((id) => [...ids.sessions, ...ids.traces].includes(id)),
      ).toEqual([]);
    // The sessions with further requests.
    const adopted = shares ? 0 : LOADS + 1;
    await expect.poll(() => sum(envoy, "mcp_sessions_adopted_total"), POLL).toBe(adopted);
    await expect.poll(() => sum(envoy, "mcp_sessions_active"), POLL).toBe(SESSIONS + adopted);
    // The name of the client is known from the beginning of a session only.
    expect(await sum(envoy, "mcp_sessions_active", { mcp_client_name: "raw" })).toBe(LOADS);
    expect(await sum(envoy, "mcp_build_info")).toBe(shares ? 1 : 2);

    // The request that waits in the old module is admitted when that module's permit is free.
    first.leave();
    (await second).leave();
    (await third).leave();
    await expect.poll(() => sum(envoy, "mcp_limit_queue_length"), POLL).toBe(0);

    const newcomer = await new RawSession(envoy.url, shortFetch, "newcomer").open();
    expect(await leaver.remove()).toBe(200);

    await envoy.push(limited(), MODULE_PATH);
    await sleep(IN_FORCE_MS);
    expect(await admittedOf(caller, envoy)).toBe(shares ? 0 : BUDGET - USED);
    expect(await idsOfLoad(envoy)).toEqual(ids);
    expect(await newcomer.call("echo")).toBe(200);
    await load.close();
    expect(load.failures).toEqual([]);
    const counted = () => sum(envoy, "mcp_operations_total", { gen_ai_tool_name: "echo" });
    await expect.poll(counted, POLL).toBe(load.answered + 1);
    // By ECDS, a series ends with the last VM that has used it, and starts anew.
    const before = discovery === "ECDS" ? 0 : adopted;
    await expect.poll(() => sum(envoy, "mcp_sessions_adopted_total"), POLL).toBe(shares ? 0 : before + 1);

    expect(stream.hasEnded()).toBe(false);
    server.notifyAll();
    await expect.poll(() => stream.received().includes("list_changed"), POLL).toBe(true);
    stream.leave();
    // Without the other module's data, the first one does not know that a session has ended.
    const ended = { mcp_client_name: "leaver" };
    await expect.poll(() => sum(envoy, "mcp_sessions_active", ended), POLL).toBe(shares ? 0 : 1);
    // A replaced listener drains for ten minutes, and its module continues to record its sessions.
    const isAlone = shares || discovery === "ECDS";
    await expect.poll(() => sum(envoy, "mcp_build_info"), POLL).toBe(isAlone ? 1 : 2);
    const known = shares ? SESSIONS : SESSIONS + 1;
    if (isAlone) await expect.poll(() => sum(envoy, "mcp_sessions_active"), POLL).toBe(known);
  },
);

const allowing = (...tools: string[]) => ({
  rules: [
    { name: "tools", action: "ALLOW", to: [{ operation: { tools } }] },
    { name: "others", action: "ALLOW", to: [{ operation: { notMethods: ["tools/call"] } }] },
  ],
});

describe("a policy", () => {
  it.concurrent.for(CASES)("by $discovery, with $format", { timeout: 150_000 }, async (which, { expect }) => {
    const { discovery, format } = which;
    const shares = format === "the same format";
    const config = (access: object) => ({
      ...BASE(),
      access,
      trace: { cluster: "mcp_upstream", sample: { ratio: 1 }, sessionKey: "0123456789abcdef0123456789abcdef" },
    });
    const envoy = await start(discovery, config(allowing("echo", "decline")));
    const agent = new Agent({ connections: 1, keepAliveTimeout: 600_000, keepAliveMaxTimeout: 600_000 });
    const onConnection = ((url, init) => fetchOn(url, { ...init, dispatcher: agent } as object)) as Fetch;
    const kept = await new RawSession(envoy.url, onConnection, "kept").open();
    const fresh = await new RawSession(envoy.url, shortFetch, "fresh").open();
    const outcomeOf = async (session: RawSession) => {
      const before = envoy.lines("decline").length;
      await session.call("decline");
      await until(() => envoy.lines("decline").length > before, "the call is in the access log");
      return envoy.lines("decline").at(-1).mcp_outcome;
    };
    const traceOf = async () => {
      // The first call of a session that the module does not know makes it known.
      const before = envoy.lines("echo").length;
      for (let call = 0; call < 2; call++) await fresh.call("echo");
      await until(() => envoy.lines("echo").length === before + 2, "the calls are in the access log");
      return envoy.lines("echo").at(-1).mcp_trace_id;
    };
    expect(await outcomeOf(fresh)).toBe("tool_error");
    expect(await outcomeOf(kept)).toBe("tool_error");
    const trace = await traceOf();
    await sleep(SETTLED_MS);

    await envoy.push(config(allowing("echo")), modules[format]);
    await sleep(SETTLED_MS);
    expect(await outcomeOf(fresh)).toBe("denied");
    // A replaced listener continues to serve its connections by the old policy if it does not know the new one.
    expect(await outcomeOf(kept)).toBe(discovery === "LDS" && !shares ? "tool_error" : "denied");
    expect(await traceOf()).toBe(trace);

    // The first module gets an invalid configuration, and applies the last valid one that it knows.
    await envoy.push(config({ rules: "none" }), MODULE_PATH);
    await sleep(SETTLED_MS);
    expect(await outcomeOf(fresh)).toBe(shares ? "denied" : "tool_error");
    await agent.destroy();
  });
});

it("another process knows nothing of the first one", async () => {
  let id: string | null = null;
  const hashes = new Set<string | null>();
  for (let run = 0; run < 2; run++) {
    const envoy = await start("LDS", limited());
    const here = new RawSession(envoy.url, shortFetch, "caller");
    if (run === 0) id = (await here.open()).id;
    here.id = id;
    expect(await admittedOf(here, envoy)).toBe(BUDGET);
    await expect.poll(() => sum(envoy, "mcp_sessions_adopted_total"), POLL).toBe(run);
    hashes.add(envoy.lines("decline")[0].mcp_session);
  }
  expect(hashes.size).toBe(2);
});
