/** Batches to a server of the official SDK 1.x, which takes them: each message counts, and all bytes pass. */
import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { beforeAll, describe, expect, it } from "vitest";
import { type Envoy, startEnvoy } from "../../scripts/envoy/process.ts";
import { tokensOf } from "../estimator.ts";
import { endsAfterAll } from "./cleanup.ts";
import * as mcp from "./mcp-messages.ts";
import { ofOutcomes } from "./outcomes.ts";
import { added, count, type Counts, countersOf, type Metric, ofStreams, readMetrics } from "./prometheus.ts";
import { bodyOf, startUpstream, type Upstream } from "./upstream.ts";
import { messagesOf } from "./wire.ts";

const keep = endsAfterAll();
let upstream: Upstream;
let envoy: Envoy;

/** What the server saw and wrote last. */
const seen = { request: "", response: "" };

beforeAll(async () => {
  upstream = keep(await startUpstream());
  const pluginConfig = JSON.stringify({ labels: { tools: ["add", "fail"] } });
  envoy = keep(await startEnvoy({ upstream, pluginConfig }));
});

/** A server of the SDK with one session: its endpoint, behind Envoy. */
async function startServer(enableJsonResponse: boolean): Promise<string> {
  const server = new McpServer({ name: "batches", version: "1.0.0" });
  server.registerTool("add", { description: "Tells of progress, and adds" }, async ({ sendNotification }) => {
    const params = { progressToken: "p", progress: 1 };
    await sendNotification({ method: "notifications/progress", params });
    return { content: [{ type: "text", text: SUM }] };
  });
  server.registerTool("fail", {}, () => ({ content: [], isError: true }));
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: randomUUID, enableJsonResponse });
  await server.connect(transport);
  keep(server);
  const path = upstream.route(async (request, response) => {
    seen.request = String(await bodyOf(request));
    recordResponse(response);
    await transport.handleRequest(request, response, JSON.parse(seen.request));
  });
  return `${envoy.proxyUrl}${path}`;
}

/** Keeps what is written in `seen.response`. */
function recordResponse(response: ServerResponse): void {
  seen.response = "";
  const keepChunk = (chunk: unknown) => {
    if (typeof chunk === "string" || chunk instanceof Uint8Array)
      seen.response += Buffer.from(chunk as string).toString();
  };
  const write = response.write.bind(response) as (...args: unknown[]) => boolean;
  const end = response.end.bind(response) as (...args: unknown[]) => ServerResponse;
  response.write = (...args: unknown[]) => (keepChunk(args[0]), write(...args));
  response.end = (...args: unknown[]) => (keepChunk(args[0]), end(...args));
}

interface Answer {
  status: number;
  session: string;
  /** The messages of the response, those of an array one by one. */
  messages: { id?: unknown; method?: string; error?: { code: number } }[];
}

/** Posts messages as one array; both bodies must pass as they are. */
async function postBatch(url: string, messages: string[], headers: Record<string, string> = {}): Promise<Answer> {
  const body = `[${messages.join(", ")}]\n`;
  const response = await fetch(url, { method: "POST", headers: { ...HEADERS, ...headers }, body });
  const text = await response.text();
  expect(seen.request).toBe(body);
  expect(text).toBe(seen.response);
  const contentType = response.headers.get("content-type") ?? "";
  const parsed = messagesOf({ contentType, text }).flatMap((each) => JSON.parse(each) as Answer["messages"]);
  return { status: response.status, session: response.headers.get("mcp-session-id") ?? "", messages: parsed };
}

const SUM = "five and six make eleven";
const HEADERS = { "content-type": "application/json", accept: "application/json, text/event-stream" };
const ADD = mcp.toolCall(101, "add");
const FAIL = mcp.toolCall("102", "fail");
const PING = mcp.request(103, "ping");
const UNKNOWN = mcp.request(104, "prompts/list");
const ROOTS = mcp.notification("notifications/roots/list_changed");
const INITIALIZE = mcp.request(0, "initialize", {
  protocolVersion: "2025-03-26",
  capabilities: {},
  clientInfo: { name: "batching", version: "1" },
});

/** Runs the scenario and waits until the counters of these metrics have grown by what is to be expected of its answer. */
async function counting(
  scenario: () => Promise<Answer>,
  expected: (answer: Answer) => Counts,
  metricsOf: (metrics: Metric[]) => Metric[] = ofStreams,
): Promise<Answer> {
  const counters = async () => countersOf(metricsOf(await readMetrics(envoy)));
  const before = await counters();
  const answer = await scenario();
  await expect.poll(async () => added(before, await counters()), { timeout: 5000 }).toEqual(expected(answer));
  return answer;
}

