/** A trap under load: it costs the streams in flight on that worker, and nothing else for long. */
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, expect, it } from "vitest";
import { modulePath } from "../../modules.ts";
import { endsAfterAll } from "../cleanup.ts";
import { exchange } from "../raw-http.ts";
import * as mcp from "../mcp-messages.ts";
import { readMetrics } from "../prometheus.ts";
import { type DiscoveringEnvoy, startDiscovering } from "./discovery.ts";
import type { OpenStream } from "./raw-session.ts";
import { SessionServer } from "./session-server.ts";
import { SteadyLoad } from "./steady-load.ts";

const TRAPPING = modulePath("test/envoy/modules/trapping.ts");
const SESSIONS = 6;
const STREAMS = 16;
const TICK_MS = 1000;
const POLL = { timeout: 30_000, interval: 250 };

const keep = endsAfterAll();
let server: SessionServer;
let envoy: DiscoveringEnvoy;
let load: SteadyLoad;
let streams: OpenStream[];

beforeAll(async () => {
  server = keep(await SessionServer.start());
  const options = { upstream: server, concurrency: 2, wasmPath: TRAPPING };
  envoy = keep(await startDiscovering("ECDS", { server: "good" }, options));
  load = keep(await SteadyLoad.begin(`${envoy.proxyUrl}${server.path}`, SESSIONS));
  // So many that each worker has some.
  streams = await Promise.all(Array.from({ length: STREAMS }, (_, index) => load.sessions[index % SESSIONS].listen()));
});

it("only streams in flight on that worker fail", { timeout: 120_000 }, async () => {
  await expect.poll(() => sumOf("mcp_streams_active", "get"), POLL).toBe(STREAMS);
  const answered = load.answered;
  await expect.poll(() => load.answered, POLL).toBeGreaterThan(answered + 20);
  const trappedAt = await trap();
  const after = load.answered;
  await expect.poll(() => load.answered, POLL).toBeGreaterThan(after + 200);
  expect(load.failures.filter(({ beganAt }) => beganAt > trappedAt)).toEqual([]);
  // Each session has one call under way at most.
  expect(load.failures.length).toBeLessThanOrEqual(SESSIONS);

  server.notifyAll();
  await expect.poll(() => streams.map(isDecided), POLL).not.toContain(false);
  const lived = streams.filter(({ hasEnded }) => !hasEnded());
  expect(lived.length).toBeGreaterThan(0);
  expect(lived.length).toBeLessThan(STREAMS);
  expect(lived.map(({ received }) => received().includes("list_changed"))).not.toContain(false);
});

it("gauges are right again two sweeps later", { timeout: 120_000 }, async () => {
  const lived = streams.filter(({ hasEnded }) => !hasEnded()).length;
  await expect.poll(() => sumOf("mcp_streams_active", "get"), POLL).toBe(lived);
  expect(await sumOf("mcp_sessions_active")).toBe(SESSIONS);
  expect(await sumOf("mcp_sessions_started_total")).toBe(SESSIONS);
});

it("a bad configuration stays replaced by the last good one in the new VM", { timeout: 120_000 }, async () => {
  await envoy.push({ server: "bad", sessions: { max: "many" } });
  await expect.poll(() => sumOf("mcp_configuration_invalid"), POLL).toBe(1);
  // Envoy's back-off: a VM whose plugin was loaded less than a second ago is not made anew at once.
  await sleep(2 * TICK_MS);
  const trappedAt = await trap();
  const after = load.answered;
  await expect.poll(() => load.answered, POLL).toBeGreaterThan(after + 200);
  await load.close();
  expect(load.failures.filter(({ beganAt }) => beganAt > trappedAt)).toEqual([]);
  for (const { leave } of streams) leave();

  const before = await sumOf("mcp_operations_total");
  // On connections of their own: both workers have some.
  for (let i = 0; i < 16; i++) expect(await load.sessions[i % SESSIONS].call("echo")).toBe(200);
  await expect.poll(() => sumOf("mcp_operations_total"), POLL).toBe(before + 16);
  const servers = (await readMetrics(envoy)).flatMap(({ labels }) => labels.mcp_server ?? []);
  expect([...new Set(servers)]).toEqual(["good"]);
  expect(await sumOf("mcp_configuration_invalid")).toBe(1);
  await expect.poll(() => sumOf("mcp_streams_active"), POLL).toBe(0);
  expect(await sumOf("mcp_operations_in_flight")).toBe(0);
  expect(await sumOf("mcp_sessions_active")).toBe(SESSIONS);
  expect(await sumOf("mcp_sessions_adopted_total")).toBe(0);
});

/** Sends the request that traps. Returns when it was answered. */
async function trap(): Promise<number> {
  const headers = { ...mcp.LEGACY, "x-test-trap": "1" };
  const { status } = await exchange(`${envoy.proxyUrl}${server.path}`, { headers, body: [mcp.toolCall(1, "echo")] });
  expect(status).toBe(503);
  return performance.now();
}

function isDecided({ hasEnded, received }: OpenStream): boolean {
  return hasEnded() || received().includes("list_changed");
}

async function sumOf(family: string, kind?: string): Promise<number> {
  const all = (await readMetrics(envoy)).filter(({ name }) => name === family);
  const chosen = kind === undefined ? all : all.filter(({ labels }) => labels.mcp_stream_kind === kind);
  return chosen.reduce((sum, { value }) => sum + value, 0);
}
