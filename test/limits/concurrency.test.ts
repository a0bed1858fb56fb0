/**
 * Concurrent calls as counted by the server: never more than a rule allows, whatever happens to the calls and to the
 * proxy; and no permit is lost.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { Random } from "../../scripts/fuzz/random.ts";
import { effort } from "../effort.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import * as mcp from "../envoy/mcp-messages.ts";
import { exchange } from "../envoy/raw-http.ts";
import { type Discovery, type DiscoveringEnvoy, startDiscovering } from "../envoy/sessions/discovery.ts";
import { until } from "../envoy/sessions/until.ts";
import { modulePath } from "../modules.ts";
import { FRESH_SEED } from "../seeds.ts";
import { CallServer } from "./call-server.ts";
import { type Holding, holdingAs } from "./limited.ts";
import { admittedCalls, expectPermits, openCall, type OpenCall, openHttp2Call } from "./open-calls.ts";

const TRAPPING = modulePath("test/envoy/modules/trapping.ts");
const LIMIT = 8;
const RELOADS = effort(3, 8);
/** Longer than the tick that settles a configuration. */
const IN_FORCE_MS = 1200;
const LOADED_MS = effort(3000, 10_000);
const LEAVE_WITHIN_MS = 20;
/** Longer than Envoy's back-off after a VM has trapped, and shorter than two sweeps. */
const BACK_OFF_MS = 2000;
const CLIENTS = 3 * LIMIT;
/** The name under which the server counts the calls. */
const CLIENT = "client";

const random = new Random(FRESH_SEED);

/** @param version makes each configuration differ from the others */
const configuration = (holding: Holding, version: number) => ({
  match: { paths: ["/mcp"] },
  sessions: { max: 1000 + version },
  hold: { headers: holding === "held", maxStreams: 100_000 },
  limits: { rules: [{ name: "calls", key: [], concurrency: LIMIT }] },
});

/** Each update by LDS leaves a listener that drains. */
const HOLDINGS: [Holding, Discovery][] = [
  ["held", "LDS"],
  ["buffered", "ECDS"],
];

