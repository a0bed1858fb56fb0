/** Several plugins in one Envoy: what is to be apart is apart, and what is one is counted once. */
import { beforeAll, describe, it } from "vitest";
import { type Envoy, startEnvoy } from "../../../scripts/envoy/process.ts";
import { endsAfterAll } from "../cleanup.ts";
import { type Metric, readMetrics } from "../prometheus.ts";
import {
  addCluster,
  addListener,
  type Bootstrap,
  configure,
  edited,
  filtersOf,
  listenerUrls,
  routeTo,
} from "./bootstrap.ts";
import { freePort } from "./free-port.ts";
import { RawSession, shortFetch } from "./raw-session.ts";
import { SessionServer } from "./session-server.ts";

const CALLS = 8;
const WORKERS = 2;
const POLL = { timeout: 30_000, interval: 250 };

const keep = endsAfterAll();
let server: SessionServer;

beforeAll(async () => {
  server = keep(await SessionServer.start());
});

/** An Envoy and its listeners' URLs. */
async function start(change: (bootstrap: Bootstrap) => void): Promise<{ envoy: Envoy; urls: Record<string, string> }> {
  const envoy = keep(await startEnvoy({ upstream: server, concurrency: WORKERS, vary: edited(change) }));
  return { envoy, urls: await listenerUrls(envoy) };
}

function session(proxyUrl: string): RawSession {
  return new RawSession(`${proxyUrl}${server.path}`, shortFetch, "raw");
}

/** Values of a family by the values of these labels, without zeros. */
async function valuesBy(envoy: Envoy, family: string, ...labels: string[]): Promise<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const { labels: of, value } of (await readMetrics(envoy)).filter(({ name }: Metric) => name === family)) {
    const key = labels.map((label) => of[label] ?? "").join(" ");
    if (value !== 0) sums[key] = (sums[key] ?? 0) + value;
  }
  return sums;
}

describe.concurrent("two listeners of different instances", () => {
  it("are kept apart, in sessions, operations and gauges", async ({ expect }) => {
    const { envoy, urls } = await start((bootstrap) => {
      configure(filtersOf(bootstrap.static_resources.listeners[0])[0], { instance: "a", server: "alpha" });
      addListener(bootstrap, "other", { instance: "b", server: "beta" });
    });
    const alpha = await session(urls.mcp).open();
    const stream = await alpha.listen();
    for (let i = 0; i < CALLS; i++) await alpha.call("echo");
    const beta = await session(urls.other).open();
    await beta.call("echo");
    // The same session seen by another instance is another session, begun elsewhere.
    const both = session(urls.other);
    both.id = alpha.id;
    await both.call("echo");

    await expect.poll(() => valuesBy(envoy, "mcp_sessions_active", "mcp_server"), POLL).toEqual({ alpha: 1, beta: 2 });
    expect(await valuesBy(envoy, "mcp_sessions_started_total", "mcp_server")).toEqual({ alpha: 1, beta: 1 });
    expect(await valuesBy(envoy, "mcp_sessions_adopted_total", "mcp_server")).toEqual({ beta: 1 });
    // With the `initialize` of each.
    expect(await valuesBy(envoy, "mcp_operations_total", "mcp_server")).toEqual({ alpha: CALLS + 1, beta: 3 });
    await expect.poll(() => valuesBy(envoy, "mcp_streams_active", "mcp_server"), POLL).toEqual({ alpha: 1 });
    stream.leave();
    await expect.poll(() => valuesBy(envoy, "mcp_streams_active", "mcp_server"), POLL).toEqual({});
  });
});

describe.concurrent("two plugins of the same instance and role", () => {
  it("are one counting unit", async ({ expect }) => {
    const { envoy, urls } = await start((bootstrap) => {
      // Another configuration makes it another plugin.
      addListener(bootstrap, "other", { log: "error" });
    });
    const first = await session(urls.mcp).open();
    const second = session(urls.other);
    second.id = first.id;
    const streams = [await first.listen(), await second.listen()];
    for (let i = 0; i < CALLS; i++) await (i % 2 === 0 ? first : second).call("echo");

    await expect.poll(() => valuesBy(envoy, "mcp_streams_active"), POLL).toEqual({ "": 2 });
    expect(await valuesBy(envoy, "mcp_sessions_active", "mcp_server")).toEqual({ mcp_upstream: 1 });
    expect(await valuesBy(envoy, "mcp_sessions_started_total")).toEqual({ "": 1 });
    expect(await valuesBy(envoy, "mcp_sessions_adopted_total")).toEqual({});
    for (const stream of streams) stream.leave();
    expect(await second.remove()).toBe(200);
    await expect.poll(() => valuesBy(envoy, "mcp_session_operations_count"), POLL).toEqual({ "": 1 });
    // One session with all of them: the histogram's sum is of two significant digits.
    const sum = await valuesBy(envoy, "mcp_session_operations_sum");
    expect(sum[""]).toBeGreaterThanOrEqual(CALLS + 1);
    expect(sum[""]).toBeLessThan(CALLS + 2);
    expect(await valuesBy(envoy, "mcp_sessions_ended_total", "mcp_session_end")).toEqual({ deleted: 1 });
    await expect.poll(() => valuesBy(envoy, "mcp_streams_active"), POLL).toEqual({});
    expect(await valuesBy(envoy, "mcp_sessions_active")).toEqual({});
  });
});

describe.concurrent("an outbound listener in front of an inbound one", () => {
  it("each call is counted once a role", async ({ expect }) => {
    const port = await freePort();
    const { envoy, urls } = await start((bootstrap) => {
      const outbound = addListener(bootstrap, "outbound", {});
      outbound.traffic_direction = "OUTBOUND";
      routeTo(outbound, "inbound");
      addCluster(bootstrap, "inbound", port);
      const [inbound] = bootstrap.static_resources.listeners;
      inbound.traffic_direction = "INBOUND";
      inbound.address.socket_address.port_value = port;
    });
    const client = await session(urls.outbound).open();
    const stream = await client.listen();
    for (let i = 0; i < CALLS; i++) await client.call("echo");

    const roles = (each: number) => ({ "client inbound": each, "server mcp_upstream": each });
    const by = (family: string) => valuesBy(envoy, family, "mcp_role", "mcp_server");
    expect(await by("mcp_operations_total")).toEqual(roles(CALLS + 1));
    expect(await by("mcp_sessions_started_total")).toEqual(roles(1));
    expect(await by("mcp_notifications_total")).toEqual(roles(1));
    await expect.poll(() => by("mcp_streams_active"), POLL).toEqual(roles(1));
    await expect.poll(() => by("mcp_sessions_active"), POLL).toEqual(roles(1));
    stream.leave();
    expect(await client.remove()).toBe(200);
    await expect.poll(() => by("mcp_session_operations_count"), POLL).toEqual(roles(1));
    expect(await by("mcp_sessions_ended_total")).toEqual(roles(1));
    expect(await by("mcp_sessions_adopted_total")).toEqual({});
    await expect.poll(() => by("mcp_streams_active"), POLL).toEqual({});
    expect(await by("mcp_sessions_active")).toEqual({});
  });
});
