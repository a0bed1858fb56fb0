/**
 * Servers that compress a list although nobody asked for it. A caller from whom the policy may hide a part gets an
 * error at once and nothing of the list, and the event is counted.
 */
import type { ServerResponse } from "node:http";
import { connect } from "node:http2";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import { endsAfterAll } from "../envoy/cleanup.ts";
import * as mcp from "../envoy/mcp-messages.ts";
import { countersOf, readMetrics } from "../envoy/prometheus.ts";
import { exchange, type RawRequest } from "../envoy/raw-http.ts";
import { bodyOf, startUpstream, type Upstream } from "../envoy/upstream.ts";
import { type GuardedEnvoy, startGuarded } from "./proxy.ts";

const HIDING = {
  defaultAction: "ALLOW",
  rules: [{ name: "no-shell", action: "DENY", to: [{ operation: { tools: ["shell"] } }] }],
};
const plugin = { match: { paths: ["/route-*"] } };
const LISTENERS = {
  hiding: { access: HIDING, plugin },
  /** With this policy nothing can be hidden. */
  passing: { access: { ...HIDING, lists: "pass" }, plugin },
};

const TOOLS = mcp.result(7, { tools: [{ name: "shell" }, { name: "search" }] });
const ERROR = { jsonrpc: "2.0", id: 7, error: { code: 502, data: { reason: "undecoded" } } };

const POST: RawRequest = {
  headers: { ...mcp.LEGACY, "mcp-session-id": "s1", "accept-encoding": "gzip, br" },
  body: [mcp.request(7, "tools/list")],
};
const GET: RawRequest = { method: "GET", headers: { accept: "text/event-stream", "mcp-session-id": "s1" } };

const ENCODINGS = { gzip: gzipSync, br: brotliCompressSync };

const keep = endsAfterAll();
let upstream: Upstream;
let envoy: GuardedEnvoy;

beforeAll(async () => {
  upstream = keep(await startUpstream());
  envoy = keep(await startGuarded(LISTENERS, { upstream }));
});

/** A path with a compressed response; an event stream stays open. `seen` collects what the server was asked. */
function compressing(encoding: keyof typeof ENCODINGS, type: string, body: string, seen: string[] = []): string {
  return upstream.route(async (request, response: ServerResponse) => {
    seen.push(request.headers["accept-encoding"] as string);
    await bodyOf(request);
    const bytes = ENCODINGS[encoding](body);
    response.writeHead(200, { "content-type": type, "content-encoding": encoding }).write(bytes);
    if (type !== mcp.SSE_TYPE["content-type"]) response.end();
  });
}

const withheld = async (): Promise<number> => {
  const counters = Object.entries(countersOf(await readMetrics(envoy)));
  const mine = counters.filter(
    ([key]) => key.startsWith("mcp_list_elements_withheld_total") && key.includes("mcp_withheld_reason=undecoded"),
  );
  return mine.reduce((sum, [, value]) => sum + value, 0);
};

const ANSWERS: [type: string, body: string][] = [
  [mcp.JSON_TYPE["content-type"], TOOLS],
  [mcp.SSE_TYPE["content-type"], mcp.event(TOOLS)],
];

describe.each(Object.keys(ENCODINGS) as (keyof typeof ENCODINGS)[])("%s", (encoding) => {
  it.each(ANSWERS)("of a POST's %s: an error with the request's id, and not a byte of the list", async (type, body) => {
    const before = await withheld();
    const seen: string[] = [];
    const path = compressing(encoding, type, body, seen);
    const answer = await exchange(`${envoy.urlOf("hiding")}${path}`, POST);
    expect(seen).toEqual([undefined]);
    expect(answer).toMatchObject({ status: 200, complete: true });
    expect(headersOf(answer.rawHeaders)).toMatchObject({ "content-type": "application/json" });
    expect(headersOf(answer.rawHeaders)).not.toHaveProperty("content-encoding");
    expect(JSON.parse(String(answer.body))).toMatchObject(ERROR);
    expect(await withheld()).toBe(before + 1);
  });

  it.each(ANSWERS)("of a POST's %s over HTTP/2", async (type, body) => {
    const before = await withheld();
    const path = compressing(encoding, type, body);
    const { status, text } = await overHttp2(envoy.urlOf("hiding"), path, POST);
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject(ERROR);
    expect(await withheld()).toBe(before + 1);
  });

  it.each(["HTTP/1", "HTTP/2"])(
    "of a GET stream over %s, which may bring a list: the stream fails",
    async (version) => {
      const before = await withheld();
      const path = compressing(encoding, mcp.SSE_TYPE["content-type"], mcp.event(TOOLS));
      const url = envoy.urlOf("hiding");
      const answer =
        version === "HTTP/2"
          ? await overHttp2(url, path, GET)
          : await exchange(`${url}${path}`, GET).then(({ status, body }) => ({ status, text: String(body) }));
      expect(answer.status).toBe(502);
      expect(JSON.parse(answer.text)).toMatchObject({ ...ERROR, id: null });
      expect(await withheld()).toBe(before + 1);
    },
  );

  it("of an answer that is no list, or a list from which nothing can be hidden: passes", async () => {
    const before = await withheld();
    const type = mcp.JSON_TYPE["content-type"];
    const call = { ...POST, body: [mcp.toolCall(7, "search")] };
    const result = mcp.result(7);
    const compressed = ENCODINGS[encoding];
    const answer = await exchange(`${envoy.urlOf("hiding")}${compressing(encoding, type, result)}`, call);
    expect(answer.body.equals(compressed(result))).toBe(true);
    const list = await exchange(`${envoy.urlOf("passing")}${compressing(encoding, type, TOOLS)}`, POST);
    expect(list.body.equals(compressed(TOOLS))).toBe(true);
    const prompts = { ...POST, body: [mcp.request(7, "prompts/list")] };
    const greetings = mcp.result(7, { prompts: [{ name: "greet" }] });
    const others = await exchange(`${envoy.urlOf("hiding")}${compressing(encoding, type, greetings)}`, prompts);
    expect(others.body.equals(compressed(greetings))).toBe(true);
    expect(await withheld()).toBe(before);
  });
});

function headersOf(rawHeaders: string[]): Record<string, string> {
  const entries = rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [[name.toLowerCase(), rawHeaders[i + 1]]] : []));
  return Object.fromEntries(entries) as Record<string, string>;
}

/** Sends a request over HTTP/2, and reads the response to its end. */
async function overHttp2(url: string, path: string, { method = "POST", headers = {}, body = [] }: RawRequest) {
  const connection = connect(url);
  try {
    const stream = connection.request({ ":method": method, ":path": path, ...headers });
    let status = 0;
    stream.on("response", (received) => (status = received[":status"]!));
    if (method === "POST") stream.end(body.join(""));
    const text = String(await bodyOf(stream));
    return { status, text };
  } finally {
    connection.close();
  }
}
