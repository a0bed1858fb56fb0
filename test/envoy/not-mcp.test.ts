/** What is not MCP passes as it is, and brings no metric. */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { type IncomingHttpHeaders, request as httpRequest } from "node:http";
import { connect } from "node:net";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import { type Envoy, startEnvoy } from "../../scripts/envoy/process.ts";
import { endsAfterAll } from "./cleanup.ts";
import * as mcp from "./mcp-messages.ts";
import { type Metric, readMetrics } from "./prometheus.ts";
import { exchange, headOf } from "./raw-http.ts";
import { bodyOf, startUpstream, type Upstream } from "./upstream.ts";

const keep = endsAfterAll();
let upstream: Upstream;
let envoy: Envoy;

beforeAll(async () => {
  upstream = keep(await startUpstream());
  envoy = keep(await startEnvoy({ upstream }));
});

const MIB = 1 << 20;
const JSON_ONLY = { ...mcp.JSON_TYPE, accept: "application/json" };
const JSON_OR_EVENTS = { ...mcp.JSON_TYPE, accept: mcp.LEGACY.accept };
const GZIP = { "content-encoding": "gzip" };
const ethereum = '{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]}';
const chat = '{"model":"m","stream":true,"messages":[{"role":"user","content":"{\\"jsonrpc\\":\\"2.0\\"}"}]}';
const completion = `data: {"id":"c1","object":"chat.completion.chunk","choices":[]}\n\ndata: [DONE]\n\n`;
const call = mcp.toolCall(1, "echo");

type Body = string | Buffer | undefined;
const passing: [what: string, method: string, headers: object, body: Body, answerHeaders: object, answer: Body][] = [
  ["a page", "GET", { accept: "text/html" }, undefined, { "content-type": "text/html" }, "<p>hi</p>"],
  ["a form", "POST", { "content-type": "application/x-www-form-urlencoded" }, "a=1", mcp.JSON_TYPE, "{}"],
  ["a form for events", "POST", { ...mcp.LEGACY, "content-type": "text/plain" }, call, mcp.JSON_TYPE, mcp.result(1)],
  ["PUT of JSON", "PUT", JSON_OR_EVENTS, call, mcp.JSON_TYPE, mcp.result(1)],
  ["a JSON API", "POST", JSON_ONLY, '{"method":"tools/call"}', mcp.JSON_TYPE, '{"result":1}'],
  ["a JSON API, events accepted", "POST", JSON_OR_EVENTS, '{"method":"tools/call"}', mcp.JSON_TYPE, '{"result":1}'],
  ["MCP's look without events accepted", "POST", JSON_ONLY, call, mcp.JSON_TYPE, mcp.result(1)],
  ["other JSON-RPC", "POST", JSON_ONLY, ethereum, mcp.JSON_TYPE, mcp.result(1)],
  ["other JSON-RPC, events accepted", "POST", JSON_OR_EVENTS, ethereum, mcp.JSON_TYPE, mcp.result(1)],
  ["JSON-RPC 1.0", "POST", JSON_OR_EVENTS, call.replace("2.0", "1.0"), mcp.JSON_TYPE, mcp.result(1)],
  ["a batch of other JSON-RPC", "POST", JSON_OR_EVENTS, `[${ethereum}]`, mcp.JSON_TYPE, "[]"],
  ["a batch that begins so", "POST", JSON_OR_EVENTS, `[${ethereum},${call}]`, mcp.JSON_TYPE, `[${mcp.result(1)}]`],
  ["a batch in a batch", "POST", JSON_OR_EVENTS, `[[${call}]]`, mcp.JSON_TYPE, `[${mcp.result(1)}]`],
  ["an empty batch", "POST", JSON_OR_EVENTS, "[]", mcp.JSON_TYPE, "[]"],
  ["bad JSON", "POST", JSON_OR_EVENTS, `${call}}`, mcp.JSON_TYPE, "{"],
  ["no body", "POST", JSON_OR_EVENTS, undefined, mcp.JSON_TYPE, "{}"],
  ["bytes", "POST", JSON_OR_EVENTS, randomBytes(MIB), mcp.JSON_TYPE, randomBytes(MIB)],
  ["compressed both ways", "POST", { ...JSON_OR_EVENTS, ...GZIP }, gzipSync(call), GZIP, gzipSync(mcp.result(1))],
  ["a chat completion as events", "POST", JSON_OR_EVENTS, chat, mcp.SSE_TYPE, completion],
  ["events by GET", "GET", { accept: "text/event-stream" }, undefined, mcp.SSE_TYPE, completion],
  ["events by GET, compressed", "GET", { accept: "text/event-stream" }, undefined, GZIP, gzipSync(completion)],
  ["events that are not JSON", "GET", { accept: "text/event-stream" }, undefined, mcp.SSE_TYPE, "data: hi\n\n"],
  ["events by GET, none comes", "GET", { accept: "text/event-stream" }, undefined, mcp.SSE_TYPE, ": ping\n\n"],
];

