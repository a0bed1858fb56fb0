/** Official clients and servers work through Envoy as they do without it, and what they do is counted. */
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { startEnvoy } from "../../scripts/envoy/process.ts";
import { CLIENT_KINDS, type ClientKind, connectClient, type McpClient } from "../../scripts/demo/client.ts";
import { type EverythingServer, startEverythingServer } from "../../scripts/demo/servers/everything.ts";
import { type FixtureServer, startFixtureServer } from "../../scripts/demo/servers/fixture-server.ts";
import { endsAfterAll } from "./cleanup.ts";
import { countsOf, flushed, ofStreams, readMetrics } from "./prometheus.ts";
import { type Recorded, Recording } from "./recording.ts";
import { tokenTruthOf } from "./token-truth.ts";
import { truthOf } from "./truth.ts";
import { listedNames, messagesOf } from "./wire.ts";

const keep = endsAfterAll();
let fixture: FixtureServer;
let everything: EverythingServer;

beforeAll(async () => {
  fixture = keep(await startFixtureServer());
  everything = keep(await startEverythingServer());
});

/** One step of a client, and what it calls. */
type Step = (client: McpClient) => Promise<unknown>;

/** Calls a tool that takes its time, and cancels the call once it is under way. */
function cancelled(tool: string, args: Record<string, unknown>): Step {
  return async (client) => {
    const controller = new AbortController();
    const call = client.callTool(tool, args, { signal: controller.signal });
    setTimeout(() => controller.abort(), 200);
    await call;
  };
}

/** Calls a tool and tells how often it reported progress. */
function watched(tool: string, args: Record<string, unknown>): Step {
  return async (client) => {
    let reports = 0;
    const result = await client.callTool(tool, args, { onProgress: () => reports++ });
    return { ...result, reports };
  };
}

const COMMON: Step[] = [
  (client) => client.listTools(),
  (client) => client.listPrompts(),
  (client) => client.listResources(),
];

const FIXTURE_STEPS: Step[] = [
  ...COMMON,
  (client) => client.callTool("get_weather", { city: "Tromsø" }),
  (client) => client.callTool("charge_card", { declined: true }),
  (client) => client.callTool("refund_order"),
  (client) => client.callTool("no_such_tool"),
  (client) => client.callTool("read_log", { bytes: 250_000 }),
  watched("export_report", { steps: 4, ms: 10 }),
  (client) => client.getPrompt("summarize", { topic: "refunds" }),
  (client) => client.getPrompt("unheard_of"),
  (client) => client.readResource("demo://readme"),
  (client) => client.readResource("demo://nothing"),
  cancelled("wait_for_approval", {}),
];

const EVERYTHING_STEPS: Step[] = [
  ...COMMON,
  (client) => client.callTool("echo", { message: "hello" }),
  (client) => client.callTool("get-sum", { a: 1, b: 2 }),
  (client) => client.callTool("get-sum", { a: "one", b: 2 }),
  (client) => client.callTool("get-tiny-image"),
  (client) => client.callTool("no-such-tool"),
  watched("trigger-long-running-operation", { duration: 1, steps: 4 }),
  (client) => client.getPrompt("simple-prompt"),
  cancelled("trigger-long-running-operation", { duration: 60, steps: 1 }),
];

const SETS: {
  name: string;
  server: () => { host: string; port: number };
  kinds: readonly ClientKind[];
  steps: Step[];
}[] = [
  { name: "our fixture server", server: () => fixture, kinds: CLIENT_KINDS, steps: FIXTURE_STEPS },
  // It speaks the legacy era only.
  { name: "server-everything", server: () => everything, kinds: ["sdk1", "sdk2-legacy"], steps: EVERYTHING_STEPS },
];

describe.each(SETS)("$name", ({ server, kinds, steps }) => {
  describe.each([1, 4])("%d workers", (concurrency) => {
    const keep = endsAfterAll();

    it("the clients see what they see without Envoy, and every counter is right", async () => {
      const { host, port } = server();
      const envoy = keep(await startEnvoy({ upstream: server(), concurrency }));
      const recorded: Recorded[] = [];
      for (const kind of kinds) {
        const direct = await runSteps(kind, `http://${host}:${port}/mcp`, steps);
        const proxied = await runSteps(kind, `${envoy.proxyUrl}/mcp`, steps);
        expect(proxied.seen).toEqual(direct.seen);
        expect(posts(proxied.exchanges)).toEqual(posts(direct.exchanges));
        recorded.push(...proxied.exchanges);
      }
      // Clients list tools and prompts first.
      const names = new Set(recorded.flatMap(listedNames));
      const isLabelled = (name: string) => names.has(name);
      const truth = { ...truthOf(recorded, isLabelled), ...tokenTruthOf(recorded, isLabelled) };
      await flushed();
      expect(countsOf(ofStreams(await readMetrics(envoy)))).toEqual(truth);
    });
  });
});

/** Runs a session of a client: what each step gave, and what went over the wire. */
async function runSteps(
  kind: ClientKind,
  url: string,
  steps: Step[],
): Promise<{ seen: unknown[]; exchanges: Recorded[] }> {
  const recording = new Recording();
  const client = await connectClient(kind, url, kind, recording.fetch);
  const seen: unknown[] = [];
  for (const step of steps) seen.push(await step(client).catch((error: Error) => `${error.name}: ${error.message}`));
  if (kind === "sdk2-modern") await recording.settled(null);
  // The cancellation is a POST of its own, which the server must have before the session ends.
  else while (!recording.exchanges.some(isEndedCancellation)) await sleep(5);
  await client.close();
  return { seen, exchanges: recording.exchanges };
}

function isEndedCancellation({ body, ended }: Recorded): boolean {
  return body.includes("notifications/cancelled") && ended === "complete";
}

/** The POSTs with what was answered. The GET stream comes at a time of its own choice. */
function posts(exchanges: Recorded[]): unknown[] {
  return exchanges
    .filter(({ method }) => method === "POST")
    .map((exchange) => ({
      body: exchange.body,
      status: exchange.status,
      contentType: exchange.contentType,
      messages: messagesOf(exchange),
      ended: exchange.ended,
    }));
}
