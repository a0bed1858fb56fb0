/**
 * Thousands of requests whose headers are held and whose bodies never come: all are answered, and the worker survives.
 */
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { endsAfterAll } from "../envoy/cleanup.ts";
import * as mcp from "../envoy/mcp-messages.ts";
import { exchange } from "../envoy/raw-http.ts";
import { bodyOf } from "../envoy/upstream.ts";
import { ALLOWED, call, FORBIDDEN } from "./attack-list.ts";
import { type Guarded, type GuardedEnvoy, startGuarded } from "./proxy.ts";
import { type Recorder, startRecorder } from "./recorder.ts";
import { head } from "./socket.ts";

const WEATHER = { name: "weather", action: "ALLOW", to: [{ operation: { tools: [ALLOWED] } }] };
const access = { rules: [WEATHER] };
/** More than any test holds, so that no request is rejected because too many are held. */
const hold = { headers: true, maxStreams: 100_000 };
/** Each has its own plugin instance, and so its own watchdog. */
const LISTENERS: Record<string, Guarded> = {
  http1: { access, allowHeadersStop: true, plugin: { server: "http1", hold } },
  http2: { access, allowHeadersStop: true, plugin: { server: "http2", hold } },
  "wrongly held": { access, plugin: { server: "wrongly held", hold } },
};

const keep = endsAfterAll();
let recorder: Recorder;
let envoy: GuardedEnvoy;

beforeAll(async () => {
  recorder = keep(await startRecorder());
  // One worker, whose stack must not overflow.
  envoy = keep(await startGuarded(LISTENERS, { upstream: recorder, concurrency: 1 }));
});

afterAll(() => {
  expect(envoy.log()).not.toMatch(/RangeError|Function: proxy_on_\w+ failed/);
});

it.concurrent.each<
  [clients: string, listener: string, count: number, ask: (url: string, count: number) => Promise<string[]>]
>([
  ["HTTP/1.1 clients that send no body", "http1", 500, (url, count) => askOverHttp1(url, count, "")],
  ["HTTP/2 streams without a body", "http2", 2000, askOverHttp2],
  ["clients where Envoy hands on no body", "wrongly held", 500, (url, count) => askOverHttp1(url, count, BODY)],
])("%s, on %s: %i at once", { timeout: 60_000 }, async (_clients, listener, count, ask) => {
  const url = envoy.urlOf(listener);
  const answers = await ask(url, count);
  expect(answers).toHaveLength(count);
  for (const answer of answers) expect(answer).toMatch(/^503[^]*"reason":"no_body"/);

  if (listener === "wrongly held") return;
  const post = async (tool: string) => {
    const { status, body } = await exchange(`${url}/mcp`, { headers: mcp.LEGACY, body: [call(tool, listener)] });
    return [status, body.toString()];
  };
  expect(await post(ALLOWED)).toEqual([200, mcp.result(1)]);
  expect(await post(FORBIDDEN)).toEqual([200, expect.stringContaining('"rule":"_default"')]);
});

const BODY = call(ALLOWED, "never");

/**
 * Sends the heads of `count` requests over separate connections, and the available part of their bodies. Resolves to
 * the responses: status and rest.
 */
function askOverHttp1(url: string, count: number, body: string): Promise<string[]> {
  const { hostname, port } = new URL(url);
  const text = head({ ...mcp.LEGACY, "content-length": String(Buffer.byteLength(BODY)) }) + body;
  const ask = () =>
    new Promise<string>((resolve) => {
      const socket = connect(Number(port), hostname, () => socket.write(text));
      let answer = "";
      socket.on("data", (chunk) => (answer += chunk.toString("latin1")));
      socket.on("error", () => {});
      socket.on("close", () => resolve(answer.replace("HTTP/1.1 ", "")));
    });
  return Promise.all(Array.from({ length: count }, ask));
}

/** Sends the requests of {@link askOverHttp1} over HTTP/2: 500 streams per connection. */
async function askOverHttp2(url: string, count: number): Promise<string[]> {
  const connections = Array.from({ length: count / 500 }, () => connectHttp2(url));
  const ask = async (_: unknown, index: number) => {
    const headers = { ":method": "POST", ":path": "/mcp", ":authority": "mcp.example", ...mcp.LEGACY };
    const stream = connections[index % connections.length].request(headers, { endStream: false });
    let status = "";
    stream.on("response", (answered) => (status = String(answered[":status"])));
    stream.on("error", () => {});
    const body = await bodyOf(stream).catch((error: unknown) => String(error));
    return `${status} ${String(body)}`;
  };
  try {
    return await Promise.all(Array.from({ length: count }, ask));
  } finally {
    for (const connection of connections) connection.destroy();
  }
}
