/** Tests what a plugin instance keeps of configurations that it no longer applies: no more than open streams and the store
 *  need. */
import { describe, expect, test } from "vitest";
import { effort } from "../../effort.ts";
import { exchange, type Plugin, requestHead } from "../../../scripts/host/index.ts";
import {
  MCP_HEADERS,
  SSE_ANSWER,
  countsBy,
  passSeconds,
  post,
  request,
  result,
  startWorkers,
  toolCall,
} from "./filter.ts";
import { deniedBy, guarded, replyOf, tools } from "./access.ts";
import { type OpenStream, inSession, openGet, openPost } from "./open-stream.ts";

const DIFFERENT = effort(12_000, 60_000);
const NO_RM = { defaultAction: "ALLOW", rules: [tools("DENY", "no-rm", "rm")] };
const HELD = { ...NO_RM, holdHeaders: true };
const SOON = { sessions: { idleTimeout: "1s" } };
/** Configurations that differ in everything that separates units and stages. */
const CONFIGURATIONS: object[] = [
  { ...SOON },
  { ...SOON, server: "renamed", labels: { tools: ["echo"], maxServers: 64 } },
  { ...SOON, role: "client" },
  { ...SOON, instance: "other", labels: { caller: true } },
  guarded(NO_RM, { ...SOON, labels: { maxServers: 1 } }),
  guarded(HELD, { ...SOON, instance: "other" }),
  guarded({ ...NO_RM, mode: "shadow" }, { ...SOON, instance: "third" }),
];

/** The currently published slots: those whose heartbeat is at most three ticks old. */
function liveSlots({ vm }: Plugin): number {
  const now = vm.clock.now / 1_000_000n;
  const slots = vm.sharedData.keys().filter((key) => key.includes("/slot/"));
  return slots.filter((key) => {
    const bytes = Buffer.from(vm.sharedData.get(key)!.bytes);
    return bytes.length >= 16 && now - bytes.readBigUInt64LE(8) < 3500n;
  }).length;
}

/** The host calls of one tick. */
function callsOfTick(plugin: Plugin): number {
  plugin.vm.calls.reset();
  plugin.tick();
  return Object.values(plugin.vm.calls.snapshot()).reduce((sum, count) => sum + count, 0);
}

/** Streams of all kinds that stay open during reconfigurations, including one that waits for its decision. */
function openAll(plugin: Plugin, i: number): (() => void)[] {
  const session = `s${i % 50}`;
  const streams: OpenStream[] = [openGet(plugin, session), openPost(plugin, session, toolCall("echo", i))];
  const held = plugin.stream();
  held.requestHeaders(requestHead({ headers: MCP_HEADERS }));
  held.requestBody(Buffer.from(toolCall("echo").slice(0, 40)));
  return [...streams.map((stream) => () => stream.close("client")), () => held.reset("client")];
}

/** Calls in some sessions, including those of open streams. */
function traffic(plugin: Plugin, i: number): void {
  for (let call = 0; call < 10; call++) {
    post(plugin, toolCall("echo", call), result(), { headers: inSession(`s${(i + call) % 50}`) });
  }
  post(plugin, toolCall("rm"));
}

test("1000 reconfigurations of one instance, with streams open across them, leave memory and slots flat", () => {
  const [plugin] = startWorkers(1, { configuration: CONFIGURATIONS[0], allowHeadersStop: true });
  const open: (() => void)[][] = [];
  const run = (from: number, to: number) => {
    for (let i = from; i < to; i++) {
      plugin.configure(CONFIGURATIONS[i % CONFIGURATIONS.length]);
      open.push(openAll(plugin, i));
      traffic(plugin, i);
      passSeconds([plugin], 1);
      if (open.length > 5) for (const close of open.shift()!) close();
      plugin.vm.logs.length = 0;
    }
  };
  run(1, 100);
  const before = { pages: plugin.vm.memoryPages(), slots: liveSlots(plugin), calls: callsOfTick(plugin) };
  run(100, 1100);
  expect(plugin.vm.memoryPages()).toBe(before.pages);
  expect(liveSlots(plugin)).toBeLessThanOrEqual(before.slots + 5);
  expect(callsOfTick(plugin)).toBeLessThan(2 * before.calls);
  for (const closes of open) for (const close of closes) close();
  passSeconds([plugin], 30);
  const { metrics } = plugin.vm;
  for (const gauge of ["mcp_streams_active", "mcp_operations_in_flight", "mcp_sessions_active"]) {
    expect([gauge, metrics.gauge(gauge)]).toEqual([gauge, 0]);
  }
  // The current unit, and units whose instance and role no other unit has.
  expect(liveSlots(plugin)).toBeLessThanOrEqual(2);
});

test(
  `${DIFFERENT} configurations, all of them different, leave memory flat`,
  { timeout: effort(120_000, 900_000) },
  () => {
    const [plugin] = startWorkers(1);
    const run = (from: number, to: number) => {
      for (let i = from; i < to; i++) {
        plugin.configure(guarded(NO_RM, { labels: { tools: [`tool-${i % 200}`] }, sessions: { max: 10_000 + i } }));
        post(plugin, toolCall("echo"));
        passSeconds([plugin], 1);
        plugin.vm.logs.length = 0;
      }
    };
    run(0, 500);
    const pages = plugin.vm.memoryPages();
    run(500, DIFFERENT);
    expect(plugin.vm.memoryPages()).toBe(pages);
  },
);

