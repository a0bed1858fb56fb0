/** Sessions of every fate on any number of workers: each counter and, at rest, each gauge is what happened. */
import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { type Envoy, startEnvoy } from "../../../scripts/envoy/process.ts";
import { effort } from "../../effort.ts";
import { type ClientKind, connectClient } from "../../../scripts/demo/client.ts";
import { type FixtureServer, startFixtureServer } from "../../../scripts/demo/servers/fixture-server.ts";
import { TOOL_DEFINITIONS } from "../../../scripts/demo/servers/tools.ts";
import { endsAfterAll } from "../cleanup.ts";
import { countsOf, type Counts, readMetrics } from "../prometheus.ts";
import { type Recorded, Recording } from "../recording.ts";
import { tokenTruthOf } from "../token-truth.ts";
import { truthOf } from "../truth.ts";
import { addCluster, addRoute, edited } from "./bootstrap.ts";
import { type OpenStream, RawSession, shortFetch } from "./raw-session.ts";
import { SESSION_TOOLS, SessionServer } from "./session-server.ts";
import { gaugesOf, sessionSums, sessionTruthOf } from "./session-truth.ts";
import { until } from "./until.ts";

const REST_MS = 40_000;
/** Sessions under way at once. */
const PARALLEL = 16;
const NAMES = new Set([...SESSION_TOOLS, ...TOOL_DEFINITIONS.map(({ name }) => name), "summarize", "review"]);
const CALLS = ["echo", "decline", "no_such_tool", "echo"];
const KINDS: ClientKind[] = ["sdk1", "sdk2-legacy", "sdk2-modern"];

interface Size {
  sessions: number;
  /** In each session. */
  operations: number;
}

const FULL: Size = { sessions: 200, operations: 25 };
const SMALL: Size = { sessions: effort(40, FULL.sessions), operations: effort(10, FULL.operations) };

/** A run with this many workers. */
class Run {
  readonly #recordings: Recording[] = [];
  /** What stays open at rest. */
  readonly open: { session: RawSession; streams: OpenStream[] }[] = [];
  envoy!: Envoy;

  constructor(
    readonly workers: number,
    readonly size: Size,
    /** Whether the sessions that are left alone end as idle while the test looks on. */
    readonly endsIdle: boolean,
  ) {}

  get exchanges(): Recorded[] {
    return this.#recordings.flatMap(({ exchanges }) => exchanges);
  }

  /** For a client with connections that are kept, or one for each request. */
  record(isShort: boolean): Recording {
    const recording = new Recording(isShort ? shortFetch : fetch);
    this.#recordings.push(recording);
    return recording;
  }
}

const RUNS = [new Run(1, FULL, true), new Run(4, FULL, true), new Run(2, SMALL, false), new Run(8, SMALL, false)];

const keep = endsAfterAll();
let fixture: FixtureServer;
let server: SessionServer;

beforeAll(async () => {
  fixture = keep(await startFixtureServer());
  server = keep(await SessionServer.start());
  // One after the other under load; then all are looked at, so that they come to rest at the same time.
  for (const run of RUNS) await load(run);
}, 600_000);

describe.each(RUNS)("$workers workers, $size.sessions sessions", (run) => {
  it("every counter and gauge comes to rest at the truth", { timeout: 2 * REST_MS }, () => expectTruth(run));

  it("the truth has every fate of sessions and calls, and every worker a part", async () => {
    const ends = Object.keys((await seen(run.envoy)).counts).join("\n");
    for (const end of ["deleted", "refused", ...(run.endsIdle ? ["idle"] : [])]) {
      expect(ends).toContain(`mcp_session_end=${end}`);
    }
    for (const outcome of ["ok", "tool_error", "rpc_error", "cancelled", "disconnected"]) {
      expect(ends).toContain(`mcp_outcome=${outcome}`);
    }
    expect(ends).toContain("mcp_session_kind=window");
    const stats = await (await fetch(`${run.envoy.adminUrl}/stats?filter=worker_.*downstream_cx_total`)).text();
    const connections = [...stats.matchAll(/^listener\.127\.0\.0\.1_\d+\.worker_\d+.*: (\d+)$/gm)];
    expect(connections.map(([, value]) => Number(value) > 0)).toEqual(Array(run.workers).fill(true));
  });

  it("and so when what was left open has ended, long calls too", { timeout: 2 * REST_MS }, async () => {
    for (const { session, streams } of run.open) {
      for (const stream of streams) stream.leave();
      await until(() => streams.every(({ hasEnded }) => hasEnded()), "the streams' end");
      expect(await session.remove()).toBe(200);
    }
    await expectTruth(run);
  });
});