describe("passes untouched", () => {
  it.each(passing)("%s", async (_what, method, headers, body, answerHeaders, answer) => {
    let received: { method?: string; headers: IncomingHttpHeaders; body: Buffer } | undefined;
    const path = upstream.route(async (request, response) => {
      received = { method: request.method, headers: request.headers, body: await bodyOf(request) };
      response.writeHead(200, { ...answerHeaders }).end(answer);
    });
    const sent = { method, headers: { ...headers }, body: body === undefined ? [] : [body] };
    const got = await exchange(`${envoy.proxyUrl}${path}`, sent);
    expect(received).toMatchObject({ method, headers });
    expect(received!.body.equals(Buffer.from(body ?? ""))).toBe(true);
    expect(got.complete).toBe(true);
    expect(got.body.equals(Buffer.from(answer ?? ""))).toBe(true);
  });

  it.each([
    ["as bytes", { "content-type": "application/octet-stream" }],
    ["under headers of a candidate", JSON_OR_EVENTS],
  ])("50 MiB up and 50 MiB down, %s", async (_what, headers) => {
    const path = upstream.route(async (request, response) => {
      const digest = await digestOf(request);
      response.writeHead(200, { ...mcp.JSON_TYPE, "x-received": digest });
      Readable.from(fiftyMebibytes()).pipe(response);
    });
    const request = httpRequest(`${envoy.proxyUrl}${path}`, { method: "POST", headers, agent: false });
    Readable.from(fiftyMebibytes()).pipe(request);
    const response = await headOf(request);
    const expected = await digestOf(Readable.from(fiftyMebibytes()));
    expect(await digestOf(response)).toBe(expected);
    expect(response.headers["x-received"]).toBe(expected);
  });

  it("a WebSocket", async () => {
    upstream.server.once("upgrade", (_request, socket) => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n");
      socket.pipe(socket);
    });
    const { hostname, port } = new URL(envoy.proxyUrl);
    const socket = connect(Number(port), hostname);
    const handshake = ["GET /socket HTTP/1.1", "host: mcp.example", "upgrade: websocket", "connection: upgrade"];
    const key = `sec-websocket-key: ${randomBytes(16).toString("base64")}`;
    socket.write([...handshake, key, "sec-websocket-version: 13", "", ""].join("\r\n"));
    expect(String((await once(socket, "data"))[0])).toMatch(/^HTTP\/1\.1 101 /);
    // A frame whose payload looks like MCP.
    const frame = Buffer.concat([Buffer.from([0x81, call.length]), Buffer.from(call)]);
    socket.write(frame);
    expect((await once(socket, "data"))[0]).toEqual(frame);
    socket.destroy();
  });

  it("and brings no metric", async () => {
    expect(await trafficMetrics()).toEqual([]);
    // The filter is there, and reads what is MCP.
    const path = upstream.route(async (request, response) => {
      await bodyOf(request);
      response.writeHead(200, mcp.JSON_TYPE).end(mcp.result(1));
    });
    await exchange(`${envoy.proxyUrl}${path}`, { headers: JSON_OR_EVENTS, body: [call] });
    await expect.poll(trafficMetrics).not.toEqual([]);
  });
});

/** What traffic has brought: the filter tells of its build and its configuration without any. */
async function trafficMetrics(): Promise<Metric[]> {
  return (await readMetrics(envoy)).filter(({ name }) => !/^mcp_(build_info|configuration_invalid)$/.test(name));
}

/** The same 50 MiB each time, beginning as JSON does. */
function* fiftyMebibytes(): Generator<Buffer> {
  yield Buffer.from('{"text":"');
  const block = Buffer.alloc(MIB, "0123456789abcdef");
  for (let i = 0; i < 50; i++) yield block;
  yield Buffer.from('"}');
}

async function digestOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of stream) hash.update(chunk);
  return hash.digest("hex");
}
