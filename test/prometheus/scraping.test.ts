/**
 * Two Envoys see the same traffic: one with the tags of envoy.yaml, one with those that Kuma's bootstrap has, and none of
 * ours. Prometheus, with the scrape configurations that we ship, makes the same series of both, and each rule has data.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { type Envoy, startEnvoy } from "../../scripts/envoy/process.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import { flushed } from "../envoy/prometheus.ts";
import { startDiscovering } from "../envoy/sessions/discovery.ts";
import { startUpstream } from "../envoy/upstream.ts";
import { CATALOGUE } from "./catalogue.ts";
import { withTagsOfKuma } from "./kuma-tags.ts";
import {
  ambiguousSteps,
  deniedSteps,
  listSteps,
  failingSteps,
  METERED,
  plainSteps,
  QUEUED,
  send,
  sessionsOf,
  stepsOf,
  strangersSteps,
  TOOLS,
} from "./load.ts";
import { hasPrometheus, type Prometheus, type Rule, type Series, startPrometheus } from "./prometheus.ts";
import { sanitized } from "./sanitized.ts";

const WAVES = 2;
/** The filter records gauges, and sessions that have ended, every 5 s. */
const SETTLED_MS = 30_000;
/** A policy that lets everything pass, so that its decisions are counted too. */
const ACCESS = {
  match: { paths: ["/*"] },
  access: { defaultAction: "ALLOW", rules: [{ name: "no-one.else", action: "DENY", mode: "shadow" }] },
};
/** A limit that most calls of one tool exceed, whenever they come, and one for which most calls of another one wait. */
const LIMITS = {
  rules: [
    {
      name: "metered.calls",
      to: [{ operation: { tools: [METERED] } }],
      key: [],
      requests: { amount: 5, per: "720h" },
    },
    {
      name: "queued.calls",
      to: [{ operation: { tools: [QUEUED] } }],
      key: [],
      concurrency: 1,
      queue: { maxWait: "30s" },
    },
  ],
};
const PLUGIN_CONFIG = {
  server: "shop.eu-west",
  labels: { caller: true, tools: TOOLS },
  ...ACCESS,
  limits: LIMITS,
};
/** Room for one session, and a limit by names that clients invent, of which one address may have a quarter. Spans go to a server
 *  that rejects them. */
const CROWDED = {
  server: "crowded",
  sessions: { max: 1 },
  match: { paths: ["/*"] },
  limits: {
    rules: [{ name: "clients", key: ["address", "client"], requests: { amount: 1000, per: "1m" } }],
    maxKeys: 64,
  },
  trace: { cluster: "mcp_upstream", sample: { ratio: 1 } },
};
/** Lists a tool that has no pin. */
const PINNED = {
  server: "pinned",
  match: { paths: ["/*"] },
  access: { defaultAction: "ALLOW", rules: [], pins: [{ mode: "observe", tools: { search: "0".repeat(64) } }] },
};
const CHANGING = { server: "changing", match: { paths: ["/mcp"] } };
const PATH = { __metrics_path__: "/stats/prometheus" };

/** Requests of a wave that are enough for an alert at one each 10 s. */
const UNCOUNTED = 40;
/** Calls of a wave that are enough for an alert at ten in 5 minutes. */
const FAILING = 10;
/** Names of clients that are more than one address may have keys. */
const STRANGERS = 40;

/** Families of which this traffic brings nothing. */
const ABSENT = [
  ...["mcp_sessions_adopted_total", "mcp_store_evictions_total", "mcp_store_conflicts_total"],
  ...["mcp_list_elements_withheld_total", "mcp_tool_pin_mismatches_total", "mcp_limit_key_overflow_total"],
  "mcp_trace_spans_total",
];

