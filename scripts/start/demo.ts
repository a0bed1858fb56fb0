/** Demo servers and agents, for users without MCP traffic of their own. */
import { CLIENT_KINDS } from "../demo/client.ts";
import {
  type AgentOptions,
  BURSTING_PLAN,
  EVERYTHING_PLAN,
  FIXTURE_PLAN,
  LOOPING_PLAN,
  runAgent,
} from "../demo/agents.ts";
import { startEverythingServer } from "../demo/servers/everything.ts";
import { startFixtureServer } from "../demo/servers/fixture-server.ts";
import type { Cleanup } from "./cleanup.ts";
import type { Target } from "./target.ts";

/** The demo's plugin configuration. It limits an agent that repeats the same call, across sessions, and allows four concurrent
 *  calls of the search tool. With a queue, further calls wait, in turn by agent. With traces, implicit sessions end soon after
 *  their agent stops. */
export function demoConfig(hasQueue: boolean, hasTraces: boolean): Record<string, unknown> {
  return {
    match: { paths: ["/mcp", "/mcp-json"] },
    labels: { caller: "client" },
    limits: { rules: rules(hasQueue) },
    ...(hasTraces && { sessions: { idleTimeout: IDLE } }),
  };
}

function rules(hasQueue: boolean): object[] {
  return [
    { name: "loops", key: ["address"], repeats: { amount: 30, per: "1m" }, denial: { form: "result" } },
    {
      name: "searches",
      to: [{ operation: { tools: ["search_docs"] } }],
      key: [],
      concurrency: 4,
      ...(hasQueue && { queue: { maxWait: "10s" } }),
    },
  ];
}

/** The idle timeout of sessions: longer than agents pause, and shorter than agents without sessions rest. */
const IDLE = "3s";
const REST_MS = 20_000;
/** The agent that repeats one call in a loop. */
const LOOPING = "agent-loop";
const LOOP_PAUSE_MS = 50;
/** The agent that makes many calls at once. */
const BURSTING = "agent-burst";
const BURST_PAUSE_MS = 3000;

/** Starts the demo's servers on free ports of the loopback interface. */
export async function startDemoServers(cleanup: Cleanup): Promise<Target[]> {
  const shop = await startFixtureServer();
  cleanup.add(shop, () => shop.close());
  const everything = await startEverythingServer();
  cleanup.add(everything, () => everything.close());
  return [
    { name: "shop", upstream: shop, path: "/mcp" },
    { name: "everything", upstream: everything, path: "/mcp" },
  ];
}

/** Starts agents that use the demo's servers through these proxies (base URLs, in the servers' order): one per SDK and era, one
 *  that loops and one that bursts. With traces, agents without sessions rest between two visits, so that each visit is a trace.
 *  Agents stop when `signal` aborts. */
export function startAgents([shop, everything]: string[], hasTraces: boolean, signal: AbortSignal): void {
  const agents: AgentOptions[] = CLIENT_KINDS.map((kind) => ({
    kind,
    url: `${shop}/mcp`,
    name: `agent-${kind}`,
    plan: FIXTURE_PLAN,
    ...(hasTraces && kind === "sdk2-modern" && { restMs: REST_MS }),
  }));
  agents.push({ kind: "sdk1", url: `${shop}/mcp-json`, name: "agent-json", plan: FIXTURE_PLAN });
  agents.push({ kind: "sdk1", url: `${shop}/mcp`, name: LOOPING, plan: LOOPING_PLAN, pauseMs: LOOP_PAUSE_MS });
  agents.push({ kind: "sdk1", url: `${shop}/mcp`, name: BURSTING, plan: BURSTING_PLAN, pauseMs: BURST_PAUSE_MS });
  for (const kind of ["sdk1", "sdk2-legacy"] as const) {
    agents.push({ kind, url: `${everything}/mcp`, name: `agent-${kind}`, plan: EVERYTHING_PLAN });
  }
  for (const [index, agent] of agents.entries()) void runAgent({ ...agent, address: `10.0.0.${index + 1}` }, signal);
}
