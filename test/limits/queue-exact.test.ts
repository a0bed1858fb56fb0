/** Queues lose no request and execute none twice, whatever clients do, and whenever the proxy is reconfigured. */
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Random } from "../../scripts/fuzz/random.ts";
import { effort } from "../effort.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import { type Discovery, type DiscoveringEnvoy, startDiscovering } from "../envoy/sessions/discovery.ts";
import { until } from "../envoy/sessions/until.ts";
import { modulePath } from "../modules.ts";
import { FRESH_SEED, replayCommand } from "../seeds.ts";
import { connectPipelining, connectStreams, type Connection, type Pending } from "./connections.ts";
import { type Holding, holdingAs, loggingCalls } from "./limited.ts";
import { cancel, callHeaders, QueuedLoad, type Sent } from "./queued-load.ts";
import { expectFreePermits, expectNoTrap, type LogLine, LogLines, queueFigures } from "./queued.ts";
import { WAIT, workCall, WorkServer } from "./work-server.ts";

const MODULE = fileURLToPath(new URL("../../build/mcp.wasm", import.meta.url));
/** The same code, except for a trap that no request triggers here. */
const OTHER_MODULE = modulePath("test/envoy/modules/trapping.ts");
/** The modules that run one after the other; undefined for the last one. */
const MODULES = [undefined, OTHER_MODULE, undefined, MODULE];
const LIMIT = 4;
const SERVICE_WITHIN_MS = 10;
/** The rate of each address. */
const RATE = { amount: 150, per: "1s", burst: 20 };
const MAX_WAIT_MS = 10_000;
const SHORT_WAIT_MS = 500;
/** Milliseconds that a request may take in addition to its wait on a busy machine. */
const SLACK_MS = 10_000;
const CALLS = effort(2500, 50_000);
const RELOADS = effort(4, 40);
/** Number of calls of each kind: those that leave, those that are cancelled, and those that stay. */
const WAITING = 30;

const random = new Random(FRESH_SEED);
const queue = { maxWait: `${MAX_WAIT_MS}ms`, maxLength: 10_000 };
const CONCURRENCY = { name: "calls", key: [], concurrency: LIMIT, queue };
const RATE_RULE = {
  name: "rate",
  key: ["address"],
  requests: RATE,
  queue: { maxWait: `${SHORT_WAIT_MS}ms`, maxLength: 1000 },
};

let versions = 0;

/** Each configuration differs from the others. */
const configuration = (holding: Holding, ...rules: object[]) => ({
  match: { paths: ["/mcp"] },
  logFields: true,
  sessions: { max: 1000 + versions++ },
  hold: { headers: holding === "held", maxStreams: 100_000 },
  limits: { rules },
});

const HOLDINGS: [Holding, Discovery][] = [
  ["held", "LDS"],
  ["buffered", "ECDS"],
];

