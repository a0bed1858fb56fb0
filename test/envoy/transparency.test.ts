/** Bytes and headers are those of the same Envoy without the filter, on both sides. */
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { IncomingHttpHeaders } from "node:http2";
import { beforeAll, describe, expect, it } from "vitest";
import { type Envoy, startEnvoy } from "../../scripts/envoy/process.ts";
import { endsAfterAll } from "./cleanup.ts";
import { call, EXCHANGES } from "./exchanges.ts";
import * as mcp from "./mcp-messages.ts";
import { countersOf, readMetrics, series } from "./prometheus.ts";
import { begin, exchange, headOf, type RawAnswer } from "./raw-http.ts";
import { exchangeHttp2 } from "./raw-http2.ts";
import { bodyOf, startUpstream, type Upstream } from "./upstream.ts";
import { VOLATILE, witness } from "./witness.ts";

const keep = endsAfterAll();
let upstream: Upstream;
let filtered: Envoy;
let bare: Envoy;

beforeAll(async () => {
  upstream = keep(await startUpstream());
  filtered = keep(await startEnvoy({ upstream }));
  bare = keep(await startEnvoy({ upstream, withoutFilter: true }));
});

describe("over HTTP/1.1", () => {
  it.each(EXCHANGES)("%s", async (_what, request, respond) => {
    const without = await witness(bare.proxyUrl, upstream, request, (_request, response) => respond(response));
    const withFilter = await witness(filtered.proxyUrl, upstream, request, (_request, response) => respond(response));
    expect(without.server).toBeDefined();
    expect(without.client).toBeTypeOf("object");
    expect(withFilter).toEqual(without);
  });

  it("the filter has read them", async () => {
    const counters = countersOf(await readMetrics(filtered));
    const called = { mcp_method_name: "tools/call", gen_ai_tool_name: "echo", mcp_outcome: "ok" };
    expect(counters[series("mcp_operations_total", called)]).toBe(8);
    // Of the batch's two calls one is answered, and what the server asks on the GET stream never.
    expect(counters[series("mcp_operations_total", { ...called, mcp_outcome: "unanswered" })]).toBe(2);
    expect(counters[series("mcp_streams_total", { mcp_stream_kind: "get", mcp_stream_end: "server_closed" })]).toBe(1);
  });
});

describe("with responseHeaders", () => {
  const DESCRIPTION = /^x-mcp-(method|target|era|session|rule|outcome): /;
  let describing: Envoy;
  let guarding: Envoy;

  beforeAll(async () => {
    const access = { rules: [{ name: "echo-only", action: "ALLOW", to: [{ operation: { tools: ["echo"] } }] }] };
    const start = async (configuration: object) =>
      keep(await startEnvoy({ upstream, pluginConfig: JSON.stringify({ responseHeaders: true, ...configuration }) }));
    describing = await start({});
    guarding = await start({ match: { paths: ["/guarded"] }, access });
  });

  it.each(EXCHANGES)("%s: only headers that describe the request are added", async (_what, request, respond) => {
    const without = await witness(bare.proxyUrl, upstream, request, (_request, response) => respond(response));
    const { server, client } = await witness(describing.proxyUrl, upstream, request, (_request, response) =>
      respond(response),
    );
    const rest = typeof client === "string" ? client : { ...client, headers: client.headers.filter(isOther) };
    expect({ server, client: rest }).toEqual(without);
    const isCall = request.body?.[0] === call;
    const method = typeof client === "string" ? [] : client.headers.filter((line) => line.startsWith("x-mcp-method"));
    if (isCall) expect(method).toEqual(["x-mcp-method: tools/call"]);
  });

  it("a call has them, in place of those that its server has set", async () => {
    const path = upstream.route((_request, response) => {
      response.writeHead(200, { ...mcp.JSON_TYPE, "x-mcp-target": ["a", "b"], "x-mcp-outcome": "denied" });
      response.end(mcp.result(1));
    });
    const headers = { ...mcp.LEGACY, "mcp-session-id": "s1" };
    const body = [mcp.toolCall(1, "Tromsø\r\n")];
    expect(describedBy(await exchange(`${describing.proxyUrl}${path}`, { headers, body }))).toEqual([
      "x-mcp-method: tools/call",
      "x-mcp-target: Troms%C3%B8%0D%0A",
      "x-mcp-era: legacy",
      expect.stringMatching(/^x-mcp-session: [0-9a-f]{16}$/),
    ]);
  });

  it("so has the filter's own reply to a denied call", async () => {
    const url = `${guarding.proxyUrl}/guarded`;
    const reply = await exchange(url, { headers: mcp.LEGACY, body: [mcp.toolCall(1, "rm")] });
    expect(describedBy(reply).sort()).toEqual([
      "x-mcp-era: legacy",
      "x-mcp-method: tools/call",
      "x-mcp-outcome: denied",
      "x-mcp-rule: _default",
      "x-mcp-target: rm",
    ]);
  });

  function isOther(line: string): boolean {
    return !DESCRIPTION.test(line);
  }

  function describedBy({ rawHeaders }: RawAnswer): string[] {
    const lines = rawHeaders.flatMap((name, i) => (i % 2 ? [] : [`${name}: ${rawHeaders[i + 1]}`]));
    return lines.filter((line) => DESCRIPTION.test(line));
  }
});