describe.runIf(hasPrometheus())("with a real Prometheus", () => {
  const keep = endsAfterAll();
  let byTags: Prometheus;
  let byRules: Prometheus;
  /** The Envoy with tags that saw what the one without saw, by Prometheus' label `instance`. */
  let taggedInstance: string;

  beforeAll(async () => {
    const upstream = keep(await startUpstream());
    const start = async (config: object, vary?: (text: string) => string): Promise<Envoy> =>
      keep(await startEnvoy({ upstream, pluginConfig: JSON.stringify(config), vary }));
    const tagged = await start(PLUGIN_CONFIG);
    taggedInstance = new URL(tagged.adminUrl).host;
    const untagged = await start(PLUGIN_CONFIG, withTagsOfKuma);
    // For the alerts that another configuration brings about.
    const crowded = await start(CROWDED);
    const misconfigured = await start({ server: 7 });
    const guarded = await start({ server: "guarded", match: { paths: ["/mcp"] }, access: { rules: [] } });
    const pinned = await start(PINNED);
    const fetching = await start({}, withMissingModule);
    // Its policy is removed by a new listener, while the old one drains.
    const changing = keep(await startDiscovering("LDS", { ...CHANGING, access: { rules: [] } }, { upstream }));
    const bare = keep(await startEnvoy({ upstream, withoutFilter: true }));
    const found = (...envoys: Envoy[]) => [
      { targets: envoys.map(({ adminUrl }) => new URL(adminUrl).host), labels: PATH },
    ];
    byTags = keep(
      await startPrometheus("raw", {
        envoy: found(tagged, crowded, misconfigured, guarded, pinned, fetching, bare, changing),
      }),
    );
    byRules = keep(await startPrometheus("kuma", { "kuma-dataplanes": found(untagged) }));

    await send(crowded.proxyUrl, sessionsOf(upstream, 40));
    await send(crowded.proxyUrl, [...ambiguousSteps(), ...strangersSteps(upstream, STRANGERS)]);
    for (let wave = 1; wave <= WAVES; wave++) {
      const steps = stepsOf(upstream, wave);
      await Promise.all([tagged, untagged].map(({ proxyUrl }) => send(proxyUrl, steps)));
      await send(guarded.proxyUrl, deniedSteps());
      await send(pinned.proxyUrl, listSteps(upstream));
      await send(bare.proxyUrl, plainSteps(UNCOUNTED));
      if (wave === 1) await changing.push(CHANGING);
      await send(changing.proxyUrl, failingSteps(upstream, FAILING));
      // A rate needs two scrapes of a counter before it grows.
      await flushed();
    }
  });

  it("the labelled series are the same by tags and by rules, up to the names that are sanitized", async () => {
    const differences = async () => {
      const tagged = linesOf(await byTags.query(`{${OURS}, instance="${taggedInstance}"}`), sanitizeNames);
      const relabelled = linesOf(await byRules.query(`{${OURS}}`), (labels) => labels);
      return {
        onlyByTags: tagged.filter((line) => !relabelled.includes(line)),
        onlyByRules: relabelled.filter((line) => !tagged.includes(line)),
      };
    };
    await expect.poll(differences, { timeout: SETTLED_MS }).toEqual({ onlyByTags: [], onlyByRules: [] });
    const present = new Set(
      (await byRules.query('{__name__=~"mcp_.+"}')).map(({ labels }) => familyOf(labels.__name__)),
    );
    const absent = CATALOGUE.families.filter(({ name }) => !present.has(name));
    expect(absent.map(({ name }) => name)).toEqual(ABSENT);
  });

  // What only Istio's agent and proxies count is tested by rules.test.yaml alone.
  it("no rule fails, and each has data", async () => {
    const rules = await byTags.rules();
    expect(rules.length).toBeGreaterThan(20);
    const withoutData = async () => {
      const counts = await Promise.all(rules.map(async (rule) => (await byTags.query(expressionOf(rule))).length));
      return rules.filter((_rule, index) => counts[index] === 0).map(({ name }) => name);
    };
    // No call is open here for ten minutes: rules.test.yaml has one.
    await expect.poll(withoutData, { timeout: SETTLED_MS }).toEqual(["McpOperationStuck"]);
    expect((await byTags.rules()).filter(({ health }) => health !== "ok")).toEqual([]);
  });

  it("what the rules record is the same by tags and by rules", async () => {
    // What is recorded of proxies, and not of servers, has the names of different proxies.
    const recorded = (await byTags.rules()).filter(
      ({ type, name }) => type === "recording" && !name.startsWith("instance:"),
    );
    const labelsOf = async (prometheus: Prometheus, name: string) => {
      const series = await prometheus.query(`${name}{mcp_server!~"crowded|guarded|pinned|changing"}`);
      // The jobs have different names.
      return series.map(({ labels }) => JSON.stringify({ ...sanitizeNames(labels), job: "" })).sort();
    };
    for (const { name } of recorded) expect(await labelsOf(byRules, name), name).toEqual(await labelsOf(byTags, name));
  });
});

/** Selects the filter's own series. */
const OURS = '__name__=~"mcp_.+", mcp_role!=""';

/** An alert's own expression, so that it would fire; what a recording rule has recorded. */
function expressionOf({ type, name, query }: Rule): string {
  return type === "alerting" ? query : name;
}

function familyOf(name: string): string {
  return name.replace(/_(bucket|sum|count)$/, "");
}

/** Series as lines: with values where these do not depend on how long something took. */
function linesOf(series: Series[], change: (labels: Record<string, string>) => Record<string, string>): string[] {
  return series.map(({ labels, value }) => {
    const own = Object.entries(change(labels)).filter(([label]) => label !== "job" && label !== "instance");
    const inOrder = own.sort(([one], [other]) => (one < other ? -1 : 1));
    const isTimed = /_(bucket|sum)$/.test(labels.__name__);
    return JSON.stringify([Object.fromEntries(inOrder), isTimed ? "some" : value]);
  });
}

/** The labels with names of open sets as an Envoy without tags shows them. */
function sanitizeNames(labels: Record<string, string>): Record<string, string> {
  const isName = (label: string) =>
    /^(mcp_server|gen_ai_.+_name|mcp_caller|mcp_client_name|mcp_access_rule|mcp_limit_rule)$/.test(label);
  const entries = Object.entries(labels).map(([label, value]) => [label, isName(label) ? sanitized(value) : value]);
  return Object.fromEntries(entries) as Record<string, string>;
}

/** The bootstrap with a module that Envoy has to fetch, and that the server does not have. */
function withMissingModule(text: string): string {
  const uri = "http://127.0.0.1/missing.wasm";
  const remote = {
    http_uri: { uri, cluster: "mcp_upstream", timeout: "1s" },
    sha256: "0".repeat(64),
    retry_policy: { num_retries: 0 },
  };
  const local = /\{\s*"local": \{\s*"filename": "[^"]*"\s*\}\s*\}/;
  expect(text).toMatch(local);
  return text.replace(local, JSON.stringify({ remote }));
}
