/** New configurations under load, good and bad, by LDS and by ECDS. */
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import type { Envoy } from "../../../scripts/envoy/process.ts";
import { effort } from "../../effort.ts";
import { endsAfterAll } from "../cleanup.ts";
import { readMetrics } from "../prometheus.ts";
import { type Discovery, startDiscovering } from "./discovery.ts";
import { RawSession, shortFetch } from "./raw-session.ts";
import { SessionServer } from "./session-server.ts";
import { SteadyLoad } from "./steady-load.ts";

const RELOADS = effort(8, 20);
const SESSIONS = 6;
const STREAMS = 4;
const WORKERS = 2;
const POLL = { timeout: 30_000, interval: 250 };
/** Under load, how long each configuration is in force: longer than the tick that settles it. */
const IN_FORCE_MS = 1500;

/** A wrong type makes it bad; its `server` must never be seen. */
const bad = (number: number) => ({ server: "bad", sessions: { max: "many" }, labels: { maxTools: number } });
/** `max` makes each differ from the others. */
const good = (server: string, max = 1000) => ({ server, sessions: { max } });

const keep = endsAfterAll();
let server: SessionServer;

beforeAll(async () => {
  server = keep(await SessionServer.start());
});

/** Values of a family by server, without zeros. */
async function byServer(envoy: Envoy, family: string): Promise<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const { name, labels, value } of await readMetrics(envoy)) {
    if (name === family && value !== 0) sums[labels.mcp_server ?? ""] = (sums[labels.mcp_server ?? ""] ?? 0) + value;
  }
  return sums;
}

function isInvalid(envoy: Envoy): Promise<number | undefined> {
  return readMetrics(envoy).then((all) => all.find(({ name }) => name === "mcp_configuration_invalid")?.value);
}

describe.each<Discovery>(["LDS", "ECDS"])("%s", (discovery) => {
  const keep = endsAfterAll();
  const start = async (config: object) =>
    keep(await startDiscovering(discovery, config, { upstream: server, concurrency: WORKERS }));
  const client = (envoy: Envoy) => new RawSession(`${envoy.proxyUrl}${server.path}`, shortFetch, "raw");

  it(`${RELOADS} reloads under load, one in four bad`, { timeout: 300_000 }, async () => {
    const envoy = await start(good("live", 100));
    const load = keep(await SteadyLoad.begin(`${envoy.proxyUrl}${server.path}`, SESSIONS));
    const streams = await Promise.all(
      Array.from({ length: STREAMS }, (_, index) => load.sessions[index % SESSIONS].listen()),
    );
    for (let reload = 1; reload <= RELOADS; reload++) {
      const isBad = reload % 4 === 2;
      await envoy.push(isBad ? bad(reload) : good("live", 100 + reload));
      await expect.poll(() => isInvalid(envoy), POLL).toBe(isBad ? 1 : 0);
      await sleep(IN_FORCE_MS);
    }
    await load.close();
    expect(load.failures).toEqual([]);

    server.notifyAll();
    await expect
      .poll(() => streams.map(({ received }) => received().includes("list_changed")), POLL)
      .not.toContain(false);
    expect(streams.map(({ hasEnded }) => hasEnded())).not.toContain(true);
    expect(await byServer(envoy, "mcp_operations_total")).toEqual({ live: load.answered + SESSIONS });
    await expect.poll(() => byServer(envoy, "mcp_streams_active"), POLL).toEqual({ live: STREAMS });
    await expect.poll(() => byServer(envoy, "mcp_operations_in_flight"), POLL).toEqual({});
    expect(await byServer(envoy, "mcp_sessions_active")).toEqual({ live: SESSIONS });

    for (const stream of streams) stream.leave();
    for (const session of load.sessions) expect(await session.remove()).toBe(200);
    await expect.poll(() => byServer(envoy, "mcp_session_operations_count"), POLL).toEqual({ live: SESSIONS });
    expect(await byServer(envoy, "mcp_sessions_started_total")).toEqual({ live: SESSIONS });
    expect(await byServer(envoy, "mcp_sessions_adopted_total")).toEqual({});
    expect(await byServer(envoy, "mcp_sessions_ended_total")).toEqual({ live: SESSIONS });
    // The histogram's sum is of two significant digits.
    const { live } = await byServer(envoy, "mcp_session_operations_sum");
    expect(Math.abs(live / (load.answered + SESSIONS) - 1)).toBeLessThan(0.05);
    await expect.poll(() => byServer(envoy, "mcp_streams_active"), POLL).toEqual({});
    expect(await byServer(envoy, "mcp_sessions_active")).toEqual({});
  });

  // With LDS, a configuration that comes back within the listener's drain time gets its old root context, and Envoy
  // calls nothing of the filter: it puts things right at the tick after its first streams.
  const CASES: {
    name: string;
    pushed: object[];
    invalid: number;
    countedAs: string | undefined;
  }[] = [
    { name: "good", pushed: [good("one")], invalid: 0, countedAs: "one" },
    { name: "bad cold: traffic passes, uncounted", pushed: [bad(1)], invalid: 1, countedAs: undefined },
    { name: "good, bad", pushed: [good("one"), bad(1)], invalid: 1, countedAs: "one" },
    { name: "bad, good", pushed: [bad(1), good("one")], invalid: 0, countedAs: "one" },
    { name: "good, bad, another good", pushed: [good("one"), bad(1), good("two")], invalid: 0, countedAs: "two" },
    {
      name: "good, bad, the same good",
      pushed: [good("one"), bad(1), good("one")],
      invalid: 0,
      countedAs: "one",
    },
    {
      name: "good, bad, another good, the same bad",
      pushed: [good("one"), bad(1), good("two"), bad(1)],
      invalid: 1,
      countedAs: "two",
    },
  ];

  // Each has an Envoy of its own and mostly waits.
  it.concurrent.for(CASES)("$name", { timeout: 120_000 }, async ({ pushed, invalid, countedAs }, { expect }) => {
    const [first, ...rest] = pushed;
    const envoy = await start(first);
    const session = client(envoy);
    for (const [index, config] of [first, ...rest].entries()) {
      if (index > 0) await envoy.push(config);
      // Each is met by traffic, and is in force for longer than the tick that settles it.
      await session.open();
      await sleep(IN_FORCE_MS);
    }
    const before = await byServer(envoy, "mcp_operations_total");
    await expect.poll(() => isInvalid(envoy), POLL).toBe(invalid);
    expect(await session.call("echo")).toBe(200);
    const after = await byServer(envoy, "mcp_operations_total");
    const counted = countedAs === undefined ? {} : { [countedAs]: (before[countedAs] ?? 0) + 1 };
    expect(after).toEqual({ ...before, ...counted });
    await envoy.stop();
  });
});
