/**
 * docs/questions.md: the query or command of each question tells the truth. The blocks come from the page itself. Two agents of the
 * official SDKs call a real server through an Envoy with the filter, which a real Prometheus scrapes; what they do is known.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Tool } from "@modelcontextprotocol/server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Envoy, startEnvoy } from "../../scripts/envoy/process.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import { until } from "../envoy/sessions/until.ts";
import { tokensOfKind } from "../estimator.ts";
import { connectClient, type McpClient } from "../../scripts/demo/client.ts";
import { type FixtureServer, listen, serveBothEras } from "../../scripts/demo/servers/eras.ts";
import { createProtocolServer } from "../../scripts/demo/servers/protocol.ts";
import { TOOL_DEFINITIONS } from "../../scripts/demo/servers/tools.ts";
import { hasPrometheus, type Prometheus, startPrometheus } from "./prometheus.ts";

/** Who the agents are, as the proxy before this one would have proved. */
const PRINCIPALS = { planner: "spiffe://shop.example/planner", writer: "spiffe://shop.example/writer" };
type Agent = keyof typeof PRINCIPALS;

/** Searches that the rule in shadow mode allows. */
const SHADOW_LIMIT = 100;

const PLUGIN_CONFIG = {
  server: "shop",
  logFields: true,
  match: { paths: ["/mcp"] },
  labels: { caller: "principal" },
  access: {
    principalSources: ["x-forwarded-client-cert"],
    rules: [
      { name: "planner", action: "ALLOW", from: [{ source: { principals: [PRINCIPALS.planner] } }] },
      {
        name: "writer",
        action: "ALLOW",
        from: [{ source: { principals: [PRINCIPALS.writer] } }],
        to: [
          { operation: { methods: ["@handshake", "tools/list", "notifications/*"] } },
          { operation: { notTools: ["read_log"] } },
        ],
      },
    ],
  },
  limits: {
    rules: [
      {
        name: "forecasts",
        from: [{ source: { principals: [PRINCIPALS.writer] } }],
        to: [{ operation: { tools: ["get_weather"] } }],
        key: ["principal"],
        requests: { amount: 2, per: "1h" },
      },
      {
        name: "exports",
        to: [{ operation: { tools: ["export_*"] } }],
        key: [],
        concurrency: 1,
        queue: { maxWait: "30s" },
      },
      {
        name: "searches",
        mode: "shadow",
        to: [{ operation: { tools: ["search_*"] } }],
        key: ["principal"],
        requests: { amount: SHADOW_LIMIT, per: "720h" },
      },
    ],
  },
};
const INVALID_CONFIG = { server: 7 };

/** Calls that are enough for a p99; the slowest three of a hundred take so long. */
const [CALLS, SLOW_CALLS, SLOW_MS] = [160, 6, 1_200];
const AT_ONCE = 20;
/** Exports at once, of which one at a time runs. */
const [EXPORTS, EXPORT_MS] = [3, 400];
const CHANGED = "export_report";
/** The bounds of durations in envoy.yaml around it, as far as a slow machine may need them. */
const BOUNDS = [1_000, 2_000, 5_000, 10_000, 30_000];
const STUCK_MS = 3_000;
/** Gauges are recorded every 5 s, and scraped a second later. */
const POLL = { timeout: 30_000, interval: 250 };

const PAGE = readFileSync("docs/questions.md", "utf8");
const QUESTIONS = questionsOf(PAGE);

