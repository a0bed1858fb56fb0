/** HTTP+SSE (2024-11-05) of official servers and clients: they see through Envoy what they see without, and all is counted. */
import type { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { beforeAll, describe, expect, it } from "vitest";
import { type Envoy, startEnvoy } from "../../scripts/envoy/process.ts";
import { connectSseClient } from "../fixtures/clients/sse-client.ts";
import { startEverythingServer } from "../../scripts/demo/servers/everything.ts";
import { startSseServer } from "../fixtures/servers/sse-server.ts";
import { endsAfterAll } from "./cleanup.ts";
import { countsOf, readMetrics } from "./prometheus.ts";
import { type Recorded, Recording } from "./recording.ts";
import { gaugesOf, sessionSums, type SessionTruth, sessionTruthOf } from "./sessions/session-truth.ts";
import { until } from "./sessions/until.ts";
import { tokenTruthOf } from "./token-truth.ts";
import { truthOf } from "./truth.ts";
import { listedNames, wireOf } from "./wire.ts";

const SESSIONS = 6;
const REST_MS = 40_000;

const keep = endsAfterAll();
const servers = new Map<string, { host: string; port: number }>();

/** One step of a client, and what it gets of it. */
type Step = (client: Client) => Promise<unknown>;

/** Calls a tool and tells how often it reported progress. */
function call(name: string, args: Record<string, unknown> = {}): Step {
  return async (client) => {
    let reports = 0;
    const result = await client.callTool({ name, arguments: args }, undefined, { onprogress: () => reports++ });
    return { ...result, reports };
  };
}

/** Calls a tool that takes its time, and cancels the call. */
function cancelled(name: string, args: Record<string, unknown>): Step {
  return async (client) => {
    const controller = new AbortController();
    const options = { signal: controller.signal };
    const called = client.callTool({ name, arguments: args }, undefined, options);
    setTimeout(() => controller.abort(), 100);
    await called;
  };
}

const STEPS: Record<string, Step[]> = {
  "the SDK's server": [
    (client) => client.listTools(),
    (client) => client.listPrompts(),
    (client) => client.ping(),
    call("echo", { text: "Tromsø ☃ 東京" }),
    call("echo", { text: "Tromsø ☃ 東京" }),
    call("echo", { text: 1 }),
    call("decline"),
    call("no_such_tool"),
    call("count", { steps: 3 }),
    call("ask_model"),
    call("ask_user"),
    call("ask_roots"),
    (client) => client.getPrompt({ name: "summarize" }),
    (client) => client.readResource({ uri: "demo://nothing" }),
    // Answered in the opposite order.
    async (client) => {
      const calls = [call("sleep", { ms: 150 }), call("echo", { text: "at once" })];
      return Promise.all(calls.map((step) => step(client)));
    },
    cancelled("sleep", { ms: 60_000 }),
  ],
  "server-everything": [
    (client) => client.listTools(),
    (client) => client.listPrompts(),
    call("echo", { message: "hello" }),
    call("get-sum", { a: "one", b: 2 }),
    call("get-tiny-image"),
    call("trigger-long-running-operation", { duration: 1, steps: 2 }),
    call("trigger-sampling-request", { prompt: "the weather" }),
    call("trigger-elicitation-request"),
    call("get-roots-list"),
    cancelled("trigger-long-running-operation", { duration: 60, steps: 1 }),
  ],
};

/** A server behind an Envoy with this many workers, and what its clients did. */
interface Run {
  server: string;
  workers: number;
  envoy?: Envoy;
  direct: unknown[];
  sessions: Session[];
}

interface Session {
  /** What each step gave. */
  seen: unknown[];
  /** What went over the wire. */
  exchanges: Recorded[];
}

const RUNS = Object.keys(STEPS).flatMap((server) =>
  [1, 4].map((workers): Run => ({ server, workers, direct: [], sessions: [] })),
);

beforeAll(async () => {
  servers.set("the SDK's server", keep(await startSseServer()));
  servers.set("server-everything", keep(await startEverythingServer("sse")));
  // All at once, so that they come to rest at the same time.
  await Promise.all(RUNS.map(load));
});

async function load(run: Run): Promise<void> {
  const server = servers.get(run.server)!;
  const steps = STEPS[run.server];
  const envoy = keep(await startEnvoy({ upstream: server, concurrency: run.workers }));
  run.envoy = envoy;
  run.direct = (await runSession(`http://${server.host}:${server.port}/sse`, steps)).seen;
  const runThrough = () => runSession(`${envoy.proxyUrl}/sse`, steps);
  // The first to come learns the names; the others share the workers.
  run.sessions.push(await runThrough());
  run.sessions.push(...(await Promise.all(Array.from({ length: SESSIONS - 1 }, runThrough))));
}

describe.each(RUNS)("$server, $workers workers", (run) => {
  it("the clients see what they see without Envoy", () => {
    expect(run.sessions).toHaveLength(SESSIONS);
    for (const { seen } of run.sessions) expect(seen).toEqual(run.direct);
  });

  it("every counter and gauge comes to rest at the truth", { timeout: 2 * REST_MS }, async () => {
    const truth = truthFor(run);
    const seen = async () => {
      const metrics = await readMetrics(run.envoy!);
      return { counts: { ...countsOf(metrics), ...sessionSums(metrics) }, gauges: gaugesOf(metrics) };
    };
    await expect.poll(seen, { timeout: REST_MS, interval: 500 }).toEqual(truth);
  });

  it("the truth has what the server asked, and how calls, streams and sessions ended", () => {
    const keys = Object.keys(truthFor(run).counts).join("\n");
    for (const method of ["sampling/createMessage", "elicitation/create", "roots/list"]) {
      expect(keys).toContain(`mcp_operations_total mcp_method_name=${method} mcp_outcome=ok`);
    }
    for (const outcome of ["ok", "tool_error", "cancelled"]) expect(keys).toContain(`mcp_outcome=${outcome}`);
    expect(keys).toContain("mcp_session_end=stream_closed mcp_session_kind=http_sse");
    expect(keys).toContain("mcp_stream_end=client_closed mcp_stream_kind=http_sse");
  });
});

function truthFor({ sessions }: Run): SessionTruth {
  const recorded = sessions.flatMap(({ exchanges }) => exchanges);
  const names = new Set(recorded.flatMap(listedNames));
  const isLabelled = (name: string) => names.has(name);
  const { counts, gauges } = sessionTruthOf(recorded, false);
  return { counts: { ...truthOf(recorded, isLabelled), ...tokenTruthOf(recorded, isLabelled), ...counts }, gauges };
}

async function runSession(url: string, steps: Step[]): Promise<Session> {
  const recording = new Recording();
  const client = await connectSseClient(url, "sse", recording.fetch);
  const seen: unknown[] = [];
  for (const step of steps) seen.push(await step(client).catch((error: Error) => `${error.name}: ${error.message}`));
  // POSTs of their own, which the server must have before the session ends; and what it asks by itself.
  await until(() => isAtRest(recording.exchanges), "all answers");
  await client.close();
  await until(() => recording.exchanges.every(({ ended }) => ended !== "open"), "the end of the stream");
  return { seen, exchanges: recording.exchanges };
}

function isAtRest(exchanges: Recorded[]): boolean {
  const posts = exchanges.filter(({ method }) => method === "POST");
  const { sent, received } = wireOf(exchanges);
  const asked = received.filter(({ message: { id, method } }) => id !== undefined && method !== undefined);
  const answered = sent.filter(({ message: { method } }) => method === undefined);
  const isCancelled = sent.some(({ message }) => message.method === "notifications/cancelled");
  return isCancelled && asked.length === answered.length && posts.every(({ ended }) => ended !== "open");
}
