/** More sessions than the cap: the cap is met, the rest is evicted and counted, and strangers evict nobody. */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { beforeAll, expect, it } from "vitest";
import { type Envoy, startEnvoy } from "../../../scripts/envoy/process.ts";
import { effort } from "../../effort.ts";
import { endsAfterAll } from "../cleanup.ts";
import { Load, type Post } from "../load.ts";
import * as mcp from "../mcp-messages.ts";
import { readMetrics } from "../prometheus.ts";
import { SessionServer } from "./session-server.ts";

const SESSIONS = effort(3_000, 70_000);
const CAP = effort(2_800, 65_536);
const STRANGERS = 2_000;
/** Sessions opened below the cap, and as many beyond it, whose cost is compared. */
const MEASURED = effort(200, 4_000);
const POLL = { timeout: 60_000, interval: 500 };
/** Longer than from one sweep of the store to the next. */
const SWEEP_MS = 6_500;

const keep = endsAfterAll();
let server: SessionServer;
let envoy: Envoy;
let load: Load;

beforeAll(async () => {
  server = keep(await SessionServer.start());
  const pluginConfig = JSON.stringify({ sessions: { max: CAP } });
  envoy = keep(await startEnvoy({ upstream: server, concurrency: 2, pluginConfig }));
  load = keep(new Load(envoy.proxyUrl));
});

it(`${SESSIONS} sessions with a cap of ${CAP}`, { timeout: 600_000 }, async () => {
  await openSessions(100);
  const residentBefore = residentMebibytes();
  const below = await cpuOfOpening(MEASURED);
  await openSessions(SESSIONS - 100 - 2 * MEASURED);
  const beyond = await cpuOfOpening(MEASURED);
  await expect.poll(async () => (await sums()).mcp_sessions_active ?? 0, POLL).toBeGreaterThan(CAP * 0.95);
  await expect.poll(async () => (await sums()).mcp_sessions_active, POLL).toBeLessThanOrEqual(CAP * 1.05);
  // At rest once a sweep has recorded what the evictions left.
  await expect.poll(async () => started(await sums()), POLL).toEqual({ started: SESSIONS, accounted: SESSIONS });
  expect((await sums()).mcp_sessions_active).toBeGreaterThanOrEqual(CAP * 0.95);
  console.log(`Envoy's memory: ${residentBefore} MiB with 100 sessions, ${residentMebibytes()} MiB after ${SESSIONS}`);
  console.log(
    `CPU of Envoy for each session opened: ${(beyond / below).toFixed(2)} × beyond the cap of what it is below`,
  );
});

it("ids that the server refuses evict nobody", { timeout: 600_000 }, async () => {
  // A sweep may still evict sessions of the test before this one.
  await expect.poll(evictsNoMore, { ...POLL, interval: SWEEP_MS }).toBe(true);
  const before = await sums();
  await load.run(STRANGERS, (index) => {
    const id = index % 2 === 0 ? randomUUID() : `guess-${index}`;
    return { path: server.path, headers: { ...mcp.LEGACY, "mcp-session-id": id }, body: mcp.toolCall(index, "echo") };
  });
  // The session that begins next is in the gauge: so a sweep has passed.
  const operations = before.mcp_operations_total + STRANGERS;
  await expect.poll(async () => (await sums()).mcp_operations_total, POLL).toBe(operations);
  await openSessions(1);
  await expect
    .poll(async () => started(await sums()), POLL)
    .toEqual({ started: SESSIONS + 1, accounted: SESSIONS + 1 });
  const after = await sums();
  expect(after.mcp_sessions_adopted_total).toBeUndefined();
  // The one that began may have cost another its place.
  expect(after.mcp_store_evictions_total - before.mcp_store_evictions_total).toBeLessThanOrEqual(1);
  expect(after.mcp_sessions_ended_total).toBe(after.mcp_store_evictions_total);
});

let evictions = -1;

/** Whether nothing was evicted since the call before. */
async function evictsNoMore(): Promise<boolean> {
  const known = evictions;
  evictions = (await sums()).mcp_store_evictions_total;
  return evictions === known;
}

/** All sessions that began are active or evicted. */
function started(now: Record<string, number>): object {
  const accounted = now.mcp_sessions_active + now.mcp_store_evictions_total;
  return { started: now.mcp_sessions_started_total, accounted };
}

function openSessions(count: number): Promise<void> {
  const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "raw", version: "1" } };
  const post = (index: number): Post => {
    return { path: server.path, headers: mcp.LEGACY, body: mcp.request(index, "initialize", params) };
  };
  return load.run(count, post);
}

/** The values of each family, added up. */
async function sums(): Promise<Record<string, number>> {
  const totals: Record<string, number> = {};
  for (const { name, value } of await readMetrics(envoy)) totals[name] = (totals[name] ?? 0) + value;
  return totals;
}

/** Opens sessions. Returns the clock ticks of CPU that Envoy spent on it, where the system tells them as Linux does. */
async function cpuOfOpening(count: number): Promise<number> {
  const before = cpuTicks();
  await openSessions(count);
  return cpuTicks() - before;
}

function cpuTicks(): number {
  try {
    // User and system time: the 14th and 15th field, behind the name in parentheses (proc_pid_stat(5)).
    const fields = readFileSync(`/proc/${envoy.pid}/stat`, "utf8").replace(/.*\) /, "").split(" ");
    return Number(fields[11]) + Number(fields[12]);
  } catch {
    return NaN;
  }
}

/** Where the system tells it as Linux does. */
function residentMebibytes(): string {
  try {
    const [, kibibytes] = /VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${envoy.pid}/status`, "utf8"))!;
    return (Number(kibibytes) / 1024).toFixed(0);
  } catch {
    return "unknown";
  }
}