test("1000 plugin instances in one VM, each of which replaces the one before it, leave memory and slots flat", () => {
  const [first] = startWorkers(1, { configuration: CONFIGURATIONS[0], allowHeadersStop: true });
  let plugin = first;
  const run = (from: number, to: number) => {
    for (let i = from; i < to; i++) {
      const configuration = CONFIGURATIONS[i % CONFIGURATIONS.length];
      const next = first.vm.plugin({
        properties: { "xds.cluster_name": "tools" },
        configuration,
        allowHeadersStop: true,
      });
      const closes = openAll(plugin, i);
      traffic(next, i);
      passSeconds([next, plugin], 1);
      for (const close of closes) close();
      plugin.close();
      plugin = next;
      first.vm.logs.length = 0;
    }
  };
  run(1, 100);
  const before = { pages: first.vm.memoryPages(), slots: liveSlots(plugin) };
  run(100, 1100);
  expect(first.vm.memoryPages()).toBe(before.pages);
  expect(liveSlots(plugin)).toBeLessThanOrEqual(before.slots + 5);
});

describe("a unit that counts no new streams", () => {
  const headers = inSession("s");
  const get = { method: "GET", headers: { accept: "text/event-stream", "mcp-session-id": "s" } };
  const openStream = (plugin: Plugin, cluster = "tools") =>
    exchange(
      plugin,
      { request: get, response: { headers: SSE_ANSWER, body: ": x\n\n", ended: "open" } },
      { properties: { "xds.cluster_name": cluster } },
    ).stream;
  const active = (plugin: Plugin) => plugin.vm.metrics.gauge("mcp_streams_active");

  test("publishes its open streams until the last one ends", () => {
    const [plugin] = startWorkers(1);
    const stream = openStream(plugin);
    plugin.configure({ instance: "other" });
    post(plugin, request("ping"), result(), { headers });
    passSeconds([plugin], 30);
    expect(liveSlots(plugin)).toBe(2);
    expect(active(plugin)).toBe(1);
    stream.reset("client");
    passSeconds([plugin], 10);
    expect(active(plugin)).toBe(0);
  });

  test("stays until its data in the store are swept, if no other unit sweeps them", () => {
    const [plugin] = startWorkers(1, { configuration: { sessions: { idleTimeout: "60s" } } });
    post(plugin, request("ping"), result(), { headers });
    plugin.configure({ instance: "other" });
    passSeconds([plugin], 30);
    expect(plugin.vm.metrics.gauge("mcp_sessions_active")).toBe(1);
    expect(liveSlots(plugin)).toBe(2);
    passSeconds([plugin], 60);
    expect(countsBy(plugin, "mcp_sessions_ended_total", "mcp_session_end")).toEqual({ idle: 1 });
    expect(plugin.vm.metrics.gauge("mcp_sessions_active")).toBe(0);
    expect(plugin.vm.metrics.histogram("mcp_session_operations").count).toBe(1);
    expect(liveSlots(plugin)).toBe(1);
  });

  test("is removed on every worker once one of them has swept the data of all", () => {
    const workers = startWorkers(2, { configuration: { sessions: { idleTimeout: "20s" } } });
    for (const worker of workers) post(worker, request("ping"), result(), { headers });
    passSeconds(workers, 2);
    for (const worker of workers) worker.configure({ instance: "other" });
    for (const worker of workers) post(worker, request("ping"));
    passSeconds(workers, 6);
    expect(liveSlots(workers[0])).toBe(4);
    passSeconds(workers, 60);
    expect(liveSlots(workers[0])).toBe(2);
    expect(countsBy(workers[0], "mcp_sessions_ended_total", "mcp_session_end")).toEqual({ idle: 1 });
  });

  test("is removed at once if its successor has the same instance and role, after its metrics are recorded", () => {
    const [plugin] = startWorkers(1);
    for (let i = 0; i < 3; i++) post(plugin, toolCall("echo", i), result({}, i), { headers });
    plugin.configure({ server: "renamed" });
    post(plugin, request("ping"));
    passSeconds([plugin], 1);
    expect(plugin.vm.metrics.counter("mcp_repeated_calls_total")).toBe(2);
    passSeconds([plugin], 4);
    expect(liveSlots(plugin)).toBe(1);
    passSeconds([plugin], 2000);
    expect(plugin.vm.metrics.histogram("mcp_session_operations").values).toContain(3);
  });

  test("keeps its gauges correct if its successor distinguishes fewer servers", () => {
    const [plugin] = startWorkers(1);
    const streams = ["a", "b", "c"].map((cluster) => openStream(plugin, cluster));
    passSeconds([plugin], 6);
    plugin.configure({ labels: { maxServers: 1 } });
    post(plugin, request("ping"));
    passSeconds([plugin], 6);
    expect(countsBy(plugin, "mcp_streams_active", "mcp_server")).toMatchObject({ a: 1, b: 1, c: 1 });
    for (const stream of streams) stream.reset("client");
    passSeconds([plugin], 12);
    expect(countsBy(plugin, "mcp_streams_active", "mcp_server")).toMatchObject({ a: 0, b: 0, c: 0 });
  });
});

test("a request that is held during a reconfiguration is decided by the policy with which it started", () => {
  const [plugin] = startWorkers(1, { configuration: guarded(NO_RM) });
  const body = Buffer.from(toolCall("rm"));
  const stream = plugin.stream();
  stream.requestHeaders(requestHead({ headers: MCP_HEADERS }));
  stream.requestBody(body.subarray(0, 40));
  for (let i = 0; i < 40; i++) {
    plugin.configure(guarded({ ...NO_RM, maxBodyBytes: `${i + 1}KiB` }));
    passSeconds([plugin], 1);
  }
  stream.requestBody(body.subarray(40), true);
  expect(replyOf(stream)).toEqual(deniedBy("no-rm"));
});
