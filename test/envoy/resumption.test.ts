/** Streams that end before their answer has come, and are resumed (2025-11-25, "Resumability and Redelivery"): on whichever
 *  worker the answer comes, the call counts once, from its POST to its answer. */
import { setTimeout as sleep } from "node:timers/promises";
import { McpServer } from "@modelcontextprotocol/server";
import { beforeAll, describe, expect, it } from "vitest";
import { type Envoy, startEnvoy } from "../../scripts/envoy/process.ts";
import { type ClientKind, connectClient, type Fetch } from "../../scripts/demo/client.ts";
import { MemoryEventStore } from "../fixtures/servers/conformance/event-store.ts";
import { listen, serveBothEras } from "../../scripts/demo/servers/eras.ts";
import { endsAfterAll } from "./cleanup.ts";
import * as mcp from "./mcp-messages.ts";
import { countsOf, type Metric, readMetrics, series } from "./prometheus.ts";
import { type Recorded, Recording } from "./recording.ts";
import { RawSession, shortFetch } from "./sessions/raw-session.ts";
import { gaugesOf, sessionSums, sessionTruthOf } from "./sessions/session-truth.ts";
import { until } from "./sessions/until.ts";
import { tokenTruthOf } from "./token-truth.ts";
import { truthOf } from "./truth.ts";
import { messagesOf } from "./wire.ts";

/** How soon a client shall come back. */
const RETRY_MS = 40;
/** After the stream's end: bounds of the histogram are 200 and 500. */
const ANSWER_MS = 250;
const CLIENTS = 6;
const CALLS = 5;
const KINDS: ClientKind[] = ["sdk1", "sdk2-legacy"];
const REST_MS = 20_000;
const isLabelled = () => true;

const keep = endsAfterAll();

/** An Envoy with this many workers, and what clients did through it. */
class Run {
  // A connection for each request, so that streams and answers meet every worker.
  readonly recording = new Recording(shortFetch);
  envoy!: Envoy;

  constructor(readonly workers: number) {}
}

const RUNS = [new Run(4), new Run(1)];

beforeAll(async () => {
  const legacy = { eventStore: new MemoryEventStore(), retryInterval: RETRY_MS };
  const serve = serveBothEras(createServer, { legacy });
  const upstream = keep(await listen(() => serve));
  // At once, so that they come to rest at the same time.
  await Promise.all(RUNS.map((run) => load(run, upstream)));
});

async function load(run: Run, upstream: { host: string; port: number }): Promise<void> {
  const { recording, workers } = run;
  run.envoy = keep(await startEnvoy({ upstream, concurrency: workers }));
  const url = `${run.envoy.proxyUrl}/mcp`;
  const kinds = Array.from({ length: CLIENTS }, (_, index) => KINDS[index % KINDS.length]);
  await Promise.all(kinds.map((kind) => runClient(url, kind, recording.fetch)));
  await Promise.all(kinds.map(() => leaveAndResume(url, recording)));
  await until(() => recording.exchanges.every(({ ended }) => ended !== "open"), "the end of all streams");
}

/** Its tools close the stream on which they were called. */
function createServer(): McpServer {
  const server = new McpServer({ name: "polled", version: "1.0.0" });
  server.registerTool("poll", {}, async ({ http }) => {
    http?.closeSSE?.();
    await sleep(ANSWER_MS);
    return { content: [{ type: "text", text: "Answered elsewhere" }] };
  });
  server.registerTool("poll_in_vain", {}, async ({ http }) => {
    http?.closeSSE?.();
    await sleep(ANSWER_MS);
    return { content: [], isError: true };
  });
  server.registerTool("slow", {}, async () => {
    await sleep(ANSWER_MS);
    return { content: [] };
  });
  return server;
}