describe.each(effort([4], [1, 2, 4, 8]))("%i workers", (concurrency) => {
  describe.each(HOLDINGS)("%s, configured by %s", (holding, discovery) => {
    const keep = endsAfterAll();
    let server: CallServer;
    let envoy: DiscoveringEnvoy;
    let url: string;

    beforeAll(async () => {
      server = keep(await CallServer.start());
      const options = { upstream: server, concurrency, wasmPath: TRAPPING, vary: holdingAs(holding) };
      envoy = keep(await startDiscovering(discovery, configuration(holding, 0), options));
      url = `${envoy.proxyUrl}/mcp`;
    });

    it("under load, through new configurations", async () => {
      const load = new RestlessLoad(url, () => {});
      for (let reload = 1; reload <= RELOADS; reload++) {
        await sleep(IN_FORCE_MS);
        await envoy.push(configuration(holding, reload));
      }
      await sleep(IN_FORCE_MS);
      const { failed, answered, limited } = await load.stop();
      expect(failed).toBe(0);
      expect(answered).toBe(server.of(CLIENT).total);
      expect(limited).toBeGreaterThan(0);
      expect(server.of(CLIENT).peak).toBe(LIMIT);
      await expectPermits(server, url, CLIENT, LIMIT);
    });

    const leave = (call: OpenCall) => {
      server.abandon(String(call.id));
      call.leave();
    };

    it("with clients that leave in the middle of a call", async () => {
      server.forget();
      const load = new RestlessLoad(url, (call) => {
        if (random.oneIn(2)) setTimeout(() => leave(call), random.below(LEAVE_WITHIN_MS));
      });
      await sleep(LOADED_MS);
      const { answered } = await load.stop();
      expect(answered).toBeGreaterThan(LIMIT);
      expect(server.of(CLIENT).closed).toBeGreaterThan(LIMIT);
      expect(server.of(CLIENT).peak).toBe(LIMIT);
      await expectPermits(server, url, CLIENT, LIMIT);
    });

    it("of which some are cancelled", async () => {
      server.forget();
      const headers = { "mcp-session-id": "session-of-cancellations" };
      const calls = await admittedCalls(server, url, CLIENT, LIMIT, headers);
      expect(calls).toHaveLength(LIMIT);
      const cancelled = calls.slice(0, 3);
      for (const { id } of cancelled) {
        const body = mcp.notification("notifications/cancelled", { requestId: id });
        await exchange(url, { headers: { ...mcp.LEGACY, ...headers }, body: [body] });
      }
      // The server continues cancelled calls, but they do not count any more.
      let more = 0;
      const fill = async () => (more += (await admittedCalls(server, url, CLIENT, 4)).length) >= cancelled.length;
      await until(fill, "calls in the place of those that were cancelled");
      expect(more).toBe(cancelled.length);
      expect(server.of(CLIENT).underWay).toBe(LIMIT + cancelled.length);
      server.release();
      await expectPermits(server, url, CLIENT, LIMIT);
    });

    const trap = async () => {
      const headers = { ...mcp.LEGACY, "x-test-trap": "1" };
      return (await exchange(url, { headers, body: [mcp.toolCall(1, "echo")] })).status;
    };

    it("after a trap, whose permits come back", async () => {
      server.forget();
      const calls = await admittedCalls(server, url, CLIENT, LIMIT);
      expect(calls).toHaveLength(LIMIT);
      for (let i = 0; i < concurrency; i++) expect(await trap()).toBe(503);
      await sleep(BACK_OFF_MS);
      server.release();
      const ends = await Promise.all(calls.map(({ ended }) => ended));
      // Calls of trapped workers are cut off, and their permits are still in use.
      const lost = ends.filter((end) => end === "failed").length;
      expect(lost).toBeGreaterThan(0);
      const open = await admittedCalls(server, url, CLIENT, LIMIT + 4);
      expect(open).toHaveLength(LIMIT - lost);
      const fill = async () => {
        await sleep(500);
        open.push(...(await admittedCalls(server, url, CLIENT, LIMIT)));
        return open.length >= LIMIT;
      };
      await until(fill, "the permits of workers that trapped");
      expect(open).toHaveLength(LIMIT);
      expect(server.of(CLIENT).peak).toBe(LIMIT);
      server.release();
      await expectPermits(server, url, CLIENT, LIMIT);
      expect(envoy.log()).toContain("unreachable");

      // Short calls do not outlast the permits that they have lost.
      const load = new RestlessLoad(url, () => {});
      await sleep(BACK_OFF_MS / 2);
      await trap();
      await sleep(BACK_OFF_MS / 2);
      expect((await load.stop()).answered).toBeGreaterThan(LIMIT);
      expect(server.of(CLIENT).peak).toBe(LIMIT);
    });
  });
});

/** Clients that call without pauses, over HTTP/1.1 and HTTP/2, each call on a new connection. */
class RestlessLoad {
  readonly #ended = { open: 0, answered: 0, limited: 0, failed: 0 };
  readonly #work: Promise<unknown>;
  #isOver = false;

  /** @param begun called with each call once it has begun */
  constructor(url: string, begun: (call: OpenCall) => void) {
    const run = async (open: typeof openCall) => {
      while (!this.#isOver) {
        const call = open(url, CLIENT, "slow");
        begun(call);
        this.#ended[await call.ended]++;
      }
    };
    this.#work = Promise.all(Array.from({ length: CLIENTS }, (_, index) => run(index % 2 ? openCall : openHttp2Call)));
  }

  /** Stops, and resolves to the number of calls by end. */
  async stop() {
    this.#isOver = true;
    await this.#work;
    return this.#ended;
  }
}
