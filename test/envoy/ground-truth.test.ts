/** A scripted load of official clients: every counter equals what they did, and there is nothing else. */
import { beforeAll, describe, expect, it } from "vitest";
import { type Envoy, startEnvoy } from "../../scripts/envoy/process.ts";
import { CLIENT_KINDS, connectClient, type McpClient } from "../../scripts/demo/client.ts";
import { type FixtureServer, startFixtureServer } from "../../scripts/demo/servers/fixture-server.ts";
import { endsAfterAll } from "./cleanup.ts";
import { countsOf, flushed, ofStreams, readMetrics, series } from "./prometheus.ts";
import { Recording } from "./recording.ts";
import { tokenTruthOf } from "./token-truth.ts";
import { truthOf } from "./truth.ts";
import { messagesOf } from "./wire.ts";

const TOOLS = ["get_weather", "search_docs", "read_log", "export_report", "charge_card", "refund_order"];
const CLIENTS = 20;
const ROUNDS = 5;
const SEARCH_MS = 60;

/** What each client does in a round, and how that ends. */
const ROUND: [tool: string, args: Record<string, unknown>, end: string][] = [
  ["get_weather", { city: "Oslo" }, "ok"],
  ["get_weather", { city: "Tromsø ☃ 東京" }, "ok"],
  ["search_docs", { query: "refunds", ms: SEARCH_MS }, "ok"],
  ["read_log", { bytes: 200_000 }, "ok"],
  ["read_log", { bytes: 0 }, "ok"],
  ["export_report", { steps: 3, ms: 1 }, "ok"],
  ["charge_card", { declined: true }, "tool_error"],
  ["charge_card", {}, "ok"],
  ["refund_order", { code: -32603 }, "rpc_error -32603"],
  ["no_such_tool", {}, "rpc_error -32602"],
];

const keep = endsAfterAll();
let server: FixtureServer;

beforeAll(async () => {
  server = keep(await startFixtureServer());
});

describe.each([{ concurrency: 4 }, { concurrency: 1 }])(
  "1 000 calls of 20 clients, $concurrency workers",
  (options) => {
    const keep = endsAfterAll();
    const recording = new Recording();
    const ends = new Map<string, number>();
    let envoy: Envoy;

    beforeAll(async () => {
      envoy = keep(await startEnvoy({ upstream: server, ...options }));
      await Promise.all(Array.from({ length: CLIENTS }, (_, index) => runClient(envoy, index, recording, ends)));
      await flushed();
    });

    it("the clients have seen what the script says", () => {
      const perEnd = ROUND.map(([tool, , end]) => `${tool} ${end}`);
      const script = [...new Set(perEnd)].map((key) => [
        key,
        perEnd.filter((each) => each === key).length * CLIENTS * ROUNDS,
      ]);
      expect(Object.fromEntries(ends)).toEqual(Object.fromEntries(script));
      expect([...ends.values()].reduce((sum, calls) => sum + calls)).toBe(1000);
      const types = new Set(recording.exchanges.map(({ contentType }) => contentType));
      expect([...types].sort()).toEqual(["", "application/json", "text/event-stream"]);
      const progress = recording.exchanges
        .flatMap(messagesOf)
        .filter((text) => text.includes("notifications/progress"));
      expect(progress.length).toBeGreaterThan(CLIENTS * ROUNDS);
    });

    it("every counter and every histogram's count is what they did, and there is no other", async () => {
      const isLabelled = (name: string) => TOOLS.includes(name);
      const truth = { ...truthOf(recording.exchanges, isLabelled), ...tokenTruthOf(recording.exchanges, isLabelled) };
      expect(countsOf(ofStreams(await readMetrics(envoy)))).toEqual(truth);
    });

    it("of the calls that the server delays none is shorter", async () => {
      const buckets = (await readMetrics(envoy)).filter(
        ({ name, labels }) =>
          name === "mcp_operation_duration_milliseconds_bucket" && labels.gen_ai_tool_name === "search_docs",
      );
      const upTo = (bound: string) => buckets.find(({ labels }) => labels.le === bound)?.value;
      expect([upTo("50"), upTo("+Inf")]).toEqual([0, CLIENTS * ROUNDS]);
    });
  },
);

describe("names get a label without configuration, one worker", () => {
  const keep = endsAfterAll();

  it.each(CLIENT_KINDS)("by success and by list: %s", async (kind) => {
    const envoy = keep(await startEnvoy({ upstream: server }));
    const client = await connectClient(kind, `${envoy.proxyUrl}/mcp`);
    // Failures prove no name, be it a tool error or a JSON-RPC error; nor does another's success.
    await client.callTool("charge_card", { declined: true });
    await client.callTool("refund_order").catch(() => {});
    await client.callTool("get_weather");
    await client.getPrompt("summarize", { topic: "x" });
    // A success of its own does, from itself on; the list does for the rest.
    await client.callTool("charge_card");
    await client.callTool("charge_card", { declined: true });
    await client.listTools();
    await client.listPrompts();
    await client.callTool("refund_order").catch(() => {});
    await client.getPrompt("unheard_of").catch(() => {});
    await client.close();

    const called = (tool: string, outcome: string, code = "") =>
      series("mcp_operations_total", {
        mcp_method_name: "tools/call",
        gen_ai_tool_name: tool,
        mcp_outcome: outcome,
        rpc_response_status_code: code,
      });
    const got = (prompt: string, outcome: string, code = "") =>
      series("mcp_operations_total", {
        mcp_method_name: "prompts/get",
        gen_ai_prompt_name: prompt,
        mcp_outcome: outcome,
        rpc_response_status_code: code,
      });
    const targets = async () =>
      Object.entries(countsOf(await readMetrics(envoy))).filter(
        ([key]) => key.startsWith("mcp_operations_total") && /tools.call|prompts.get/.test(key),
      );
    await expect
      .poll(async () => Object.fromEntries(await targets()))
      .toEqual({
        [called("_OTHER", "tool_error")]: 1,
        [called("_OTHER", "rpc_error", "-32602")]: 1,
        [called("get_weather", "ok")]: 1,
        [called("charge_card", "ok")]: 1,
        [called("charge_card", "tool_error")]: 1,
        [called("refund_order", "rpc_error", "-32602")]: 1,
        [got("summarize", "ok")]: 1,
        [got("_OTHER", "rpc_error", "-32602")]: 1,
      });
  });
});

/** One client's part. Half of the clients use the endpoint whose legacy answers are JSON. */
async function runClient(envoy: Envoy, index: number, recording: Recording, ends: Map<string, number>): Promise<void> {
  const kind = CLIENT_KINDS[index % CLIENT_KINDS.length];
  const path = index % 2 === 0 ? "/mcp" : "/mcp-json";
  const client = await connectClient(kind, `${envoy.proxyUrl}${path}`, `client-${index}`, recording.fetch);
  await client.listTools();
  for (let round = 0; round < ROUNDS; round++) {
    for (const [tool, args] of ROUND) {
      const key = `${tool} ${await endOf(client, tool, args)}`;
      ends.set(key, (ends.get(key) ?? 0) + 1);
    }
  }
  if (kind === "sdk2-modern") await recording.settled(null);
  await client.close();
}

async function endOf(client: McpClient, tool: string, args: Record<string, unknown>): Promise<string> {
  try {
    const { isError } = await client.callTool(tool, args, { onProgress: () => {} });
    return isError ? "tool_error" : "ok";
  } catch (error) {
    return `rpc_error ${(error as { code: number }).code}`;
  }
}