async function expectTruth(run: Run): Promise<void> {
  const sessions = sessionTruthOf(run.exchanges, run.endsIdle);
  const isLabelled = (name: string) => NAMES.has(name);
  const streams = { ...truthOf(run.exchanges, isLabelled), ...tokenTruthOf(run.exchanges, isLabelled) };
  const counts = { ...streams, ...sessions.counts };
  await expect
    .poll(() => seen(run.envoy), { timeout: REST_MS, interval: 500 })
    .toEqual({ counts, gauges: sessions.gauges });
}

async function seen(envoy: Envoy): Promise<{ counts: Counts; gauges: Counts }> {
  const metrics = await readMetrics(envoy);
  return { counts: { ...countsOf(metrics), ...sessionSums(metrics) }, gauges: gaugesOf(metrics) };
}

/** Starts the run's Envoy and lets its clients do their parts. */
async function load(run: Run): Promise<void> {
  const vary = edited((bootstrap) => {
    addCluster(bootstrap, "session_server", server.port);
    addRoute(bootstrap.static_resources.listeners[0], server.path, "session_server");
  });
  const sessions = run.endsIdle ? { idleTimeout: "8s" } : {};
  // Two clusters, but one server by name.
  const pluginConfig = JSON.stringify({ server: "mcp_upstream", sessions });
  run.envoy = keep(await startEnvoy({ upstream: fixture, concurrency: run.workers, pluginConfig, vary }));
  await learnNames(run);
  let next = 0;
  const work = async () => {
    for (let index = next++; index < run.size.sessions; index = next++) {
      await (index % 5 === 4 ? officialSession(run, index) : rawSession(run, index));
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  if (run.endsIdle) return;
  for (let index = 0; index < 3; index++) {
    const session = await rawClient(run).open();
    run.open.push({ session, streams: [await session.listen(), await session.block()] });
  }
}

function rawClient(run: Run): RawSession {
  return new RawSession(`${run.envoy.proxyUrl}${server.path}`, run.record(true).fetch, "raw");
}

function officialClient(run: Run, index: number, send: Recording): ReturnType<typeof connectClient> {
  const kind = KINDS[Math.floor(index / 5) % KINDS.length];
  const name = kind === "sdk2-modern" ? `modern-${index}` : kind;
  return connectClient(kind, `${run.envoy.proxyUrl}/mcp`, name, send.fetch);
}

/** One worker sees the lists; all must know the names from then on. */
async function learnNames(run: Run): Promise<void> {
  const session = await rawClient(run).open();
  await session.request("tools/list");
  const client = await officialClient(run, 0, run.record(false));
  await client.listTools();
  await client.listPrompts();
  await client.close();
}

/** A session of an official client, with connections that are kept or not. */
async function officialSession(run: Run, index: number): Promise<void> {
  const recording = run.record(index % 2 === 1);
  const client = await officialClient(run, index, recording);
  for (let i = 0; i < run.size.operations; i++) {
    if (i % 4 === 0) await client.getPrompt("summarize", { topic: "x" });
    else if (i % 4 === 1) await client.callTool("refund_order").catch(() => {});
    else if (i % 4 === 2) await client.callTool("charge_card", { declined: i % 8 === 2 });
    else await client.callTool("export_report", { steps: 2, ms: 1 }, { onProgress: () => {} });
  }
  const controller = new AbortController();
  const options = { signal: controller.signal, onProgress: () => controller.abort() };
  await client.callTool("wait_for_approval", {}, options).catch(() => {});
  const isAccepted = ({ body, ended }: Recorded) => body.includes("notifications/cancelled") && ended === "complete";
  if (client.kind === "sdk2-modern") await recording.settled(null);
  // A POST of its own, which the server must have before the session ends.
  else await until(() => recording.exchanges.some(isAccepted), "the cancellation");
  await client.close();
}

/** A session by hand, of which each fifth has another fate. */
async function rawSession(run: Run, index: number): Promise<void> {
  const session = await rawClient(run).open();
  for (let i = 0; i < run.size.operations; i++) await session.call(CALLS[i % CALLS.length]);
  switch (index % 5) {
    case 0: {
      // The server has forgotten the session: its client opens another.
      server.drop(session.id!);
      expect(await session.call("echo")).toBe(404);
      await session.open();
      await session.call("echo");
      break;
    }
    case 1: {
      const { id, leave } = await session.block();
      await session.notify("notifications/cancelled", { requestId: id });
      leave();
      await session.call("echo");
      break;
    }
    case 2: {
      // Vanishes, and leaves its session behind.
      (await session.block()).leave();
      return;
    }
    default: {
      // A second `initialize` is refused, which ends nothing; nor do ids that nobody gave.
      expect(await session.request("initialize")).toBe(400);
      for (const [id, status] of [[randomUUID(), 404] as const, ["guess", 400] as const]) {
        const stranger = rawClient(run);
        stranger.id = id;
        expect(await stranger.call("echo")).toBe(status);
      }
    }
  }
  expect(await session.remove()).toBe(200);
}
