/** Names that strangers invent bring no label values, so that they cannot mint metrics. */
import type { ServerResponse } from "node:http";
import { beforeAll, describe, expect, it } from "vitest";
import { type Envoy, startEnvoy } from "../../scripts/envoy/process.ts";
import { effort } from "../effort.ts";
import { endsAfterAll } from "./cleanup.ts";
import { Load, type Post } from "./load.ts";
import * as mcp from "./mcp-messages.ts";
import { type Metric, readMetrics, valuesOf } from "./prometheus.ts";
import { bodyOf, startUpstream, type Upstream } from "./upstream.ts";

/** All of them are in `npm run test:full`, and in the test host's ordinary run. */
const NAMES = effort(8_000, 100_000);
const TIMEOUT_MS = 600_000;
/** A quarter of labels.maxTools (256) is for names that are known by a success alone. */
const UNRESERVED = 64;

const ANSWERED = ["initialize", "ping"];

const keep = endsAfterAll();
let upstream: Upstream;

beforeAll(async () => {
  upstream = keep(await startUpstream());
});

/** A path on which the server answers every request so. */
function answering(answer: (id: number, response: ServerResponse) => void): string {
  return upstream.route(async (request, response) => {
    const { id } = JSON.parse(String(await bodyOf(request))) as { id: number };
    answer(id, response);
  });
}

/** The `index`th request: a tool, a prompt, or a method in one of MCP's namespaces or, under an MCP header, in none. */
function invented(path: string, index: number): Post {
  const name = `invented_${index}`;
  const body = [
    () => mcp.request(index, "tools/call", { name }),
    () => mcp.request(index, "prompts/get", { name }),
    () => mcp.request(index, `tools/${name}`),
    () => mcp.request(index, name, { name }),
  ][index % 4]();
  return { path, headers: mcp.LEGACY, body };
}

function operations(metrics: Metric[]): number {
  return metrics.filter(({ name }) => name === "mcp_operations_total").reduce((sum, { value }) => sum + value, 0);
}

async function run(envoy: Envoy, load: Load, path: string): Promise<Metric[]> {
  await load.run(NAMES, (index) => invented(path, index));
  await load.run(ANSWERED.length, (index) => ({
    path,
    headers: mcp.LEGACY,
    body: mcp.request(index, ANSWERED[index]),
  }));
  await expect.poll(async () => operations(await readMetrics(envoy))).toBe(NAMES + ANSWERED.length);
  return readMetrics(envoy);
}

/** How often a label's value had no room. */
function overflows(metrics: Metric[]): Record<string, number> {
  const family = metrics.filter(({ name }) => name === "mcp_label_overflow_total");
  return Object.fromEntries(family.map(({ labels, value }) => [labels.mcp_label, value]));
}

describe.each([1, 4])(`${NAMES} invented names, %d workers`, { timeout: TIMEOUT_MS }, (concurrency) => {
  const keep = endsAfterAll();

  it("the server refuses them: no label value but _OTHER", async () => {
    const envoy = keep(await startEnvoy({ upstream, concurrency }));
    const path = answering((id, response) => response.writeHead(200, mcp.JSON_TYPE).end(mcp.failure(id, -32602)));
    const metrics = await run(envoy, keep(new Load(envoy.proxyUrl)), path);
    expect(valuesOf(metrics, "gen_ai_tool_name")).toEqual(["_OTHER"]);
    expect(valuesOf(metrics, "gen_ai_prompt_name")).toEqual(["_OTHER"]);
    expect(valuesOf(metrics, "mcp_method_name")).toEqual(["_OTHER", ...ANSWERED, "prompts/get", "tools/call"]);
    expect(overflows(metrics)).toEqual({
      gen_ai_tool_name: NAMES / 4,
      gen_ai_prompt_name: NAMES / 4,
      mcp_method_name: NAMES / 2,
    });
  });
});