/** The blocks below each heading of the page, with their languages. */
function questionsOf(page: string): Map<string, { language: string; text: string }[]> {
  const sections = page.split(/^## /m).slice(1);
  return new Map(
    sections.map((section) => {
      const blocks = [...section.matchAll(/^```(.*)\n([^]*?)^```$/gm)];
      return [section.split("\n")[0], blocks.map(([, language, text]) => ({ language, text }))];
    }),
  );
}

describe.runIf(hasPrometheus())("with a real Envoy and a real Prometheus", () => {
  const keep = endsAfterAll();
  const folder = mkdtempSync(join(tmpdir(), "mcp-questions-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  let server: ChangingServer;
  let envoy: Envoy;
  let misconfigured: Envoy;
  let prometheus: Prometheus;
  /** When the call that is stuck began. */
  let stuckSince = 0;
  /** The longest call of search_docs, as its agent saw it. */
  let longestMs = 0;
  /** The same of export_report, with its wait. */
  let longestExportMs = 0;

  beforeAll(async () => {
    server = keep(await startChangingServer());
    envoy = keep(await startEnvoy({ upstream: server, pluginConfig: JSON.stringify(PLUGIN_CONFIG), vary: forwarding }));
    misconfigured = keep(await startEnvoy({ upstream: server, pluginConfig: JSON.stringify(INVALID_CONFIG) }));
    const labels = { __metrics_path__: "/stats/prometheus" };
    prometheus = keep(await startPrometheus("raw", { envoy: [{ targets: [new URL(envoy.adminUrl).host], labels }] }));

    const connect = (agent: Agent): Promise<McpClient> => connectAgent(`${envoy.proxyUrl}/mcp`, agent);
    const planner = keep(await connect("planner"));
    keep(await connect("planner"));
    const writer = keep(await connect("writer"));
    await planner.listTools();

    stuckSince = performance.now();
    const isStuck = new AbortController();
    keep({ stop: async () => isStuck.abort() });
    void writer.callTool("wait_for_approval", {}, { signal: isStuck.signal }).catch(() => {});

    let order = 0;
    const charge = (agent: McpClient, declined: boolean) => agent.callTool("charge_card", { declined, order: ++order });
    for (const agent of [planner, planner, planner, writer, writer]) await charge(agent, true);
    await charge(planner, false);
    for (let times = 0; times < 2; times++) await refused(writer.callTool("refund_order", { order: ++order }));
    await refused(planner.callTool("made_up"));
    for (let times = 0; times < 6; times++) await planner.callTool("get_weather", { city: "Oslo" });
    for (const city of ["Bergen", "Bodø"]) await writer.callTool("get_weather", { city });
    for (const city of ["Hamar", "Moss", "Voss"]) await refused(writer.callTool("get_weather", { city }));
    const exported = Array.from({ length: EXPORTS }, async (_, index) => {
      const began = performance.now();
      await planner.callTool("export_report", { steps: 1, ms: EXPORT_MS + index });
      longestExportMs = Math.max(longestExportMs, performance.now() - began);
    });
    await Promise.all(exported);
    await refused(writer.callTool("read_log", { bytes: 10 }));
    await planner.callTool("read_log", { bytes: 10 });

    server.tools = server.tools.map((tool) =>
      tool.name === CHANGED ? { ...tool, description: "Sends reports to somebody else." } : tool,
    );
    await planner.listTools();

    const search = async (query: number, ms: number) => {
      const began = performance.now();
      await planner.callTool("search_docs", { query: String(query), ms });
      longestMs = Math.max(longestMs, performance.now() - began);
    };
    await search(0, 1);
    // A rate needs a scrape of a counter before it grows.
    const durations = 'mcp_operation_duration_milliseconds_count{gen_ai_tool_name="search_docs"}';
    await until(async () => (await prometheus.query(durations)).length > 0, "a call was scraped");
    for (let done = 0; done < CALLS; done += AT_ONCE) {
      const queries = Array.from({ length: AT_ONCE }, (_, index) => done + index + 1);
      await Promise.all(queries.map((query) => search(query, query <= SLOW_CALLS ? SLOW_MS : 1)));
    }
  });

  /** What has to come of each question's block. */
  const TRUTHS: Record<string, (block: string) => Promise<void>> = {
    "Which tool fails most?": (query) =>
      answers(query, [
        [{ gen_ai_tool_name: "charge_card" }, 5],
        [{ gen_ai_tool_name: "refund_order" }, 2],
        [{ gen_ai_tool_name: "_OTHER" }, 1],
      ]),

    "Which agents call a tool?": (query) =>
      answers(query, [
        [{ mcp_caller: PRINCIPALS.planner, mcp_outcome: "tool_error" }, 3],
        [{ mcp_caller: PRINCIPALS.writer, mcp_outcome: "tool_error" }, 2],
        [{ mcp_caller: PRINCIPALS.planner, mcp_outcome: "ok" }, 1],
      ]),

    "Which call is stuck?": async (query) => {
      const answer = async () => (await prometheus.query(query)).map(({ labels }) => labels);
      const call = { mcp_method_name: "tools/call", gen_ai_tool_name: "wait_for_approval" };
      await expect.poll(answer, POLL).toEqual([{ mcp_role: "server", mcp_server: "shop", ...call }]);
      await expect.poll(async () => (await prometheus.query(query))[0].value, POLL).toBeGreaterThan(STUCK_MS);
      expect((await prometheus.query(query))[0].value).toBeLessThanOrEqual(performance.now() - stuckSince);
    },

    "What does tools/list cost?": (query) => answers(query, [[{}, tokensOfKind("definitions", listedTexts())]]),

    "How many sessions does each client have?": (query) =>
      answers(query, [
        [{ mcp_client_name: "planner" }, 2],
        [{ mcp_client_name: "writer" }, 1],
      ]),

    "What are agents waiting for?": (query) =>
      answers(query, [[{ mcp_client_name: "writer", mcp_session_state: "calling" }, 1]]),

    "Who was denied what, and why?": async (command) => {
      const denied = () => {
        writeFileSync(join(folder, "envoy.log"), envoy.log());
        return shell(command).map((line) => JSON.parse(line) as object);
      };
      await expect.poll(denied, POLL).toHaveLength(1);
      expect(denied()[0]).toMatchObject({
        mode: "enforce",
        principal: PRINCIPALS.writer,
        method: "tools/call",
        target: "read_log",
        rule: "_default",
        nearest: { rule: "writer", failed: "to[1].operation.notTools" },
      });
    },

    "What is the p99 of each tool?": async (query) => {
      await expect.poll(() => prometheus.query(query), POLL).toHaveLength(1);
      const [{ labels, value }] = await prometheus.query(query);
      expect(labels).toMatchObject({ mcp_server: "shop", gen_ai_tool_name: "search_docs" });
      // It is interpolated in a bucket that a slow call is in.
      expect(value).toBeGreaterThan(Math.max(...BOUNDS.filter((bound) => bound <= SLOW_MS)));
      expect(value).toBeLessThanOrEqual(Math.min(...BOUNDS.filter((bound) => bound >= longestMs)));
    },

    "Which tool changed?": (query) => answers(query, [[{ gen_ai_tool_name: CHANGED, mcp_change: "changed" }, 1]]),

    "What is looping?": (query) => answers(query, [[{ gen_ai_tool_name: "get_weather" }, 5]]),

    "Which agents run into limits?": (query) =>
      answers(query, [
        [{ mcp_caller: PRINCIPALS.writer, mcp_method_name: "tools/call", gen_ai_tool_name: "get_weather" }, 3],
      ]),

    "Which limit makes calls wait, and how long?": async (query) => {
      await expect.poll(() => prometheus.query(query), POLL).toHaveLength(1);
      const [{ labels, value }] = await prometheus.query(query);
      expect(labels).toEqual({ mcp_role: "server", mcp_server: "shop", mcp_limit_rule: "exports" });
      // All but the first have waited for the first one; Envoy keeps two digits of a value.
      expect(value).toBeGreaterThan(0.9 * EXPORT_MS);
      expect(value).toBeLessThan(1.1 * longestExportMs);
    },

    "Which tool would be limited by a shadow rule?": async (command) => {
      const counted = () => {
        writeFileSync(join(folder, "access.log"), envoy.log());
        return shell(command).map((line) => line.trim().replace(/\s+/g, " "));
      };
      const beyond = CALLS + 1 - SHADOW_LIMIT;
      const call = '"mcp_method":"tools/call" "mcp_target":"search_docs"';
      await expect.poll(counted, POLL).toEqual([`${beyond} "mcp_limit":"searches" ${call}`]);
    },

    "Is the configuration valid, and which policy is in force?": async (command) => {
      const of = ({ adminUrl }: Envoy) => shell(command.replace("http://127.0.0.1:9901", adminUrl)).sort();
      const build = expect.stringMatching(
        /^mcp_build_info\{mcp_build_version="\d+\.\d+\.\d+",mcp_build_revision="[0-9a-f]{12}"\} 1$/,
      );
      const good = [
        'mcp_access_outdated{mcp_role="server"} 0',
        'mcp_access_policy{mcp_role="server",mcp_access_mode="enforce"} 1',
        'mcp_access_policy{mcp_role="server",mcp_access_mode="shadow"} 0',
        'mcp_access_rules{mcp_role="server"} 2',
        build,
        "mcp_configuration_invalid{} 0",
      ];
      await expect.poll(() => of(envoy), POLL).toEqual(good);
      await expect.poll(() => of(misconfigured), POLL).toEqual([build, "mcp_configuration_invalid{} 1"]);
    },
  };

  /** Asks until the answer is this: series in their order, with their labels and values. */
  async function answers(query: string, series: [Record<string, string>, number][]): Promise<void> {
    const truth = series.map(([labels, value]) => [{ mcp_role: "server", mcp_server: "shop", ...labels }, value]);
    const answer = async () => (await prometheus.query(query)).map(({ labels, value }) => [labels, value]);
    await expect.poll(answer, POLL).toEqual(truth);
  }

  /** The lines that a command writes, in the folder of the log. */
  function shell(command: string): string[] {
    return execFileSync("/bin/sh", ["-c", command], { cwd: folder, encoding: "utf8" }).trim().split("\n");
  }

  it("fourteen questions, each with one block and a truth to compare with", () => {
    expect([...QUESTIONS.keys()]).toEqual(Object.keys(TRUTHS));
    expect(QUESTIONS.size).toBe(14);
    expect(PAGE.match(/^\s*(```|~~~)/gm), "blocks before the first question").toHaveLength(2 * QUESTIONS.size);
    for (const [question, blocks] of QUESTIONS) {
      expect(blocks, question).toEqual([
        { language: expect.stringMatching(/^(promql|sh)$/), text: expect.any(String) },
      ]);
    }
  });

  it.for([...QUESTIONS])("%s", async ([question, [block]]) => {
    await TRUTHS[question](block.text);
  });

  function listedTexts(): unknown[] {
    return server.tools.flatMap(({ name, description, inputSchema }) => [name, description, inputSchema]);
  }
});

/** The fixture server, whose tools can be changed while it runs. */
interface ChangingServer extends FixtureServer {
  tools: Tool[];
}

async function startChangingServer(): Promise<ChangingServer> {
  const started = { tools: TOOL_DEFINITIONS };
  const serve = serveBothEras(() => {
    const server = createProtocolServer();
    server.setRequestHandler("tools/list", () => ({ tools: started.tools }));
    return server;
  });
  return Object.assign(started, await listen(() => serve));
}

/** Waits for an answer that is an error. */
async function refused(call: Promise<unknown>): Promise<void> {
  await expect(call).rejects.toThrow();
}

/** A client that says of itself, and has a proxy before this one say, which agent it is. */
function connectAgent(url: string, agent: Agent): Promise<McpClient> {
  return connectClient(agent === "planner" ? "sdk1" : "sdk2-legacy", url, agent, (to, init) => {
    const headers = new Headers(init?.headers);
    headers.set("x-forwarded-client-cert", `URI=${PRINCIPALS[agent]}`);
    return fetch(to, { ...init, headers });
  });
}

/** The bootstrap of an Envoy that believes a proxy before it, and passes on whom that one has proved. */
function forwarding(text: string): string {
  const bootstrap = JSON.parse(text) as Bootstrap;
  const [{ filter_chains: chains }] = bootstrap.static_resources.listeners;
  chains[0].filters[0].typed_config.forward_client_cert_details = "ALWAYS_FORWARD_ONLY";
  return JSON.stringify(bootstrap);
}

interface Bootstrap {
  static_resources: { listeners: { filter_chains: { filters: { typed_config: Record<string, unknown> }[] }[] }[] };
}
