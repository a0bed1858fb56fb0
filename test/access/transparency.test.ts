/**
 * A policy that could edit every response leaves bytes and headers unchanged if there is nothing to edit: they equal
 * those of the same Envoy without the filter.
 */
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { beforeAll, describe, expect, it } from "vitest";
import { type Envoy, startEnvoy } from "../../scripts/envoy/process.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import { call, EXCHANGES } from "../envoy/exchanges.ts";
import * as mcp from "../envoy/mcp-messages.ts";
import { begin, headOf, type RawRequest } from "../envoy/raw-http.ts";
import { exchangeHttp2 } from "../envoy/raw-http2.ts";
import { bodyOf, startUpstream, type Upstream } from "../envoy/upstream.ts";
import { type Seen, VOLATILE, witness } from "../envoy/witness.ts";
import { editing } from "./policies.ts";
import { type Guarded, type GuardedEnvoy, startGuarded } from "./proxy.ts";

const MIB = 1 << 20;
/** Requests to which no policy can be applied are rejected; docs/access.md says why. */
const REFUSED = new Set(["an empty body", "bad JSON", "bytes that are no text"]);
/** Since 2026-07-28, responses may contain server requests. */
const EDITABLE = new Set(["of 2026-07-28"]);
/**
 * Headers that state a body's length, or that it is unchanged. That is unknown for a body that may be edited after its
 * headers have passed.
 */
const OF_BODIES = ["content-length", "transfer-encoding", "etag", "digest"];

const HOLDINGS = ["held", "default"] as const;

const guarded = (holding: (typeof HOLDINGS)[number]): Guarded => ({
  access: { ...editing(), pins: [{ mode: "observe", tools: { never: "0".repeat(64) } }] },
  allowHeadersStop: holding === "held",
  plugin: {
    match: { paths: ["/route-*"] },
    hold: { headers: holding === "held", maxBodyBytes: "8MiB", maxBytes: "128MiB" },
  },
  listener: { per_connection_buffer_limit_bytes: 8 * MIB },
});

const session = { ...mcp.LEGACY, "mcp-session-id": "s1" };
const list = (method: string): RawRequest => ({ headers: session, body: [mcp.request(1, method)] });
const GET: RawRequest = { method: "GET", headers: { accept: "text/event-stream", "mcp-session-id": "s1" } };

/** Unusual spacing, escapes, numbers and further members, all of which must stay. */
const TOOLS = `{ "jsonrpc":"2.0", "result" : {"nextCursor":"a\\u00e9", "tools" :[ {"name":"\\u0065cho" , "x":1.50e+3,
  "inputSchema":{"type":"object","required":[ ]}},{"name":"list ☃"}], "ttlMs":1e3 ,"_meta":{}},"id" :1 } `;
const PROMPTS = mcp.result(1, { prompts: [{ name: "greet" }], nextCursor: "2" });
const RESOURCES = mcp.result(1, { resources: [] });
const TEMPLATES = mcp.result(1, { resourceTemplates: [{ uriTemplate: "demo://{id}", name: "item" }] });
const LARGE = mcp.result(1, {
  tools: Array.from({ length: 5000 }, (_, i) => ({ name: `tool-${i}`, description: "☃".repeat(i % 200) })),
});
const asked = mcp.request(7, "sampling/createMessage", { messages: [], maxTokens: 1 });

const SUMS = { etag: '"a"', digest: "sha-256=x" };
const json = (body: string) => (response: ServerResponse) =>
  void response
    .writeHead(200, { ...mcp.JSON_TYPE, ...SUMS, "content-length": String(Buffer.byteLength(body)) })
    .end(body);
const events = (...bodies: string[]) => {
  const text = bodies
    .map((body) =>
      body
        .split("\n")
        .map((line) => `data: ${line}\r\n`)
        .join(""),
    )
    .join("\r\n");
  return (response: ServerResponse) => void response.writeHead(200, mcp.SSE_TYPE).end(`: hi\r\n\r\n${text}\r\n`);
};
const inBytes = (body: string) => async (response: ServerResponse) => {
  response.writeHead(200, mcp.JSON_TYPE);
  for (const byte of Buffer.from(body)) await new Promise((resolve) => response.write(Buffer.of(byte), resolve));
  response.end();
};

