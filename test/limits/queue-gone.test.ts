/**
 * A thousand requests that wait for a server which becomes unavailable: each is released and answered, and the worker
 * survives.
 */
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Envoy, startEnvoy } from "../../scripts/envoy/process.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import * as mcp from "../envoy/mcp-messages.ts";
import { edited } from "../envoy/sessions/bootstrap.ts";
import { until } from "../envoy/sessions/until.ts";
import { type Connection, connectPipelining, connectStreams } from "./connections.ts";
import { type Holding, holdingAs } from "./limited.ts";
import { callHeaders } from "./queued-load.ts";
import { expectFreePermits, expectNoTrap, queueFigures } from "./queued.ts";
import { WAIT, workCall, WorkServer } from "./work-server.ts";

const LIMIT = 4;
const WAITING = 1000;
const STREAMS_EACH = 100;
/** More requests than Envoy can answer nested, on the stack of one callback. */
const MANY = 500;

const WAIT_MANY = `${WAIT}_many`;
const queue = { maxWait: "30s", maxLength: WAITING };
const tools = (...names: string[]) => [{ operation: { tools: names } }];

const pluginConfig = (holding: Holding) =>
  JSON.stringify({
    match: { paths: ["/mcp"] },
    hold: { headers: holding === "held", maxStreams: 10_000 },
    limits: {
      rules: [
        { name: "calls", to: tools(WAIT, "work"), key: [], concurrency: LIMIT, queue },
        { name: "many", to: tools(WAIT_MANY, "many"), key: [], concurrency: MANY, queue },
      ],
    },
  });

/** Answers the proxy's health checks in place of the server. */
class Health {
  #server = createServer((socket) => socket.on("error", () => {}).resume());
  port = 0;

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(this.port, "127.0.0.1", resolve));
    this.port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  close(): Promise<void> {
    return new Promise((resolve) => void this.#server.close(() => resolve()));
  }
}

interface Cluster {
  health_checks?: object[];
  common_lb_config?: object;
  circuit_breakers: { thresholds: object[] };
  load_assignment: { endpoints: [{ lb_endpoints: [{ endpoint: { health_check_config?: object } }] }] };
}

/** Without a healthy host, Envoy answers at once. */
function checkHealth(cluster: Cluster, port: number): void {
  const often = { interval: "0.1s", no_traffic_interval: "0.1s", unhealthy_interval: "0.1s" };
  cluster.health_checks = [
    { timeout: "1s", ...often, unhealthy_threshold: 1, healthy_threshold: 1, tcp_health_check: {} },
  ];
  cluster.common_lb_config = { healthy_panic_threshold: { value: 0 } };
  cluster.load_assignment.endpoints[0].lb_endpoints[0].endpoint.health_check_config = { port_value: port };
}

const HOLDINGS: Holding[] = ["held", "buffered"];

describe.each(HOLDINGS)("%s", (holding) => {
  const keep = endsAfterAll();
  const health = new Health();
  const open: Connection[] = [];
  let server: WorkServer;
  let envoy: Envoy;
  let url: string;

  beforeAll(async () => {
    server = keep(await WorkServer.start(() => 0));
    await health.listen();
    keep({ close: () => health.close() });
    const checked = edited(({ static_resources: { clusters } }) => {
      checkHealth(clusters[0] as unknown as Cluster, health.port);
    });
    const vary = (config: string) => checked(holdingAs(holding)(config));
    // One worker, whose stack must not overflow.
    envoy = keep(await startEnvoy({ upstream: server, concurrency: 1, pluginConfig: pluginConfig(holding), vary }));
    url = `${envoy.proxyUrl}/mcp`;
  });

  afterAll(() => {
    for (const connection of open) connection.close();
    expectNoTrap(envoy.log());
  });

  const connectAs = (connect: typeof connectStreams) => {
    const connection = connect(url);
    open.push(connection);
    return connection;
  };

  /** Whether the worker has a host for a request that no rule limits. */
  const isHealthy = async () => {
    const connection = connectAs(connectStreams);
    return (await connection.post(mcp.LEGACY, mcp.request(1, "ping")).ended) === "answered";
  };
  const isUnhealthy = async () => !(await isHealthy());

  /** Uses up the permits of a rule, and makes a thousand other requests wait, half of them over HTTP/2. Resolves
   *  once they do. */
  const fill = async (round: string, rule = "calls", limit = LIMIT, blockingTool = WAIT, tool = "work") => {
    await until(isHealthy, "the server is healthy");
    server.forget();
    const { queued } = await queueFigures(envoy, rule);
    const blockers = connectAs(connectStreams);
    const blocking = Array.from({ length: limit }, (_, index) => {
      const call = `${round}-blocking-${index}`;
      return blockers.post(callHeaders(call), workCall(call, blockingTool)).ended;
    });
    await until(() => server.waiting === limit, "all permits are in use");
    let shared = blockers;
    const waiting = Array.from({ length: WAITING }, (_, index) => {
      if (index % (2 * STREAMS_EACH) === 0) shared = connectAs(connectStreams);
      const call = `${round}-waiting-${index}`;
      const connection = index % 2 ? connectAs(connectPipelining) : shared;
      return connection.post(callHeaders(call), workCall(call, tool)).ended;
    });
    await until(async () => (await queueFigures(envoy, rule)).queued - queued === WAITING, "all others wait");
    return { blockers, blocking, waiting };
  };

  it("that closes its connections and its port", async () => {
    const { blocking, waiting } = await fill("closed");
    await server.close();
    expect(new Set(await Promise.all([...blocking, ...waiting]))).toEqual(new Set(["failed"]));
    expect(server.executed.size).toBe(LIMIT);
    await server.restart();
    await expectFreePermits(server, envoy, url, LIMIT);
  });

  it("that Envoy counts as unhealthy, and does not ask any more", async () => {
    const { blocking, waiting } = await fill("unhealthy");
    await health.close();
    await until(isUnhealthy, "the server is unhealthy");
    server.release();
    expect(new Set(await Promise.all(blocking))).toEqual(new Set(["answered"]));
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(["failed"]));
    expect(server.executed.size).toBe(LIMIT);
    await health.listen();
    await until(isHealthy, "the server is healthy");
    await expectFreePermits(server, envoy, url, LIMIT);
  });

  it("that Envoy counts as unhealthy, while many are let on at one time", async () => {
    const { blockers, blocking, waiting } = await fill("many", "many", MANY, WAIT_MANY, "many");
    await health.close();
    await until(isUnhealthy, "the server is unhealthy");
    blockers.close();
    expect(new Set(await Promise.all(blocking))).toEqual(new Set(["lost"]));
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(["failed"]));
    expect(server.executed.size).toBe(MANY);
    await health.listen();
    await until(isHealthy, "the server is healthy");
    await expectFreePermits(server, envoy, url, LIMIT);
  });

  it("and clients that go away with it", async () => {
    const { blocking, waiting } = await fill("clients");
    for (const connection of open.splice(0)) connection.close();
    await server.close();
    expect(new Set(await Promise.all([...blocking, ...waiting]))).toEqual(new Set(["lost"]));
    expect(server.executed.size).toBe(LIMIT);
    await server.restart();
    await expectFreePermits(server, envoy, url, LIMIT);
  });
});
