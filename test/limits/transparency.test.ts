/**
 * Limits that nobody reaches leave requests and responses unchanged: they equal those of the same Envoy without the
 * filter.
 */
import type { ServerResponse } from "node:http";
import { beforeAll, describe, expect, it } from "vitest";
import { type Envoy, startEnvoy } from "../../scripts/envoy/process.ts";
import { type GuardedEnvoy, startGuarded } from "../access/proxy.ts";
import { chunk, head, speak } from "../access/socket.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import { call, EXCHANGES } from "../envoy/exchanges.ts";
import * as mcp from "../envoy/mcp-messages.ts";
import { exchange } from "../envoy/raw-http.ts";
import { exchangeHttp2 } from "../envoy/raw-http2.ts";
import { bodyOf, startUpstream, type Upstream } from "../envoy/upstream.ts";
import { VOLATILE, witness } from "../envoy/witness.ts";
import { type Holding, limitedListener } from "./limited.ts";

const MANY = { amount: 1_000_000_000, per: "1s" };
const NEVER = [{ name: "never", key: ["address", "tool"], requests: MANY, repeats: MANY, concurrency: 100_000 }];
const MIB = 1 << 20;
/** Requests to which no limit can be applied are rejected, as by access policies. */
const REFUSED: Record<string, string> = {
  "an empty body": "not_json",
  "bad JSON": "not_json",
  "bytes that are no text": "not_utf8",
};
/** Milliseconds to wait on a connection that may stay open. */
const SILENCE_MS = 300;

const listener = (holding: Holding) => ({
  ...limitedListener(holding, NEVER, holding, {
    match: { paths: ["/route-*"] },
    hold: { maxBodyBytes: "8MiB", maxBytes: "128MiB" },
  }),
  listener: { per_connection_buffer_limit_bytes: 8 * MIB },
});

const keep = endsAfterAll();
let upstream: Upstream;
let limited: GuardedEnvoy;
let bare: Envoy;

beforeAll(async () => {
  upstream = keep(await startUpstream());
  limited = keep(await startGuarded({ held: listener("held"), default: listener("default") }, { upstream }));
  bare = keep(await startEnvoy({ upstream, withoutFilter: true }));
});

describe.each(["held", "default"])("%s", (name) => {
  it.each(EXCHANGES.filter(([what]) => !(what in REFUSED)))("%s", async (_what, request, respond) => {
    const answer = (_request: unknown, response: ServerResponse) => respond(response);
    const without = await witness(bare.proxyUrl, upstream, request, answer);
    expect(without.server).toBeDefined();
    expect(await witness(limited.urlOf(name), upstream, request, answer)).toEqual(without);
  });

  it.each(EXCHANGES.filter(([what]) => what in REFUSED))("%s is refused", async (what, request) => {
    const path = upstream.route((_request, response) => void response.end());
    const answer = await exchange(`${limited.urlOf(name)}${path}`, request);
    expect(JSON.parse(String(answer.body))).toMatchObject({ error: { code: 403, data: { reason: REFUSED[what] } } });
  });

  it("over HTTP/2, with trailers", async () => {
    const seen: unknown[] = [];
    const path = upstream.route(async (request, response) => {
      const headers = Object.entries(request.headers).filter(([header]) => !VOLATILE.has(header));
      seen.push({ headers, body: String(await bodyOf(request)) });
      response.writeHead(200, { ...mcp.SSE_TYPE, trailer: "x-sum" }).write(mcp.event(mcp.result(2)));
      response.addTrailers({ "x-sum": "1" });
      response.end();
    });
    const [without, withLimits] = [
      await exchangeHttp2(bare.proxyUrl, path, call),
      await exchangeHttp2(limited.urlOf(name), path, call),
    ];
    expect(withLimits.headers[":status"]).toBe(200);
    expect([withLimits.body, withLimits.trailers]).toEqual([without.body, without.trailers]);
    expect(seen[1]).toEqual(seen[0]);
  });

  const length = { ...mcp.LEGACY, "content-length": String(call.length) };
  const chunked = { ...mcp.LEGACY, "transfer-encoding": "chunked" };

  it.each<[what: string, pieces: (line: string) => (string | number)[]]>([
    ["expect: 100-continue", (line) => [head({ ...length, expect: "100-continue" }, line), 100, call]],
    ["a body in chunks, and trailers", (line) => [head(chunked, line), chunk(call), 20, "0\r\nx-end: 1\r\n\r\n"]],
    ["a body that comes byte by byte", (line) => [head(length, line), ...call]],
  ])("%s", async (_what, pieces) => {
    const bodies: string[] = [];
    const path = upstream.route(async (request, response) => {
      bodies.push(String(await bodyOf(request)));
      response.writeHead(200, mcp.JSON_TYPE).end(mcp.result(1));
    });
    const spoken = async (url: string) => {
      const answer = await speak(url, pieces(`POST ${path} HTTP/1.1`), SILENCE_MS);
      return answer.split("\r\n").filter((line) => !VOLATILE.has(line.split(":")[0].toLowerCase()));
    };
    const without = await spoken(bare.proxyUrl);
    expect(await spoken(limited.urlOf(name))).toEqual(without);
    expect(bodies).toHaveLength(2);
    expect(bodies[1]).toBe(bodies[0]);
  });
});