describe("over HTTP/2, with trailers", () => {
  const body = mcp.toolCall(2, "trailed");

  it("a request and its answer", async () => {
    const seen: unknown[] = [];
    const path = upstream.route(async (request, response) => {
      seen.push({ headers: stable(request.headers), body: String(await bodyOf(request)) });
      response.writeHead(200, { ...mcp.SSE_TYPE, trailer: "x-sum" }).write(mcp.event(mcp.result(2)));
      response.addTrailers({ "x-sum": "1" });
      response.end();
    });
    const without = await exchangeHttp2(bare.proxyUrl, path, body);
    const withFilter = await exchangeHttp2(filtered.proxyUrl, path, body);
    expect(without).toMatchObject({ headers: { ":status": 200 }, body: mcp.event(mcp.result(2)) });
    expect({ ...withFilter, headers: stable(withFilter.headers) }).toEqual({
      ...without,
      headers: stable(without.headers),
    });
    expect(seen[0]).toMatchObject({ body });
    expect(seen[1]).toEqual(seen[0]);

    const called = { mcp_method_name: "tools/call", gen_ai_tool_name: "trailed", mcp_outcome: "ok" };
    await expect
      .poll(async () => countersOf(await readMetrics(filtered))[series("mcp_operations_total", called)])
      .toBe(1);
  });
});

describe("events are not held", () => {
  const get = { method: "GET", headers: { accept: "text/event-stream", "mcp-session-id": "s1" } };

  it.each([
    ["of a POST", { headers: mcp.LEGACY, body: [call] }],
    ["of a GET stream", get],
  ])("%s: each reaches the client before the next is sent, in a chunk of its own", async (_what, request) => {
    let stream: ServerResponse | undefined;
    const path = upstream.route(async (incoming, response) => {
      await bodyOf(incoming);
      stream = response.writeHead(200, mcp.SSE_TYPE);
      stream.flushHeaders();
    });
    const response = await headOf(begin(`${filtered.proxyUrl}${path}`, request));
    // The third is only half of an event.
    const progress = mcp.event(mcp.notification("notifications/progress", { progressToken: 1, progress: 1 }));
    for (const chunk of [": hi\n\n", progress, progress.slice(0, 20), progress.slice(20), mcp.event(mcp.result(1))]) {
      const arrived = once(response, "data");
      stream!.write(chunk);
      expect(String((await arrived)[0])).toBe(chunk);
    }
    const end = once(response, "end");
    response.resume();
    stream!.end();
    await end;
    expect(response.complete).toBe(true);
  });
});

function stable(headers: IncomingHttpHeaders): object {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !VOLATILE.has(name)));
}