const LISTS: [what: string, request: RawRequest, respond: (response: ServerResponse) => void | Promise<void>][] = [
  ["tools as JSON", list("tools/list"), json(TOOLS)],
  ["tools as events, over several lines", list("tools/list"), events(mcp.notification("x/y"), TOOLS)],
  ["tools byte by byte", list("tools/list"), inBytes(TOOLS)],
  ["5000 tools", list("tools/list"), json(LARGE)],
  ["5000 tools in one event", list("tools/list"), events(LARGE)],
  ["prompts", list("prompts/list"), json(PROMPTS)],
  ["resources: none", list("resources/list"), json(RESOURCES)],
  ["templates", list("resources/templates/list"), events(TEMPLATES)],
  ["an error", list("tools/list"), json(mcp.failure(1, -32601))],
  ["a GET stream with requests of the server and lists", GET, events(asked, TOOLS, asked)],
  ["a call during which the server asks", { headers: session, body: [call] }, events(asked, mcp.result(1))],
];

const keep = endsAfterAll();
let upstream: Upstream;
let envoy: GuardedEnvoy;
let bare: Envoy;

beforeAll(async () => {
  upstream = keep(await startUpstream());
  envoy = keep(await startGuarded({ held: guarded("held"), default: guarded("default") }, { upstream }));
  bare = keep(await startEnvoy({ upstream, withoutFilter: true }));
});

describe.each(HOLDINGS)("%s", (name) => {
  it.each(EXCHANGES.filter(([what]) => !REFUSED.has(what) && !EDITABLE.has(what)))(
    "%s",
    async (_what, request, respond) => {
      const answer = (_request: unknown, response: ServerResponse) => respond(response);
      const without = await witness(bare.proxyUrl, upstream, request, answer);
      expect(without.server).toBeDefined();
      expect(await witness(envoy.urlOf(name), upstream, request, answer)).toEqual(without);
    },
  );

  it.each([...LISTS, ...EXCHANGES.filter(([what]) => EDITABLE.has(what))])("%s", async (_what, request, respond) => {
    const answer = (_request: unknown, response: ServerResponse) => respond(response);
    const without = await witness(bare.proxyUrl, upstream, request, answer);
    expect(without.client).toMatchObject({ complete: true });
    const withFilter = await witness(envoy.urlOf(name), upstream, request, answer);
    expect(withoutSums(withFilter)).toEqual(withoutSums(without));
  });

  it("over HTTP/2, with trailers", async () => {
    const path = upstream.route(async (request, response) => {
      await bodyOf(request);
      response.writeHead(200, { ...mcp.SSE_TYPE, trailer: "x-sum" }).write(mcp.event(TOOLS.replaceAll("\n", " ")));
      response.addTrailers({ "x-sum": "1" });
      response.end();
    });
    const body = mcp.request(1, "tools/list");
    const [without, withFilter] = [
      await exchangeHttp2(bare.proxyUrl, path, body),
      await exchangeHttp2(envoy.urlOf(name), path, body),
    ];
    expect([withFilter.body, withFilter.trailers]).toEqual([without.body, without.trailers]);
    const stable = (headers: object) => Object.entries(headers).filter(([header]) => !VOLATILE.has(header));
    expect(stable(withFilter.headers)).toEqual(stable(without.headers));
  });

  it.each<[what: string, request: RawRequest]>([
    ["of a call", { headers: mcp.LEGACY, body: [call] }],
    ["of a list", list("tools/list")],
    ["of a GET stream", GET],
  ])("events %s reach the client before the next is sent", async (_what, request) => {
    let stream: ServerResponse | undefined;
    const path = upstream.route(async (incoming, response) => {
      await bodyOf(incoming);
      stream = response.writeHead(200, mcp.SSE_TYPE);
      stream.flushHeaders();
    });
    const response = await headOf(begin(`${envoy.urlOf(name)}${path}`, request));
    const progress = mcp.event(mcp.notification("notifications/progress", { progressToken: 1, progress: 1 }));
    for (const chunk of [": hi\n\n", progress, mcp.event(asked), mcp.event(PROMPTS), mcp.event(mcp.result(1))]) {
      let received = "";
      stream!.write(chunk);
      while (received.length < chunk.length) received += String(((await once(response, "data")) as Buffer[])[0]);
      expect(received).toBe(chunk);
    }
    const end = once(response, "end");
    response.resume();
    stream!.end();
    await end;
    expect(response.complete).toBe(true);
  });
});

/** The exchange without headers about a body's length, and those that are invalid for an edited body. */
function withoutSums({ server, client }: Seen): Seen {
  if (typeof client === "string") return { server, client };
  const headers = client.headers.filter((line) => !OF_BODIES.includes(line.split(":")[0].toLowerCase()));
  return { server, client: { ...client, headers } };
}
