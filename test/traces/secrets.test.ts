/** What never reaches a collector, logs or metrics: arguments, results, session ids, URIs, credentials. */
import { beforeAll, describe, expect, it } from "vitest";
import { endsAfterAll } from "../envoy/cleanup.ts";
import * as mcp from "../envoy/mcp-messages.ts";
import { TOOL, useScenarios } from "../envoy/outcomes.ts";
import { begin, exchange, headOf, leaveAfterFirstChunk } from "../envoy/raw-http.ts";
import { addCluster, edited } from "../envoy/sessions/bootstrap.ts";
import { until } from "../envoy/sessions/until.ts";
import { bodyOf } from "../envoy/upstream.ts";
import { hasReceiver, Receiver } from "./receiver.ts";
import type { Span } from "./spans.ts";

/** Part of every secret. */
const SECRET = "xyzzy";
const SESSION = `${SECRET}-session`;
const CREDENTIAL = `Bearer ${SECRET}-credential`;
const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const META = { traceparent: TRACEPARENT, tracestate: `v=${SECRET}`, baggage: `user=${SECRET}` };
const LEGACY = {
  ...mcp.LEGACY,
  "mcp-session-id": SESSION,
  authorization: CREDENTIAL,
  tracestate: `v=${SECRET}`,
  baggage: `user=${SECRET}`,
  "mcp-name": SECRET,
};
const RESULT = { content: [{ type: "text", text: `${SECRET} result` }], structuredContent: { it: SECRET } };
const RESOURCE = "file:///notes";
/** Below this path a policy denies everything but calls of {@link TOOL}, and a limit admits only the first of these. */
const GUARDED = "/guarded";
/** Milliseconds until the last span is exported: two ticks and more. */
const EXPORTED_MS = 20_000;