describe("a server that answers any name with success, one worker", { timeout: TIMEOUT_MS }, () => {
  const keep = endsAfterAll();

  it("names get labels until the unreserved slots are full, then _OTHER", async () => {
    const envoy = keep(await startEnvoy({ upstream }));
    const path = answering((id, response) => response.writeHead(200, mcp.JSON_TYPE).end(mcp.result(id)));
    const metrics = await run(envoy, keep(new Load(envoy.proxyUrl)), path);
    for (const label of ["gen_ai_tool_name", "gen_ai_prompt_name"]) {
      const values = valuesOf(metrics, label);
      expect(values).toContain("_OTHER");
      expect(values).toHaveLength(UNRESERVED + 1);
    }
    expect(valuesOf(metrics, "mcp_method_name")).toEqual(["_OTHER", ...ANSWERED, "prompts/get", "tools/call"]);
    expect(overflows(metrics)).toEqual({
      gen_ai_tool_name: NAMES / 4 - UNRESERVED,
      gen_ai_prompt_name: NAMES / 4 - UNRESERVED,
      mcp_method_name: NAMES / 2,
    });
  });

  it("what the server lists then has its slots all the same", async () => {
    const envoy = keep(await startEnvoy({ upstream }));
    const tools = Array.from({ length: 256 - UNRESERVED }, (_, index) => ({ name: `listed_${index}` }));
    const path = answering((id, response) => {
      response.writeHead(200, mcp.JSON_TYPE).end(mcp.result(id, { tools }));
    });
    const load = keep(new Load(envoy.proxyUrl));
    const post = (body: string) => ({ path, headers: mcp.LEGACY, body });
    await load.run(1000, (index) => post(mcp.toolCall(index, `invented_${index}`)));
    await load.run(1, () => post(mcp.request(0, "tools/list")));
    await load.run(tools.length, (index) => post(mcp.toolCall(index, tools[index].name)));
    await expect.poll(async () => operations(await readMetrics(envoy))).toBe(1000 + 1 + tools.length);
    const values = valuesOf(await readMetrics(envoy), "gen_ai_tool_name");
    expect(values.filter((name) => name.startsWith("invented_"))).toHaveLength(UNRESERVED);
    expect(values.filter((name) => name.startsWith("listed_"))).toHaveLength(tools.length);
  });
});

describe("names in any script", { timeout: TIMEOUT_MS }, () => {
  const keep = endsAfterAll();

  it("each has series of its own, in labels that decode to it", async () => {
    const envoy = keep(await startEnvoy({ upstream }));
    const path = answering((id, response) => response.writeHead(200, mcp.JSON_TYPE).end(mcp.result(id)));
    const names = [
      "查询天气",
      "查询地图",
      "查询新闻",
      "get weather",
      "get_weather",
      "100%",
      'a"b\\c;.;d=.=e',
      "_OTHER",
    ];
    const load = keep(new Load(envoy.proxyUrl));
    await load.run(2 * names.length, (index) => {
      const name = names[index % names.length];
      const meta = { "io.modelcontextprotocol/protocolVersion": "2026-07-28" };
      const client = { "io.modelcontextprotocol/clientInfo": { name: name.slice(0, 64), version: "1" } };
      const isTool = index < names.length;
      const body = mcp.request(index, isTool ? "tools/call" : "prompts/get", { name, _meta: { ...meta, ...client } });
      return { path, headers: mcp.MODERN, body };
    });
    await expect.poll(async () => operations(await readMetrics(envoy))).toBe(2 * names.length);
    const metrics = await readMetrics(envoy);
    const ofFamily = (family: string, label: string) =>
      Object.fromEntries(
        metrics
          .filter(({ name, labels }) => name === family && labels[label] !== undefined)
          .map(({ labels, value }) => [decodeURIComponent(labels[label]), value]),
      );
    const once = Object.fromEntries(names.map((name) => [name, 1]));
    expect(ofFamily("mcp_operations_total", "gen_ai_tool_name")).toEqual(once);
    expect(ofFamily("mcp_operations_total", "gen_ai_prompt_name")).toEqual(once);
    expect(valuesOf(metrics, "gen_ai_tool_name")).toContain("%E6%9F%A5%E8%AF%A2%E5%A4%A9%E6%B0%94");
    expect(ofFamily("mcp_sessions_started_total", "mcp_client_name")).toEqual(once);
  });
});
