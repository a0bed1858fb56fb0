/** Traffic of which each panel of the dashboards has something to show, through proxies that Prometheus scrapes. */
import { type Envoy, startEnvoy } from "../../scripts/envoy/process.ts";
import type { endsAfterAll } from "../envoy/cleanup.ts";
import * as mcp from "../envoy/mcp-messages.ts";
import { flushed } from "../envoy/prometheus.ts";
import { bodyOf, startUpstream, type Upstream } from "../envoy/upstream.ts";
import { withTagsOfKuma } from "../prometheus/kuma-tags.ts";
import {
  failingSteps,
  listSteps,
  METERED,
  QUEUED,
  send,
  sessionsOf,
  type Steps,
  stepsOf,
  strangersSteps,
} from "../prometheus/load.ts";
import { type Prometheus, startPrometheus } from "../prometheus/prometheus.ts";

/** Tools that the server lists and everybody may call. */
const TOOLS = ["charge_card", "echo", "get_weather", "read_log", "search_docs"];
/** A tool that the policy denies. */
const DENIED = "refund_order";
const SERVER = "shop.eu-west";
const CROWDED = "crowded";
export const NAMESPACE = "agents";
/** Clients that call {@link DENIED} and the other tools. */
const AGENTS = ["planner", "support-agent", "writer"];
/** Failing calls of a wave. */
const FAILURES = 4;
/** Names of clients that are more than one address may have keys. */
const STRANGERS = 40;

const TRACE = { cluster: "mcp_upstream", sample: { ratio: 1 } };

/** Denials in both modes, limits, a queue, callers, and spans that the server rejects. */
const SHOP_CONFIG = {
  server: SERVER,
  labels: { caller: "client", tools: [...TOOLS, METERED, QUEUED] },
  match: { paths: ["/*"] },
  access: {
    defaultAction: "ALLOW",
    rules: [
      { name: "no-refunds", action: "DENY", to: [{ operation: { tools: [DENIED] } }] },
      { name: "no-logs", action: "DENY", mode: "shadow", to: [{ operation: { tools: ["read_log"] } }] },
    ],
  },
  limits: {
    rules: [
      {
        name: "metered",
        to: [{ operation: { tools: [METERED] } }],
        key: [],
        requests: { amount: 5, per: "720h" },
      },
      {
        name: "one-at-a-time",
        to: [{ operation: { tools: [QUEUED] } }],
        key: [],
        concurrency: 1,
        queue: { maxWait: "30s" },
      },
    ],
  },
  trace: TRACE,
};

/** Room for one session, and for few keys of a limit. Its tools have no pins. */
const CROWDED_CONFIG = {
  server: CROWDED,
  sessions: { max: 1 },
  match: { paths: ["/*"] },
  access: { defaultAction: "ALLOW", rules: [], pins: [{ mode: "observe", tools: { search: "0".repeat(64) } }] },
  limits: {
    rules: [{ name: "clients", key: ["address", "client"], requests: { amount: 1000, per: "1m" } }],
    maxKeys: 64,
  },
};

/** A Prometheus that scrapes these proxies, and the servers' names in it. */
export interface Scraped {
  prometheus: Prometheus;
  servers: string[];
}

/** The results of {@link runTraffic}. */
export interface Traffic {
  /** Proxies with the tags of envoy.yaml, in a namespace. */
  byTags: Scraped;
  /** Proxies without them, whose names the relabel rules take apart; without a namespace. */
  byRules?: Scraped;
  /** When the traffic began, in seconds since 1970. */
  start: number;
}

/** Starts everything and sends so many waves of traffic. */
export async function runTraffic(
  keep: ReturnType<typeof endsAfterAll>,
  waves: number,
  isRelabelled: boolean,
): Promise<Traffic> {
  const upstream = keep(await startUpstream());
  const start = async (vary?: (text: string) => string): Promise<Pair> => {
    const one = async (config: object) =>
      keep(await startEnvoy({ upstream, pluginConfig: JSON.stringify(config), vary }));
    return { shop: await one(SHOP_CONFIG), crowded: await one(CROWDED_CONFIG) };
  };
  const tagged = await start();
  const pairs = [tagged];
  const byTags = {
    prometheus: keep(await startPrometheus("raw", { envoy: targetsOf(tagged, { namespace: NAMESPACE }) })),
    servers: [SERVER, CROWDED],
  };
  let byRules: Scraped | undefined;
  if (isRelabelled) {
    const untagged = await start(withTagsOfKuma);
    pairs.push(untagged);
    byRules = {
      prometheus: keep(await startPrometheus("kuma", { "kuma-dataplanes": targetsOf(untagged, {}) })),
      servers: ["shop_eu_west", CROWDED],
    };
  }

  const began = Date.now() / 1000;
  for (let wave = 1; wave <= waves; wave++) {
    const shopSteps = [...stepsOf(upstream, wave, TOOLS), ...moreSteps(upstream, wave)];
    const crowdedSteps = [...sessionsOf(upstream, 4), ...strangersSteps(upstream, STRANGERS), ...listSteps(upstream)];
    await Promise.all(
      pairs.flatMap(({ shop, crowded }) => [send(shop.proxyUrl, shopSteps), send(crowded.proxyUrl, crowdedSteps)]),
    );
    // A rate needs two scrapes of a counter before it grows.
    await flushed();
  }
  return { byTags, ...(byRules !== undefined && { byRules }), start: began };
}

interface Pair {
  shop: Envoy;
  crowded: Envoy;
}

function targetsOf({ shop, crowded }: Pair, labels: Record<string, string>) {
  const targets = [shop, crowded].map(({ adminUrl }) => new URL(adminUrl).host);
  return [{ targets, labels: { ...labels, __metrics_path__: "/stats/prometheus" } }];
}

/** Failures of several kinds, denials, a withheld tool, and a session that began elsewhere. */
function moreSteps(upstream: Upstream, wave: number): Steps {
  const answering = (status: number, text = "") =>
    upstream.route(async (request, response) => {
      await bodyOf(request);
      response.writeHead(status, mcp.JSON_TYPE).end(text);
    });
  const post = (path: string, body: string, headers = {}) => ({
    path,
    headers: { ...mcp.LEGACY, ...headers },
    body: [body],
  });
  const tools = [...TOOLS, DENIED].map((name) => ({ name, description: "", inputSchema: { type: "object" } }));
  const elsewhere = { "mcp-session-id": `elsewhere-${wave}` };
  const answered = answering(200, mcp.result(1));
  const calls = AGENTS.flatMap((agent) => [...TOOLS, DENIED].map((tool) => callOf(answered, agent, tool)));
  return [
    ...failingSteps(upstream, FAILURES),
    ...Array.from({ length: FAILURES }, () => post(answering(404), mcp.toolCall(1, "echo"))),
    ...calls,
    post(answering(200, mcp.result(1, { tools })), mcp.request(1, "tools/list")),
    post(answered, mcp.toolCall(1, "echo"), elsewhere),
  ];
}

/** A call by a client of this name (2026-07-28). */
function callOf(path: string, client: string, tool: string) {
  const _meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": { name: client, version: "1" },
  };
  return {
    path,
    headers: { ...mcp.MODERN, "mcp-method": "tools/call", "mcp-name": tool },
    body: [mcp.request(1, "tools/call", { name: tool, arguments: {}, _meta })],
  };
}