describe.runIf(await hasReceiver()).each(["protobuf", "json"])("in %s", (encoding) => {
  const keep = endsAfterAll();
  let receiver: Receiver;
  beforeAll(async () => {
    receiver = keep(await Receiver.start());
  });
  const scenarios = useScenarios({
    concurrency: 2,
    pluginConfig: JSON.stringify({
      log: "info",
      logFields: true,
      match: { paths: [GUARDED] },
      access: {
        audit: { arguments: true, perSecond: 1000 },
        rules: [{ name: "probe-only", action: "ALLOW", to: [{ operation: { tools: [TOOL] } }] }],
      },
      limits: { rules: [{ name: "once", key: [], requests: { amount: 1, per: "720h" } }] },
      trace: {
        cluster: "collector",
        encoding,
        headers: { authorization: CREDENTIAL, "x-tenant": SECRET },
        sessionKey: `${SECRET} is the key of sessions`,
        sample: { ratio: 1 },
      },
    }),
    vary: edited((bootstrap) => addCluster(bootstrap, "collector", receiver.port)),
  });

  /** Exchanges that each begin one operation with the exchange's name as its id, and resolve to the outcome. */
  const exchanges: Record<string, () => Promise<string>> = {
    called: async () => post(answering(200, mcp.JSON_TYPE, mcp.result("called", RESULT)), call("called"), "ok"),
    windowed: async () =>
      post(answering(200, mcp.JSON_TYPE, mcp.result("windowed", RESULT)), call("windowed"), "ok", {
        ...mcp.LEGACY,
        authorization: CREDENTIAL,
      }),
    failed: async () =>
      post(
        answering(200, mcp.SSE_TYPE, mcp.event(mcp.result("failed", { ...RESULT, isError: true }))),
        call("failed"),
        "tool_error",
      ),
    refused: async () => {
      const error = { code: -32603, message: SECRET, data: { it: SECRET } };
      const answer = JSON.stringify({ jsonrpc: "2.0", id: "refused", error });
      return post(answering(200, mcp.JSON_TYPE, answer), call("refused"), "rpc_error");
    },
    read: async () => {
      // Access logs show the part before the query.
      const uri = `${RESOURCE}?${SECRET}`;
      const answer = mcp.result("read", { contents: [{ uri, text: SECRET }] });
      return post(answering(200, mcp.JSON_TYPE, answer), request("read", "resources/read", { uri }), "ok");
    },
    prompted: async () => {
      const params = { name: "summarize", arguments: { topic: SECRET } };
      const answer = mcp.result("prompted", { messages: [{ role: "user", content: { type: "text", text: SECRET } }] });
      const headers = { ...mcp.MODERN, "mcp-method": "prompts/get", authorization: CREDENTIAL };
      return post(answering(200, mcp.JSON_TYPE, answer), request("prompted", "prompts/get", params), "ok", headers);
    },
    unknown: async () =>
      post(
        answering(200, mcp.JSON_TYPE, mcp.result("unknown")),
        request("unknown", `${SECRET}/do`, { it: SECRET }),
        "ok",
      ),
    unanswered: async () => post(answering(200, mcp.SSE_TYPE, `: ${SECRET}\n\n`), call("unanswered"), "unanswered"),
    compressed: async () => {
      const headers = { ...mcp.JSON_TYPE, "content-encoding": "gzip" };
      return post(answering(200, headers, SECRET), call("compressed"), "undecoded");
    },
    progressed: async () => {
      const progress = { progressToken: SECRET, progress: 1, message: SECRET };
      const events = [mcp.notification("notifications/progress", progress), mcp.result("progressed", RESULT)];
      return post(answering(200, mcp.SSE_TYPE, events.map(mcp.event).join("")), call("progressed"), "ok");
    },
    asked: async () => {
      const question = { messages: [{ role: "user", content: { type: "text", text: SECRET } }], systemPrompt: SECRET };
      const events = [mcp.request("asking", "sampling/createMessage", question), mcp.result("asked", RESULT)];
      return post(answering(200, mcp.SSE_TYPE, events.map(mcp.event).join("")), call("asked"), "ok");
    },
    left: async () => {
      const url = scenarios.answering((response) => response.writeHead(200, mcp.SSE_TYPE).write(`: ${SECRET}\n\n`));
      await leaveAfterFirstChunk(url, { headers: LEGACY, body: [call("left")] });
      return "disconnected";
    },
    broken: async () => {
      const url = scenarios.answering((response) => response.destroy());
      await exchange(url, { headers: LEGACY, body: [call("broken")] });
      return "upstream_error";
    },
    // The limit also covers its endpoint, and admits it.
    "over-sse": async () => overHttpSse(),
    // On GUARDED, with any response of the server.
    denied: async () => post(`${scenarios.envoy.proxyUrl}${GUARDED}/denied?${SECRET}`, call("denied", "rm"), "denied"),
    limited: async () => {
      const url = `${scenarios.envoy.proxyUrl}${GUARDED}/limited`;
      return post(url, call("limited"), "limited");
    },
  };

  const outcomes: Record<string, string> = {};
  let spans: Span[];
  let stats: string;

  beforeAll(async () => {
    for (const [id, run] of Object.entries(exchanges)) outcomes[id] = await run();
    const found = () => new Set(receiver.spans().map(({ attributes }) => attributes["jsonrpc.request.id"]));
    await until(
      () => Object.keys(exchanges).every((id) => found().has(id)),
      "all spans are exported",
      EXPORTED_MS,
    ).catch((error: Error) => console.warn(error.message));
    await receiver.caughtUp();
    spans = receiver.spans();
    stats = await scenarios.envoy.stats();
    await scenarios.envoy.stop();
  });

  it("each exchange has a span", () => {
    const found = spans.map(({ attributes }) => [attributes["jsonrpc.request.id"], attributes["mcp.outcome"]]);
    expect(Object.fromEntries(found)).toMatchObject(outcomes);
    const all = spans.map(({ attributes }) => attributes["session.id"]).filter((session) => session !== undefined);
    expect(new Set(all).size).toBeGreaterThan(1);
  });

  it("denials and limits name their rules, as events too", () => {
    const of = (id: string) => spans.find(({ attributes }) => attributes["jsonrpc.request.id"] === id)!;
    const said = (id: string) => [of(id).attributes["mcp.rule"], of(id).events.map(({ name }) => name)];
    expect(said("denied")).toEqual(["_default", ["mcp.denied"]]);
    expect(said("limited")).toEqual(["once", ["mcp.limited"]]);
    expect([of("denied").status, of("limited").status]).toEqual(["error", "error"]);
  });

  it("requests carry the configured headers", () => {
    for (const { headers } of receiver.requests)
      expect(headers).toMatchObject({ authorization: CREDENTIAL, "x-tenant": SECRET });
  });

  it("no secret is in what was exported, logged or counted", () => {
    expect(receiver.requests.length).toBeGreaterThan(0);
    for (const { body } of receiver.requests)
      expect([body.includes(SECRET), body.includes(RESOURCE)]).toEqual([false, false]);
    expect(scenarios.envoy.log()).toContain("mcp_access_denied");
    expect(scenarios.envoy.log()).not.toContain(SECRET);
    expect(stats).toContain("mcp_trace_spans_total");
    expect(stats).not.toContain(SECRET);
  });

  function answering(status: number, headers: Record<string, string>, body: string): string {
    return scenarios.answering((response) => response.writeHead(status, headers).end(body));
  }

  async function post(
    url: string,
    body: string,
    outcome: string,
    headers: Record<string, string> = LEGACY,
  ): Promise<string> {
    await exchange(url, { headers, body: [body] });
    return outcome;
  }

  /** The stream stays open until the response has arrived on it. */
  async function overHttpSse(): Promise<string> {
    const { upstream, envoy } = scenarios;
    let answerOnStream = () => {};
    const endpoint = upstream.route(async (incoming, response) => {
      await bodyOf(incoming);
      response.writeHead(202).end();
      answerOnStream();
    });
    const stream = upstream.route((_request, response) => {
      response.writeHead(200, mcp.SSE_TYPE).write(`event: endpoint\ndata: ${endpoint}?sessionId=${SECRET}\n\n`);
      answerOnStream = () => response.end(mcp.event(mcp.result("over-sse", RESULT)));
    });
    const accept = { accept: "text/event-stream" };
    const opened = await headOf(begin(`${envoy.proxyUrl}${stream}`, { method: "GET", headers: accept }));
    const body = bodyOf(opened);
    await post(`${envoy.proxyUrl}${endpoint}?sessionId=${SECRET}`, call("over-sse"), "ok", mcp.JSON_TYPE);
    await body;
    return "ok";
  }
});

function request(id: string, method: string, params: object): string {
  return mcp.request(id, method, { ...params, _meta: META });
}

function call(id: string, tool = TOOL): string {
  return request(id, "tools/call", { name: tool, arguments: { query: `${SECRET} argument` } });
}