describe.each(RUNS)("$workers workers", (run) => {
  const { recording } = run;
  let metrics: Metric[];

  it("clients come back for their answers, and some get one twice", () => {
    const resumed = recording.exchanges.filter(({ headers }) => headers.has("last-event-id"));
    expect(resumed.length).toBeGreaterThanOrEqual(CLIENTS * (CALLS + 2));
    const answers = resumed.flatMap(answersIn);
    expect(answers.length).toBeGreaterThan(new Set(answers).size);
    const polled = recording.exchanges.filter(({ body }) => body.includes('"tools/call"'));
    expect(polled.flatMap(answersIn)).toEqual([]);
  });

  it("every counter, gauge and session comes to rest at the truth", { timeout: 2 * REST_MS }, async () => {
    const sessions = sessionTruthOf(recording.exchanges, false);
    const { exchanges } = recording;
    const counts = { ...truthOf(exchanges, isLabelled), ...tokenTruthOf(exchanges, isLabelled), ...sessions.counts };
    const called = (tool: string, outcome: string) =>
      series("mcp_operations_total", { mcp_method_name: "tools/call", gen_ai_tool_name: tool, mcp_outcome: outcome });
    expect(counts).toMatchObject({
      [called("poll", "ok")]: CLIENTS * CALLS,
      [called("poll_in_vain", "tool_error")]: CLIENTS,
      [called("slow", "ok")]: CLIENTS,
    });
    const seen = async () => {
      metrics = await readMetrics(run.envoy);
      return { counts: { ...countsOf(metrics), ...sessionSums(metrics) }, gauges: gaugesOf(metrics) };
    };
    await expect.poll(seen, { timeout: REST_MS, interval: 500 }).toEqual({ counts, gauges: sessions.gauges });
  });

  it("a call's duration is the whole, from its POST to the answer", () => {
    for (const tool of ["poll", "poll_in_vain", "slow"]) {
      const upTo = (le: string) =>
        metrics
          .filter(({ name, labels }) => name === "mcp_operation_duration_milliseconds_bucket" && labels.le === le)
          .filter(({ labels }) => labels.gen_ai_tool_name === tool)
          .reduce((sum, { value }) => sum + value, 0);
      expect([tool, upTo("200"), upTo("+Inf")]).toEqual([tool, 0, tool === "poll" ? CLIENTS * CALLS : CLIENTS]);
    }
  });
});

/** Official clients resume by themselves. */
async function runClient(url: string, kind: ClientKind, fetch: Fetch): Promise<void> {
  const client = await connectClient(kind, url, kind, fetch);
  await client.listTools();
  for (let call = 0; call < CALLS; call++) expect(await client.callTool("poll", { call })).toEqual({ isError: false });
  expect(await client.callTool("poll_in_vain")).toEqual({ isError: true });
  await client.close();
}

/** A client that loses its connection, resumes the stream twice, and gets its answer each time. */
async function leaveAndResume(url: string, recording: Recording): Promise<void> {
  const session = await new RawSession(url, recording.fetch, "raw").open();
  const headers = { ...mcp.LEGACY, "mcp-session-id": session.id! };
  const controller = new AbortController();
  const call = mcp.toolCall(100, "slow");
  const response = await recording.fetch(url, { method: "POST", headers, body: call, signal: controller.signal });
  const [, id] = /^id: (.*)$/m.exec(await firstOf(response))!;
  controller.abort();
  const resume = { ...headers, accept: "text/event-stream", "last-event-id": id };
  for (let time = 0; time < 2; time++) {
    const leave = new AbortController();
    const open = () => recording.fetch(url, { method: "GET", headers: resume, signal: leave.signal });
    let stream = await open();
    // Until the server has seen that the stream before was left.
    for (; stream.status === 409; stream = await open()) await sleep(RETRY_MS);
    expect(await firstOf(stream)).toContain('"id":100');
    leave.abort();
  }
  await session.remove();
}

/** The first of a stream. */
async function firstOf({ body }: Response): Promise<string> {
  const { value } = await (body as ReadableStream<Uint8Array>).getReader().read();
  return Buffer.from(value!).toString();
}

/** Which calls the stream answers, by session. */
function answersIn(exchange: Recorded): string[] {
  const session = exchange.headers.get("mcp-session-id");
  return messagesOf(exchange)
    .map((text) => JSON.parse(text) as { id?: number; method?: string })
    .filter(({ method }) => method === undefined)
    .map(({ id }) => `${session} ${id}`);
}