/** Starts a server and opens its session, with a batch of an `initialize` alone; posts batches in it. */
async function openSession(isJson: boolean): Promise<(messages: string[]) => Promise<Answer>> {
  const url = await startServer(isJson);
  const { session } = await counting(
    () => postBatch(url, [INITIALIZE]),
    ({ status, messages }) => {
      expect([status, messages.map(({ id }) => id)]).toEqual([200, [0]]);
      const counts = new Expected();
      counts.operation({ mcp_method_name: "initialize" }, INITIALIZE, "ok", JSON.stringify(messages[0]));
      return counts.all;
    },
  );
  const headers = { "mcp-session-id": session, "mcp-protocol-version": "2025-03-26" };
  return (messages) => postBatch(url, messages, headers);
}

/** What one POST is to add. */
class Expected {
  readonly all: Counts = {};

  constructor() {
    count(this.all, "mcp_streams_total", { mcp_stream_kind: "post", mcp_stream_end: "complete" });
  }

  operation(labels: Record<string, string>, asked: string, outcome: string, answered: string, code = ""): void {
    const ended = { mcp_outcome: outcome, rpc_response_status_code: code };
    count(this.all, "mcp_operations_total", { ...labels, ...ended });
    this.#bytes({ ...labels, mcp_direction: "client_to_server" }, asked);
    this.#bytes({ ...labels, mcp_direction: "server_to_client" }, answered);
  }

  notification(mcp_direction: string, text: string): void {
    const labels = { mcp_method_name: (JSON.parse(text) as { method: string }).method, mcp_direction };
    count(this.all, "mcp_notifications_total", labels);
    this.#bytes(labels, text);
  }

  /** Which request it belongs to is unknown if several are open. */
  progress(text: string): void {
    this.notification("server_to_client", text);
    count(this.all, "mcp_progress_total", {});
  }

  tokens(gen_ai_tool_name: string, mcp_token_kind: string, text: unknown): void {
    const labels = { gen_ai_tool_name, mcp_token_kind, mcp_token_source: "estimated" };
    count(this.all, "mcp_tokens_total", labels, tokensOf([text]));
  }

  #bytes(labels: Record<string, string>, text: string): void {
    count(this.all, "mcp_payload_bytes_total", labels, Buffer.byteLength(text));
  }
}

const tool = (name: string) => ({ mcp_method_name: "tools/call", gen_ai_tool_name: name });

describe.each([
  ["JSON", true],
  ["events", false],
])("a server that answers with %s", (_, isJson) => {
  it("takes a batch, each message of which counts", async () => {
    const send = await openSession(isJson);
    await counting(
      () => send([ADD, ROOTS, FAIL, PING, UNKNOWN]),
      ({ status, messages }) => {
        expect(status).toBe(200);
        const answerTo = (id: unknown) => JSON.stringify(messages.find((each) => each.id === id));
        const counts = new Expected();
        counts.operation(tool("add"), ADD, "ok", answerTo(101));
        counts.operation(tool("fail"), FAIL, "tool_error", answerTo("102"));
        counts.operation({ mcp_method_name: "ping" }, PING, "ok", answerTo(103));
        counts.operation({ mcp_method_name: "prompts/list" }, UNKNOWN, "rpc_error", answerTo(104), "-32601");
        counts.notification("client_to_server", ROOTS);
        const progress = messages.filter(({ method }) => method !== undefined);
        // Where one array of JSON answers all, there is no room for it.
        expect(progress).toHaveLength(isJson ? 0 : 1);
        for (const each of progress) counts.progress(JSON.stringify(each));
        counts.tokens("add", "arguments", {});
        counts.tokens("fail", "arguments", {});
        counts.tokens("add", "result", SUM);
        return counts.all;
      },
    );
  });

  it("takes a batch of notifications", async () => {
    const send = await openSession(isJson);
    await counting(
      () => send([ROOTS, ROOTS]),
      ({ status }) => {
        expect(status).toBe(202);
        const counts = new Expected();
        for (const each of [ROOTS, ROOTS]) counts.notification("client_to_server", each);
        return counts.all;
      },
    );
  });

  const REFUSED: [
    what: string,
    batch: string[],
    code: number,
    operations: number,
    undecoded: Record<string, number>,
  ][] = [
    ["of more messages than it takes", Array<string>(101).fill(PING), -32600, 64, { batch: 37 }],
    ["with something else in it", [PING, "{}", PING], -32700, 2, { not_jsonrpc: 1 }],
  ];

  it.each(REFUSED)("refuses a batch %s, and all in it", async (_what, batch, code, operations, undecoded) => {
    const send = await openSession(isJson);
    await counting(
      () => send(batch),
      ({ status, messages }) => {
        expect([status, messages]).toMatchObject([400, [{ id: null, error: { code } }]]);
        const counts: Counts = {};
        const labels = { mcp_method_name: "ping", mcp_outcome: "rpc_error", rpc_response_status_code: String(code) };
        count(counts, "mcp_operations_total", labels, operations);
        count(counts, "mcp_streams_total", { mcp_stream_kind: "post", mcp_stream_end: "complete" });
        for (const [mcp_reason, times] of Object.entries(undecoded)) {
          count(counts, "mcp_undecoded_total", { mcp_reason }, times);
        }
        return counts;
      },
      ofOutcomes,
    );
  });
});
