/** The timeouts of envoy.yaml's route are what keeps slow calls and quiet streams alive: without them Envoy cuts both. */
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, it } from "vitest";
import { startEnvoy } from "../../scripts/envoy/process.ts";
import { endsAfterAll } from "./cleanup.ts";
import * as mcp from "./mcp-messages.ts";
import { TOOL } from "./outcomes.ts";
import { countersOf, readMetrics, series } from "./prometheus.ts";
import { exchange } from "./raw-http.ts";
import { bodyOf, startUpstream, type Upstream } from "./upstream.ts";

/** Envoy's default for a route's `timeout`, and a call that takes longer. */
const DEFAULT_TIMEOUT_MS = 15_000;
const SLOW_MS = DEFAULT_TIMEOUT_MS + 1_500;
/** The default for streams is 5 minutes, too long for a test. */
const STREAM_IDLE_SECONDS = 2;
const QUIET_MS = 4_000;

const ANSWER = mcp.event(mcp.result(1));

/** The parts of the configuration that are changed. */
interface Bootstrap {
  static_resources: {
    listeners: [{ filter_chains: [{ filters: [{ typed_config: Manager }] }] }];
  };
}

interface Manager {
  stream_idle_timeout?: string;
  route_config: { virtual_hosts: [{ routes: [{ route: { timeout?: string; idle_timeout?: string } }] }] };
}

const keep = endsAfterAll();
let upstream: Upstream;

beforeAll(async () => {
  upstream = keep(await startUpstream());
});

function changed(change: (manager: Manager) => void): (config: string) => string {
  return (config) => {
    const bootstrap = JSON.parse(config) as Bootstrap;
    change(bootstrap.static_resources.listeners[0].filter_chains[0].filters[0].typed_config);
    return JSON.stringify(bootstrap);
  };
}

function routeOf(manager: Manager): { timeout?: string; idle_timeout?: string } {
  return manager.route_config.virtual_hosts[0].routes[0].route;
}

const withoutTimeout = changed((manager) => delete routeOf(manager).timeout);
const shortIdle = changed((manager) => {
  manager.stream_idle_timeout = `${STREAM_IDLE_SECONDS}s`;
});
const shortIdleAlone = changed((manager) => {
  manager.stream_idle_timeout = `${STREAM_IDLE_SECONDS}s`;
  delete routeOf(manager).idle_timeout;
});

type Case = [what: string, ms: number, vary: ((config: string) => string) | undefined, outcome: string];

const CASES: Case[] = [
  ["a call of more than 15 s comes to its end", SLOW_MS, undefined, "ok"],
  ["but not without the route's timeout", SLOW_MS, withoutTimeout, "upstream_error"],
  ["a stream that is quiet for longer than others may be comes to its end", QUIET_MS, shortIdle, "ok"],
  ["but not without the route's idle timeout", QUIET_MS, shortIdleAlone, "upstream_error"],
];

it.concurrent.for(CASES)("%s", async ([, ms, vary, outcome], { expect }) => {
  const envoy = keep(await startEnvoy({ upstream, vary, pluginConfig: JSON.stringify({ labels: { tools: [TOOL] } }) }));
  const path = upstream.route(async (request, response) => {
    await bodyOf(request);
    response.writeHead(200, mcp.SSE_TYPE).flushHeaders();
    await sleep(ms);
    response.end(ANSWER);
  });
  const began = performance.now();
  const answer = await exchange(`${envoy.proxyUrl}${path}`, { headers: mcp.LEGACY, body: [mcp.toolCall(1, TOOL)] });
  const tookMs = performance.now() - began;

  const isWhole = outcome === "ok";
  expect(answer).toMatchObject({ status: 200, complete: isWhole });
  expect(String(answer.body)).toBe(isWhole ? ANSWER : "");
  if (isWhole) expect(tookMs).toBeGreaterThanOrEqual(ms - 10);
  else expect(tookMs).toBeLessThan(ms);
  const called = { mcp_method_name: "tools/call", gen_ai_tool_name: TOOL, mcp_outcome: outcome };
  const ended = { mcp_stream_kind: "post", mcp_stream_end: isWhole ? "complete" : "timeout" };
  await expect
    .poll(async () => countersOf(await readMetrics(envoy)))
    .toMatchObject({ [series("mcp_operations_total", called)]: 1, [series("mcp_streams_total", ended)]: 1 });
});
