/** Budgets of tokens: the cost of a response is charged once it is known, even if it cannot be read. */
import { randomBytes } from "node:crypto";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import { type GuardedEnvoy, startGuarded } from "../access/proxy.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import * as mcp from "../envoy/mcp-messages.ts";
import { exchange } from "../envoy/raw-http.ts";
import { bodyOf, startUpstream } from "../envoy/upstream.ts";
import { type Holding, limitedListener, PEER, workload } from "./limited.ts";

const BUDGET = 300;
const DEBT_SECONDS = 2;

const tokens = (amount: number, per: string) => [{ name: "budget", key: ["principal"], tokens: { amount, per } }];
const LISTENERS = {
  budget: limitedListener("budget", tokens(BUDGET, "12h"), "held"),
  "budget, default": limitedListener("budget, default", tokens(BUDGET, "12h"), "default"),
  debt: limitedListener("debt", tokens(100, `${DEBT_SECONDS}s`), "held"),
  "no budget": limitedListener(
    "no budget",
    [{ name: "calls", key: [], requests: { amount: 1000, per: "1s" } }],
    "held",
  ),
};

const keep = endsAfterAll();
let envoy: GuardedEnvoy;
/** Answers the next requests. */
let respond: (response: ServerResponse) => void;
/** The headers of the last received request. */
let received: IncomingHttpHeaders;

beforeAll(async () => {
  const upstream = keep(await startUpstream());
  upstream.server.removeAllListeners("request");
  upstream.server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    received = request.headers;
    // Only the head of a limited request may have arrived.
    void bodyOf(request).then(
      () => respond(response),
      () => {},
    );
  });
  envoy = keep(await startGuarded(LISTENERS, { upstream, concurrency: 2 }));
});

interface Data {
  rule: string;
  scope: string;
  remaining: number;
  retryAfterMs: number;
}

/** Calls a tool. Resolves to why the call is limited; undefined if it is not. */
async function call(listener: string, caller: string): Promise<Data | undefined> {
  const headers = { ...mcp.LEGACY, [PEER]: workload(caller), "accept-encoding": "gzip, br" };
  const answer = await exchange(`${envoy.urlOf(listener)}/mcp`, { headers, body: [mcp.toolCall(1, "echo")] });
  if (answer.rawHeaders.some((value) => value.toLowerCase() === "content-encoding")) return undefined;
  const { error } = JSON.parse(String(answer.body)) as { error?: { code: number; data: Data } };
  return error?.code === 429 ? error.data : undefined;
}

/** Number of calls in a row that are admitted, of 20. */
async function admitted(listener: string, caller: string): Promise<number> {
  for (let i = 0; i < 20; i++) if ((await call(listener, caller)) !== undefined) return i;
  return 20;
}

const answered =
  (body: string | Buffer, headers = {}) =>
  (response: ServerResponse) =>
    void response.writeHead(200, { ...mcp.JSON_TYPE, ...headers }).end(body);
const said = (text: string) => mcp.result(1, { content: [{ type: "text", text }] });

describe("accept-encoding", () => {
  it.each([
    ["budget", undefined],
    ["budget, default", undefined],
    ["no budget", "gzip, br"],
  ])("with the limits %s, the server receives %s", async (listener, expected) => {
    respond = answered(said(""));
    await call(listener, "encoded");
    expect(received["accept-encoding"]).toBe(expected);
    const headers = { accept: "text/event-stream", "accept-encoding": "gzip, br" };
    respond = (response) => void response.writeHead(405).end();
    await exchange(`${envoy.urlOf(listener)}/mcp`, { method: "GET", headers });
    expect(received["accept-encoding"]).toBe(expected);
  });
});

describe.each<[string, Holding]>([
  ["budget", "held"],
  ["budget, default", "default"],
])("the limits %s", (listener) => {
  it("an answer is charged what it is estimated at", async () => {
    respond = answered(said("one two three four five six seven eight nine ten ".repeat(11)));
    const caller = `words ${listener}`;
    const calls = await admitted(listener, caller);
    // 110 words each, with about one token per word.
    expect(calls).toBe(3);
    expect(await call(listener, caller)).toMatchObject({ rule: "budget", scope: "tokens", remaining: 0 });
  });

  it("an answer without text for a model costs nothing", async () => {
    respond = answered(said(""));
    expect(await admitted(listener, `silent ${listener}`)).toBe(20);
  });

  it("one that is compressed nevertheless costs a token for three bytes", async () => {
    const body = gzipSync(said(randomBytes(2000).toString("base64")));
    respond = answered(body, { "content-encoding": "gzip", "content-length": body.length });
    // Each costs more than twice the budget.
    expect(await admitted(listener, `gzip ${listener}`)).toBe(1);
    const small = Buffer.alloc((BUDGET * 3) / 2, "x");
    respond = answered(small, { "content-encoding": "br", "content-length": small.length });
    // Each costs half of it.
    expect(await admitted(listener, `br ${listener}`)).toBe(2);
  });
});

it("a debt delays the next call by one period at most", async () => {
  respond = answered(said("word ".repeat(50_000)));
  expect(await call("debt", "debtor")).toBeUndefined();
  const limited = await call("debt", "debtor");
  // Until one token has been refilled after the debt.
  const longest = DEBT_SECONDS * 1000 + (DEBT_SECONDS * 1000) / 100;
  expect(limited!.retryAfterMs).toBeGreaterThan(DEBT_SECONDS * 500);
  expect(limited!.retryAfterMs).toBeLessThanOrEqual(longest);
  respond = answered(said("word"));
  await expect.poll(() => call("debt", "debtor"), { timeout: 20_000 }).toBeUndefined();
  // It does not use the budget of others.
  expect(await call("debt", "another")).toBeUndefined();
});
