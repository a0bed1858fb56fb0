/**
 * Requests that have waited arrive unchanged, and the server never has more of them than the limit, in every mode of
 * holding.
 */
import { randomBytes } from "node:crypto";
import { beforeAll, expect, it } from "vitest";
import { Random } from "../../scripts/fuzz/random.ts";
import { type Guarded, type GuardedEnvoy, startGuarded } from "../access/proxy.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import { exchange } from "../envoy/raw-http.ts";
import { exchangeHttp2 } from "../envoy/raw-http2.ts";
import { FRESH_SEED, replayCommand } from "../seeds.ts";
import { type Holding, limitedListener } from "./limited.ts";
import { callHeaders } from "./queued-load.ts";
import { expectFreePermits, expectNoTrap, queueFigures } from "./queued.ts";
import { digestOf, workCall, WorkServer } from "./work-server.ts";

const LIMIT = 4;
const SERVICE_MS = 20;
const WORKERS = 2;
const ROUNDS = 4;
const LARGE = 300 * 1024;

const random = new Random(FRESH_SEED);
const HOLDINGS: Holding[] = ["held", "buffered", "default"];
const RULE = { name: "calls", key: [], concurrency: LIMIT, queue: { maxWait: "30s", maxLength: 1000 } };

/** Sends a body and resolves to the response. */
type Send = (url: string, call: string, body: string) => Promise<string>;

const overHttp1 =
  (split: (body: Buffer) => Buffer[]): Send =>
  async (url, call, body) => {
    const answer = await exchange(`${url}/mcp`, { headers: callHeaders(call), body: split(Buffer.from(body)) });
    return String(answer.body);
  };

const WAYS: [what: string, size: number, send: Send][] = [
  ["a small body", 0, overHttp1((body) => [body])],
  ["a large body", LARGE, overHttp1((body) => [body])],
  ["a small body in chunks", 0, overHttp1((body) => pieces(body, 20))],
  ["a large body in chunks", LARGE, overHttp1((body) => pieces(body, 20_000))],
  ["over HTTP/2 with trailers", 0, async (url, _, body) => (await exchangeHttp2(url, "/mcp", body)).body],
  [
    "a large body over HTTP/2 with trailers",
    LARGE,
    async (url, _, body) => (await exchangeHttp2(url, "/mcp", body)).body,
  ],
];

function pieces(body: Buffer, most: number): Buffer[] {
  const cut: Buffer[] = [];
  for (let at = 0; at < body.length;) {
    const end = at + 1 + random.below(most);
    cut.push(body.subarray(at, end));
    at = end;
  }
  return cut;
}

const keep = endsAfterAll();
let server: WorkServer;
let envoy: GuardedEnvoy;

beforeAll(async () => {
  server = keep(await WorkServer.start(() => SERVICE_MS));
  const listeners = HOLDINGS.map((holding): [string, Guarded] => [
    holding,
    limitedListener(holding, [RULE], holding, { server: holding }),
  ]);
  envoy = keep(await startGuarded(Object.fromEntries(listeners), { upstream: server, concurrency: WORKERS }));
});

it.each(HOLDINGS)("%s", async (holding) => {
  server.forget();
  const url = envoy.urlOf(holding);
  const { queued } = await queueFigures(envoy, "calls");
  const sent = Array.from({ length: ROUNDS * WAYS.length }, (_, index) => {
    const [what, size, send] = WAYS[index % WAYS.length];
    const call = `${holding}-${index}`;
    const body = workCall(call, "work", { text: randomBytes(size / 2).toString("hex") });
    return { what, call, digest: digestOf(body), answer: send(url, call, body) };
  });
  for (const { what, call, digest, answer } of sent) {
    expect(await answer, `${what}; ${replayCommand()}`).toContain('"result"');
    expect(server.executed.get(call), `${what}; ${replayCommand()}`).toMatchObject({ times: 1, digest });
  }
  expect(server.executed.size).toBe(sent.length);
  // In the default mode, the server sees headers before the bodies are released.
  expect((holding === "default" ? server.bodies : server.requests).peak).toBe(LIMIT);
  expect((await queueFigures(envoy, "calls")).queued - queued).toBeGreaterThanOrEqual(sent.length - 2 * LIMIT);
  await expectFreePermits(server, envoy, `${url}/mcp`, LIMIT);
  expectNoTrap(envoy.log());
});