describe.each(effort([4], [1, 4]))("%i workers", (workers) => {
  describe.each(HOLDINGS)("%s, configured by %s", (holding, discovery) => {
    const keep = endsAfterAll();
    const log = new LogLines();
    let server: WorkServer;
    let envoy: DiscoveringEnvoy;
    let url: string;

    beforeAll(async () => {
      server = keep(await WorkServer.start(() => Math.random() * SERVICE_WITHIN_MS));
      const vary = (config: string) => holdingAs(holding)(loggingCalls(config));
      const options = { upstream: server, concurrency: workers, vary, onLine: log.read };
      envoy = keep(await startDiscovering(discovery, configuration(holding, RATE_RULE, CONCURRENCY), options));
      url = `${envoy.proxyUrl}/mcp`;
    });

    afterAll(() => expectNoTrap(envoy.log()));

    it(`${CALLS} calls and ${RELOADS} configurations`, { timeout: 900_000 }, async () => {
      const load = new QueuedLoad(url, CALLS, random);
      const running = load.run();
      for (let reload = 1; reload <= RELOADS; reload++) {
        const part = reload / (RELOADS + 1);
        await until(() => load.progress >= part, `${part} of the calls`, 600_000);
        await envoy.push(configuration(holding, RATE_RULE, CONCURRENCY), MODULES[reload % MODULES.length]);
      }
      await running;
      const { sent } = load;
      const isLogged = ({ call, end }: Sent) => end === "lost" || log.of(call) !== undefined;
      await until(() => sent.every(isLogged), "the log is written");
      await until(() => server.requests.now === 0, "the server is at rest");

      const faults = sent.flatMap((one) => {
        const [times, line] = [server.timesOf(one.call), log.of(one.call)];
        const fault = faultOf(one, times, line);
        return fault === undefined ? [] : [JSON.stringify({ fault, ...one, times, line })];
      });
      expect(faults, replayCommand()).toEqual([]);
      const executed = sent.filter(({ call }) => server.timesOf(call) > 0).length;
      expect(executed).toBe(server.executed.size);
      const figures = await queueFigures(envoy, "calls");
      const counts = (["answered", "limited", "failed", "lost"] as const).map(
        (what) => `${sent.filter(({ end }) => end === what).length} ${what}`,
      );
      console.log(`${workers} workers, ${holding}: ${counts.join(", ")}; ${log.waited} waited, ${executed} executed`);
      expect(log.waited).toBeGreaterThan(CALLS / 10);
      // The counters of a module disappear with its last listener.
      if (discovery === "LDS") {
        const isUncertain = (one: Sent) => (one.hasLeft || one.isCancelled) && server.timesOf(one.call) === 0;
        expect(figures.admitted).toBeGreaterThanOrEqual(executed);
        expect(figures.admitted - executed).toBeLessThanOrEqual(sent.filter(isUncertain).length);
      }
      await expectFreePermits(server, envoy, url, LIMIT);
    });

    it("requests that are abandoned or cancelled while they wait never reach the server", async () => {
      await envoy.push(configuration(holding, CONCURRENCY));
      await expectFreePermits(server, envoy, url, LIMIT);
      server.forget();
      const session = `session of ${holding} ${workers}`;
      const before = await queueFigures(envoy, "calls");
      const open: Connection[] = [];
      const keepOpen = (connection: Connection) => (open.push(connection), connection);
      const blocking = Array.from({ length: LIMIT }, (_, index) => {
        const call = `blocking-${index}`;
        return keepOpen(connectPipelining(url)).post(callHeaders(call), workCall(call, WAIT));
      });
      await until(() => server.waiting === LIMIT, "all permits are in use");

      const shared = Array.from({ length: 3 }, () => keepOpen(connectStreams(url)));
      const waiting = Array.from({ length: 3 * WAITING }, (_, index) => {
        const call = `waiting-${index}`;
        const connection = index % 2 ? shared[index % shared.length] : keepOpen(connectPipelining(url));
        return { call, pending: connection.post(callHeaders(call, session), workCall(call)) };
      });
      const figures = () => queueFigures(envoy, "calls");
      await until(async () => (await figures()).queued - before.queued === waiting.length, "all others wait");
      const [left, cancelled, staying] = [0, 1, 2].map((kind) => waiting.slice(kind * WAITING, (kind + 1) * WAITING));
      for (const { pending } of left) pending.leave();
      for (const { call } of cancelled) await cancel(url, call, session);
      const isOver = ({ call }: { call: string }) => log.of(call) !== undefined;
      // A request that another worker cancels is found cancelled when its turn comes.
      await until(() => left.every(isOver), "what was left waits no longer");
      server.release();
      const ends = async (calls: { pending: Pending }[]) => Promise.all(calls.map(({ pending }) => pending.ended));
      expect(await ends(staying)).toEqual(Array(WAITING).fill("answered"));
      expect(await Promise.all(blocking.map(({ ended }) => ended))).toEqual(Array(LIMIT).fill("answered"));
      // Their clients are notified in some way.
      await ends(cancelled);
      await until(async () => (await figures()).length === 0, "nothing waits");
      const expected = [...staying.map(({ call }) => call), ...blocking.map((_, index) => `blocking-${index}`)];
      expect([...server.executed.keys()].sort()).toEqual(expected.sort());
      expect((await figures()).admitted - before.admitted).toBe(expected.length);
      for (const connection of open) connection.close();
      await expectFreePermits(server, envoy, url, LIMIT);
    });

    it("requests that wait too long are limited, and never reach the server", async () => {
      const rule = { ...CONCURRENCY, queue: { ...queue, maxWait: `${SHORT_WAIT_MS}ms` } };
      await envoy.push(configuration(holding, rule));
      server.forget();
      const blockers = connectStreams(url);
      const blocking = Array.from({ length: LIMIT }, (_, index) => {
        const call = `long-${index}`;
        return blockers.post(callHeaders(call), workCall(call, WAIT)).ended;
      });
      await until(() => server.waiting === LIMIT, "all permits are in use");
      const connections = [connectStreams(url), connectStreams(url), connectPipelining(url)];
      const sentAt = performance.now();
      const ends = connections.map((connection, index) => {
        const call = `short-${index}`;
        return connection.post(callHeaders(call), workCall(call)).ended;
      });
      expect(await Promise.all(ends)).toEqual(Array(connections.length).fill("limited"));
      expect(performance.now() - sentAt).toBeGreaterThanOrEqual(SHORT_WAIT_MS - 10);
      server.release();
      expect(await Promise.all(blocking)).toEqual(Array(LIMIT).fill("answered"));
      expect(server.executed.size).toBe(LIMIT);
      for (const connection of [blockers, ...connections]) connection.close();
      await expectFreePermits(server, envoy, url, LIMIT);
    });
  });
});

/**
 * What is wrong with a call that the server executed `times` times; undefined for nothing.
 * @param line its access-log line; undefined if there is none
 */
function faultOf({ end, hasLeft, isCancelled, elapsedMs, position }: Sent, times: number, line?: LogLine) {
  if (times > 1) return "executed more than once";
  if (end === "answered" && times === 0) return "answered, but not executed";
  if ((end === "limited" || line?.mcp_outcome === "limited") && times > 0) return "limited, but executed";
  if (end === "limited" && line?.mcp_outcome !== "limited") return "limited, but not in the log";
  if (end === "failed" && !isCancelled) return "failed";
  // A proxy that closes a connection may lose requests that it has not begun.
  if (end === "lost" && !hasLeft && !isCancelled && times > 0) return "lost, but executed";
  if (elapsedMs > position * MAX_WAIT_MS + SLACK_MS) return "waits too long";
  return undefined;
}
