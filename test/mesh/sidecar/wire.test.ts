/** What NGINX changes in a message, and what it does not. */
import { request as httpsRequest } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { once } from "node:events";
import { beforeAll, describe, expect, it } from "vitest";
import type { Envoy } from "../../../scripts/envoy/process.ts";
import { hasComponent } from "../../components.ts";
import { endsAfterAll } from "../../envoy/cleanup.ts";
import * as mcp from "../../envoy/mcp-messages.ts";
import { readMetrics, valuesOf } from "../../envoy/prometheus.ts";
import { type RawAnswer, readAnswer } from "../../envoy/raw-http.ts";
import { freePort } from "../../envoy/sessions/free-port.ts";
import { bodyOf, startUpstream, type Upstream } from "../../envoy/upstream.ts";
import { INSTALL_NGINX } from "./nginx.ts";
import { type Edge, type Files, makeFiles, startEdge, startSidecar } from "./setup.ts";

describe.runIf(hasComponent("nginx", INSTALL_NGINX))("on the wire behind NGINX", () => {
  const keep = endsAfterAll();
  let files: Files;
  let upstream: Upstream;
  let envoy: Envoy;
  let edge: Edge;
  let port: number;
  /** The request as the server got it. */
  let seen: { headers: Record<string, string[] | undefined>; names: string[]; body: string };
  let path: string;

  beforeAll(async () => {
    files = keep(makeFiles());
    upstream = keep(await startUpstream());
    port = await freePort();
    envoy = keep(await startSidecar(files, upstream, port, { labels: { caller: "address" } }));
    edge = keep(await startEdge(files, [port]));
    path = upstream.route(async (request, response) => {
      const names = request.rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
      seen = { headers: request.headersDistinct, names, body: (await bodyOf(request)).toString() };
      response.writeHead(200, { ...mcp.JSON_TYPE, "Mcp-Session-Id": "given" }).end(mcp.result(1));
    });
  });

  const key = () => ({ authorization: `Bearer ${files.key}` });

  it("the server gets what the client sent, but no key", async () => {
    const headers = {
      ...mcp.LEGACY,
      ...key(),
      host: "mcp.example",
      origin: "https://app.example",
      "MCP-SESSION-ID": "one",
      mcp_session_id: "two",
      "accept-encoding": "gzip, br",
      "last-event-id": "7",
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    };
    const answer = await send(edge.url + path, files.ca, { headers, body: [mcp.toolCall(1, "get_weather")] });
    expect(answer.status).toBe(200);
    expect(answer.rawHeaders.map((text) => text.toLowerCase())).toContain("mcp-session-id");
    expect(seen.headers).toMatchObject({
      host: ["mcp.example"],
      origin: ["https://app.example"],
      "mcp-session-id": ["one"],
      "mcp-protocol-version": ["2025-11-25"],
      "accept-encoding": ["gzip, br"],
      "last-event-id": ["7"],
      traceparent: [headers.traceparent],
      "content-type": ["application/json"],
    });
    expect(seen.names).not.toContain("authorization");
    // NGINX drops headers with underscores.
    expect(seen.names).not.toContain("mcp_session_id");
  });

  it("a body in chunks arrives whole, with its length", async () => {
    const call = mcp.toolCall(1, "get_weather");
    const body = [call.slice(0, 20), call.slice(20)];
    const headers = { ...mcp.LEGACY, ...key(), "transfer-encoding": "chunked" };
    expect((await send(edge.url + path, files.ca, { headers, body })).status).toBe(200);
    expect(seen.body).toBe(call);
    expect(seen.headers["content-length"]).toEqual([String(call.length)]);
  });

  it("the caller's address and name are what the edge says", async () => {
    const headers = {
      ...mcp.LEGACY,
      ...key(),
      "x-forwarded-for": "198.51.100.7",
      "x-forwarded-client-cert": ["URI=spiffe://mcp.example/user/x", "URI=spiffe://mcp.example/user/y"],
      x_forwarded_client_cert: "URI=spiffe://mcp.example/user/z",
    };
    const body = [mcp.toolCall(1, "get_weather")];
    await send(edge.url + path, files.ca, { headers, body, localAddress: "127.0.0.2" });
    expect(seen.headers["x-forwarded-client-cert"]).toEqual(["URI=spiffe://mcp.example/user/alice"]);
    expect(seen.names).not.toContain("x_forwarded_client_cert");
    expect(seen.headers["x-forwarded-for"]).toEqual(["127.0.0.2"]);
    await expect.poll(async () => valuesOf(await readMetrics(envoy), "mcp_caller")).toContain("127.0.0.2");
    expect(valuesOf(await readMetrics(envoy), "mcp_caller")).toEqual(["127.0.0.1", "127.0.0.2"]);
  });

  it("Envoy answers HTTP/1.0, the default of older NGINX, with 426", async () => {
    const old = keep(await startEdge(files, [port], { "proxy_http_version 1.1;": "proxy_http_version 1.0;" }));
    const answer = await send(old.url + path, files.ca, {
      headers: { ...mcp.LEGACY, ...key() },
      body: [mcp.toolCall(1, "get_weather")],
    });
    expect(answer.status).toBe(426);
  });

  it("a message above the limit is answered with 413, and the sidecar does not see it", async () => {
    const body = [mcp.request(1, "tools/call", { name: "x".repeat(1 << 20) })];
    const answer = await send(edge.url + path, files.ca, { headers: { ...mcp.LEGACY, ...key() }, body });
    expect(answer.status).toBe(413);
  });

  it("a POST that the server may have received is not sent again", async () => {
    const spare = await freePort();
    keep(await startSidecar(files, upstream, spare, {}));
    let arrived = 0;
    const lost = upstream.route(async (request) => {
      arrived++;
      await bodyOf(request);
      request.socket.destroy();
    });
    const twice = keep(await startEdge(files, [port, spare]));
    const body = [mcp.toolCall(1, "charge_card")];
    const answer = await send(twice.url + lost, files.ca, { headers: { ...mcp.LEGACY, ...key() }, body });
    expect([answer.status, arrived]).toEqual([503, 1]);
  });

  it.each([
    ["as shipped, to no other", "error timeout", 502, 1],
    ["with non_idempotent, it would be sent to another", "error timeout non_idempotent", 200, 2],
  ])("a POST whose sidecar ends: %s", async (_, conditions, status, times) => {
    const ports = [await freePort(), await freePort()];
    const [first] = [
      await startSidecar(files, upstream, ports[0], {}),
      await startSidecar(files, upstream, ports[1], {}),
    ].map(keep);
    const roundRobin = { "hash $mcp_principal consistent;": "" };
    const condition = { "proxy_next_upstream error timeout;": `proxy_next_upstream ${conditions};` };
    const edge = keep(await startEdge(files, ports, { ...roundRobin, ...condition }));
    let arrived = 0;
    const slow = upstream.route(async (request, response) => {
      await bodyOf(request);
      if (++arrived > 1) response.writeHead(200, mcp.JSON_TYPE).end(mcp.result(1));
    });
    const body = [mcp.toolCall(1, "charge_card")];
    const sent = send(edge.url + slow, files.ca, { headers: { ...mcp.LEGACY, ...key() }, body });
    await expect.poll(() => arrived).toBe(1);
    await first.stop();
    expect([(await sent).status, arrived]).toEqual([status, times]);
  });
});

interface RawHttps {
  headers: Record<string, string | string[]>;
  body: string[];
  localAddress?: string;
}

/** Sends a POST over TLS, with headers as they are written here. */
async function send(url: string, ca: string, { headers, body, localAddress }: RawHttps): Promise<RawAnswer> {
  const request = httpsRequest(url, {
    method: "POST",
    ca,
    headers,
    localAddress,
    servername: "localhost",
    agent: false,
  });
  if (!("transfer-encoding" in headers)) request.setHeader("content-length", Buffer.byteLength(body.join("")));
  for (const piece of body) {
    request.write(piece);
    if (body.length > 1) await sleep(50);
  }
  request.end();
  const [response] = (await once(request, "response")) as [Parameters<typeof readAnswer>[0]];
  return readAnswer(response);
}
