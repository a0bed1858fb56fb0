/** Official clients through Envoy: the tokens counted are those of the texts that they sent and got. */
import { readFileSync } from "node:fs";
import { countTokens } from "gpt-tokenizer/encoding/o200k_base";
import { beforeAll, describe, expect, it } from "vitest";
import { type Envoy, startEnvoy } from "../../scripts/envoy/process.ts";
import { asText, tokensOf, tokensOfKind } from "../estimator.ts";
import { CLIENT_KINDS, type ClientKind, connectClient, type McpClient } from "../../scripts/demo/client.ts";
import { type FixtureServer, startFixtureServer } from "../../scripts/demo/servers/fixture-server.ts";
import { TOOL_DEFINITIONS } from "../../scripts/demo/servers/tools.ts";
import { endsAfterAll } from "./cleanup.ts";
import { countsOf, type Counts, flushed, type Metric, readMetrics, series } from "./prometheus.ts";
import { type Recorded, Recording } from "./recording.ts";
import { sessionSums, sessionTruthOf } from "./sessions/session-truth.ts";
import { textsByExchange, textsOfAll, tokenTruthOf } from "./token-truth.ts";

const PATHS = ["/mcp", "/mcp-json", "/mcp-paged"];
/** In how many of them the last path lists the tools. */
const TOOL_PAGES = Math.ceil(TOOL_DEFINITIONS.length / 2);
const REST_MS = 20_000;
/** How far the estimate may be from o200k_base. */
const TOLERANCE = 0.12;

/** Texts as agents ask for and get them: prose, JSON, code, other scripts. */
const QUERIES = [
  readFileSync("README.md", "utf8").slice(0, 6000),
  readFileSync("scripts/statistics/quantile.ts", "utf8"),
  JSON.stringify(TOOL_DEFINITIONS, null, 2),
  "Værsågod, hva koster en billett fra Tromsø til Oslo på lørdag? ".repeat(10),
  "東京の天気はどうですか。明日は雨が降るでしょう。".repeat(10),
  "2026-11-22T09:15:02.114Z INFO  [worker-3] order 48213 charged: 129.90 EUR (attempt 2 of 3)\n".repeat(20),
];

const keep = endsAfterAll();
let server: FixtureServer;

beforeAll(async () => {
  server = keep(await startFixtureServer());
});

describe.each([1, 4])("%d workers", (concurrency) => {
  const keep = endsAfterAll();
  const recording = new Recording();
  let envoy: Envoy;
  let metrics: Metric[];

  beforeAll(async () => {
    // Windows are to end while the test looks on.
    const pluginConfig = JSON.stringify({ sessions: { idleTimeout: "3s" } });
    envoy = keep(await startEnvoy({ upstream: server, concurrency, pluginConfig }));
    // One client has listed what there is before the others come, so that all names are known.
    await runClient("sdk1", "/mcp");
    const clients = PATHS.flatMap((path) => CLIENT_KINDS.map((kind) => [kind, path] as const));
    await Promise.all(clients.map(([kind, path]) => runClient(kind, path)));
    await flushed();
    metrics = await readMetrics(envoy);
  });

  it("by tool and kind, exactly", () => {
    const names = TOOL_DEFINITIONS.map(({ name }) => name);
    const truth = tokenTruthOf(recording.exchanges, (name) => names.includes(name));
    expect(tokensIn(metrics)).toEqual(truth);
  });

  it("of every kind, of calls that fail and of names that nobody knows", () => {
    const truth = Object.keys(tokensIn(metrics));
    for (const kind of ["definitions", "prompt", "resource"]) expect(truth).toContain(tokens(kind));
    for (const kind of ["arguments", "result", "structured"]) expect(truth).toContain(tokens(kind, "get_weather"));
    // In the call's stream, and in the call itself.
    for (const tool of ["", "ask_model"]) {
      for (const kind of ["sampling_request", "sampling_result"]) expect(truth).toContain(tokens(kind, tool));
    }
    for (const tool of ["refund_order", "_OTHER"]) expect(truth).toContain(tokens("arguments", tool));
  });

  it("pictures are bytes, and no tokens", () => {
    const chart = recording.exchanges.filter(({ body }) => body.includes('"draw_chart"'));
    const of = (name: string) =>
      metrics.filter((metric) => metric.name === name && metric.labels.gen_ai_tool_name === "draw_chart");
    const results = of("mcp_tokens_total").filter((metric) => metric.labels.mcp_token_kind === "result");
    expect(results.map(({ value }) => value)).toEqual([chart.length * tokensOf(["The chart of the year"])]);
    const received = of("mcp_payload_bytes_total").filter(
      (metric) => metric.labels.mcp_direction === "server_to_client",
    );
    expect(received[0].value).toBeGreaterThan(chart.length * 60_000);
  });

  it(`within ${TOLERANCE * 100} % of o200k_base`, () => {
    const passed = textsOfAll(recording.exchanges);
    const counted = passed
      .flatMap(({ texts }) => texts)
      .reduce<number>((sum, text) => sum + countTokens(asText(text)), 0);
    const estimated = Object.values(tokensIn(metrics)).reduce((sum, value) => sum + value, 0);
    console.log(`${concurrency} workers: ${estimated} tokens estimated, ${counted} of o200k_base`);
    expect(Math.abs(estimated - counted) / counted).toBeLessThan(TOLERANCE);
  });

  it("of whole sessions, once they have ended", { timeout: 2 * REST_MS }, async () => {
    const { counts } = sessionTruthOf(recording.exchanges, true);
    const wanted = Object.entries(counts).filter(([key]) => /^mcp_session_tokens_(count|sum)/.test(key));
    expect(wanted).toHaveLength(4);
    const seen = async () => {
      const now = await readMetrics(envoy);
      return Object.fromEntries(
        Object.entries({ ...countsOf(now), ...sessionSums(now) }).filter(([key]) =>
          key.startsWith("mcp_session_tokens_"),
        ),
      );
    };
    await expect.poll(seen, { timeout: REST_MS, interval: 500 }).toEqual(Object.fromEntries(wanted));
    const bounds = (await readMetrics(envoy)).filter(({ name }) => name === "mcp_session_tokens_bucket");
    expect([...new Set(bounds.map(({ labels }) => labels.le))]).toEqual([
      ...Array.from({ length: 14 }, (_, power) => String(4 ** power)),
      "+Inf",
    ]);
  });

  it.each(CLIENT_KINDS)("what lists cost, in pages or in one: %s", async (kind) => {
    for (const path of ["/mcp-paged", "/mcp"]) {
      const recording = new Recording();
      const client = await connectClient(kind, `${envoy.proxyUrl}${path}`, kind, recording.fetch);
      await client.listTools();
      await client.listPrompts();
      await client.listResources();
      await client.close();
      const costs = listCosts(recording.exchanges);
      expect(Object.values(costs).map(({ pages }) => pages)).toEqual([path === "/mcp" ? 1 : TOOL_PAGES, 1, 1]);
      const gauges = async () => {
        const now = (await readMetrics(envoy)).filter(({ name }) => name === "mcp_definition_tokens");
        return Object.fromEntries(now.map(({ labels, value }) => [labels.mcp_method_name, value]));
      };
      const wanted = Object.entries(costs).map(([method, { tokens }]) => [method, tokens]);
      await expect.poll(gauges).toEqual(Object.fromEntries(wanted));
    }
  });

  /** What each client does: a session of calls of every kind. */
  async function runClient(kind: ClientKind, path: string): Promise<void> {
    const model = () => "It is sunny in Oslo, with 21 degrees.";
    const client = await connectClient(kind, `${envoy.proxyUrl}${path}`, `${kind}${path}`, recording.fetch, model);
    await client.listTools();
    await client.listPrompts();
    await client.listResources();
    await client.callTool("get_weather", { city: "Tromsø ☃ 東京" });
    for (const query of QUERIES) await client.callTool("search_docs", { query, ms: 0 });
    await client.callTool("draw_chart", { bytes: 50_000 });
    await client.callTool("charge_card", { declined: true });
    await client.callTool("refund_order", { code: -32603 }).catch(() => {});
    await client.callTool("no_such_tool", { why: "to see" }).catch(() => {});
    await client.getPrompt("summarize", { topic: "refunds, and what they cost us" });
    await client.readResource("demo://readme");
    await askModel(client, path);
    if (kind === "sdk2-modern") await recording.settled(null);
    await client.close();
  }
});

/** Lets the server ask the client's model. Before 2026-07-28 it can only where answers are streams. */
async function askModel(client: McpClient, path: string): Promise<void> {
  if (client.kind !== "sdk2-modern" && path === "/mcp-json") return;
  const { isError } = await client.callTool("ask_model", { question: "What is the weather in Oslo?" });
  expect(isError).toBe(false);
}

function tokens(mcp_token_kind: string, gen_ai_tool_name = ""): string {
  return series("mcp_tokens_total", { mcp_token_kind, mcp_token_source: "estimated", gen_ai_tool_name });
}

function tokensIn(metrics: Metric[]): Counts {
  return countsOf(metrics.filter(({ name }) => name === "mcp_tokens_total"));
}

/** What the lists by each method have come to, and in how many pages. */
function listCosts(exchanges: Recorded[]): Record<string, { tokens: number; pages: number }> {
  const costs: Record<string, { tokens: number; pages: number }> = {};
  for (const [exchange, texts] of textsByExchange(exchanges)) {
    const [passed] = texts.filter(({ kind }) => kind === "definitions");
    if (passed === undefined) continue;
    const { method } = JSON.parse(exchange.body) as { method: string };
    const cost = (costs[method] ??= { tokens: 0, pages: 0 });
    cost.tokens += tokensOfKind(passed.kind, passed.texts);
    cost.pages++;
  }
  return costs;
}
