/** Attempts to get a call past the policy, against a real Envoy: the server must never see what is denied. */
import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import { endsAfterAll } from "../envoy/cleanup.ts";
import * as mcp from "../envoy/mcp-messages.ts";
import { exchange, type RawRequest } from "../envoy/raw-http.ts";
import { ALLOWED, asNotification, BODIES, call, FORBIDDEN, type Verdict } from "./attack-list.ts";
import { type GuardedEnvoy, startGuarded } from "./proxy.ts";
import { type Recorder, startRecorder } from "./recorder.ts";
import { chunk, head, speak } from "./socket.ts";

const POLICY = {
  rules: [
    { name: "no-etc", action: "DENY", when: [{ key: "mcp.arguments[path]", values: ["/etc*"] }] },
    { name: "hello", action: "ALLOW", to: [{ operation: { methods: ["@handshake", "tools/list"] } }] },
    { name: "weather", action: "ALLOW", to: [{ operation: { tools: [ALLOWED] } }] },
  ],
};

const MANAGER = {
  // Without this, Envoy drops the trailers of HTTP/1 and ends the body itself.
  http_protocol_options: { enable_trailers: true },
  // How long Envoy waits for the client to close a connection. The default of 1 s would dominate the time of a test.
  delayed_close_timeout: "0.1s",
};

/** Milliseconds to wait for a proxy that waits for the rest of a request, which never comes. */
const SILENCE_MS = 400;

const keep = endsAfterAll();
let recorder: Recorder;
let envoy: GuardedEnvoy;

beforeAll(async () => {
  recorder = keep(await startRecorder());
  envoy = keep(
    await startGuarded(
      {
        streamed: { access: POLICY, manager: MANAGER },
        held: { access: { ...POLICY, holdHeaders: true }, allowHeadersStop: true, manager: MANAGER },
      },
      { upstream: recorder, concurrency: 2 },
    ),
  );
});

let marks = 0;
/** A text that is unique to one request. */
const newMark = () => `mark-${++marks}-end`;
const denied: { mark: string; what: string; listener: string }[] = [];

/**
 * Expects that the server has seen nothing of the request and will not, except for its head if the listener lets heads
 * pass.
 */
function expectUnseen(mark: string, listener: string, what: string): void {
  denied.push({ mark, listener, what });
  expectNotSeen(mark, listener, what);
}

function expectNotSeen(mark: string, listener: string, what: string): void {
  const seen = recorder.seen(mark);
  expect(listener === "streamed" && seen === "head" ? "nothing" : seen, what).toBe("nothing");
}

/**
 * Expects that the newest request at the server is `body` with another method for the forbidden call, and of the same
 * length.
 */
function expectRewritten(body: string): void {
  const at = body.lastIndexOf('"tools/call"', body.indexOf(FORBIDDEN));
  const expected = `${body.slice(0, at)}"denied____"${body.slice(at + 12)}`;
  const request = recorder.requests.at(-1);
  expect(request.body).toBe(expected);
  expect(request.head).toContain(`\ncontent-length: ${body.length}`);
}

/** The policy's decision in a response. */
function verdictOf(body: string): string {
  const answer = JSON.parse(body) as Answer | Answer[];
  const { data } = (Array.isArray(answer) ? answer[0] : answer).error;
  return data.rule === undefined ? `refused ${data.reason}` : "denied";
}

interface Answer {
  id: unknown;
  error: { code: number; data: { rule?: string; reason?: string } };
}

describe.each(["streamed", "held"])("%s", (listener) => {
  const send = (request: RawRequest, path = "/mcp") => exchange(`${envoy.urlOf(listener)}${path}`, request);

  it.each(BODIES)("%s: %s", async (what, verdict, body) => {
    const mark = newMark();
    const answer = await send({ headers: { ...mcp.LEGACY, "x-mark": mark }, body: [body(mark)] });
    if (verdict === "rewritten") return expectRewritten(String(body(mark)));
    expect([answer.status, verdictOf(String(answer.body))]).toEqual([200, verdict]);
    expectUnseen(mark, listener, what);
  });

  it("what is allowed arrives as it was sent", async () => {
    const mark = newMark();
    const body = ` ${call(ALLOWED, mark).replace("weather", "\\u0077eather")}\n`;
    const answer = await send({ headers: mcp.LEGACY, body: [body] });
    expect(answer.body.toString()).toBe(mcp.result(1));
    expect(recorder.requests.at(-1).body).toBe(body);
  });

  it("a denied notification is accepted, and dropped", async () => {
    const mark = newMark();
    const answer = await send({ headers: mcp.LEGACY, body: [asNotification(call(FORBIDDEN, mark))] });
    expect([answer.status, String(answer.body)]).toEqual([202, ""]);
    expectUnseen(mark, listener, "a notification");
  });

  it("a denied POST that looks like one of HTTP+SSE gets 403, and its server nothing", async () => {
    const mark = newMark();
    const answer = await send({ headers: mcp.JSON_TYPE, body: [call(FORBIDDEN, mark)] });
    expect([answer.status, verdictOf(String(answer.body))]).toEqual([403, "denied"]);
    expectUnseen(mark, listener, "HTTP+SSE");
  });

  it("another path passes", async () => {
    const mark = newMark();
    await send({ headers: { "content-type": "text/plain" }, body: [call(FORBIDDEN, mark)] }, "/mcpx");
    expect(recorder.seen(mark)).toBe("body");
  });

  it.each<[what: string, verdict: Verdict, headers: Record<string, string | string[]>]>([
    ["text/plain", "refused content_type", { "content-type": "text/plain" }],
    ["no content type", "refused content_type", {}],
    ["a suffix of JSON", "refused content_type", { "content-type": "application/mcp+json" }],
    ["UTF-16", "refused content_type", { "content-type": "application/json; charset=utf-16" }],
    ["two charsets", "refused content_type", { "content-type": "application/json; charset=utf-8; charset=utf-7" }],
    ["Latin-1", "refused content_type", { "content-type": 'application/json;charset="iso-8859-1"' }],
    ["two content types", "refused content_type", { "content-type": ["application/json", "text/plain"] }],
    ["two content types in one", "refused content_type", { "content-type": "application/json, text/plain" }],
    ["gzip", "refused compressed", { ...mcp.JSON_TYPE, "content-encoding": "gzip" }],
    ["identity, then gzip", "refused compressed", { ...mcp.JSON_TYPE, "content-encoding": "identity, gzip" }],
    ["UTF-8", "denied", { "content-type": "Application/JSON ; Charset=UTF-8" }],
  ])("a content type: %s", async (what, verdict, headers) => {
    const mark = newMark();
    const accept = mcp.LEGACY.accept;
    const isGzip = "content-encoding" in headers;
    const body = call(FORBIDDEN, mark);
    const sent = { headers: { ...headers, accept, "x-mark": mark }, body: [isGzip ? gzipSync(body) : body] };
    expect(verdictOf(String((await send(sent)).body))).toBe(verdict);
    expectUnseen(mark, listener, what);
  });

  it.each(["PUT", "PATCH", "GET", "DELETE", "OPTIONS", "REPORT", "post"])("the method %s", async (method) => {
    const mark = newMark();
    const text = call(FORBIDDEN, mark);
    const headers = { ...mcp.LEGACY, "x-mark": mark, "content-length": String(text.length) };
    await speak(envoy.urlOf(listener), [head(headers, `${method} /mcp HTTP/1.1`), text]);
    expectUnseen(mark, listener, method);
  });

  it.each(["GET", "DELETE", "OPTIONS"])("%s without a body passes", async (method) => {
    const mark = newMark();
    await send({ method, headers: { "mcp-protocol-version": "2025-11-25", "x-mark": mark } });
    expect(recorder.seen(mark)).toBe("head");
  });

  it("no upgrade to what is not HTTP", async () => {
    const mark = newMark();
    const headers = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13", "x-mark": mark };
    const answer = await speak(envoy.urlOf(listener), [head(headers, "GET /mcp HTTP/1.1")], SILENCE_MS);
    expect(answer).toContain('"reason":"upgrade"');
    expectUnseen(mark, listener, "an upgrade");
  });

  const names = (method: string, name: string) => ({ ...mcp.MODERN, "mcp-method": method, "mcp-name": name });
  it.each<[what: string, headers: Record<string, string>]>([
    ["the header names another tool", names("tools/call", FORBIDDEN)],
    ["the header names another method", names("ping", ALLOWED)],
    ["the header names a method of other case", names("Tools/Call", ALLOWED)],
    ["no header names the method", { ...mcp.MODERN, "mcp-name": ALLOWED }],
    ["no header names the tool", { ...mcp.MODERN, "mcp-method": "tools/call" }],
  ])("2026-07-28: %s", async (what, headers) => {
    const mark = newMark();
    const answer = await send({ headers: { ...headers, "x-mark": mark }, body: [call(ALLOWED, mark)] });
    expect(answer.status).toBe(400);
    expect(JSON.parse(String(answer.body))).toMatchObject({ id: 1, error: { code: -32020 } });
    expectUnseen(mark, listener, what);
  });

  it("2026-07-28: what the header allows, the body decides", async () => {
    const mark = newMark();
    const answer = await send({
      headers: { ...names("tools/call", ALLOWED), "x-mark": mark },
      body: [call(FORBIDDEN, mark)],
    });
    expect(verdictOf(String(answer.body))).toBe("denied");
    expectUnseen(mark, listener, "a header of an allowed tool");
    const good = newMark();
    await send({ headers: names("tools/call", ALLOWED), body: [call(ALLOWED, good)] });
    expect(recorder.seen(good)).toBe("body");
  });

  /** Each sends a call of the tool, and must be decided like an ordinary one. */
  const framings: [what: string, pieces: (text: string, mark: string) => (string | Buffer | number)[]][] = [
    ["chunks of one byte", (text, mark) => [head(chunked(mark)), ...[...text].map(chunk), chunk("")]],
    ["one byte a write", (text, mark) => [head(chunked(mark)), ...chunk(text), chunk("")]],
    ["a slow body", (text, mark) => [head(sized(text, mark)), ...slowly(text)]],
    [
      "chunks with extensions",
      (text, mark) => [head(chunked(mark)), `${text.length.toString(16)};a="b"\r\n${text}\r\n`, chunk("")],
    ],
    ["chunk sizes with zeros", (text, mark) => [head(chunked(mark)), `000${chunk(text)}`, chunk("")]],
    ["trailers", (text, mark) => [head({ ...chunked(mark), trailer: "x-end" }), chunk(text), "0\r\nx-end: 1\r\n\r\n"]],
    ["late trailers", (text, mark) => [head(chunked(mark)), chunk(text), 200, "0\r\nx-end: 1\r\n\r\n"]],
    ["100-continue", (text, mark) => [head({ ...sized(text, mark), expect: "100-continue" }), 50, text]],
    ["behind another request", (text, mark) => [keptAlive() + head(sized(text, mark)) + text]],
  ];

  it.each(framings)("framing: %s", async (what, pieces) => {
    const [good, bad] = [newMark(), newMark()];
    await speak(envoy.urlOf(listener), pieces(call(ALLOWED, good), good));
    expect(recorder.seen(good), "an allowed call").toBe("body");
    const answer = await speak(envoy.urlOf(listener), pieces(call(FORBIDDEN, bad), bad));
    expect(answer).toContain('"code":403');
    expectUnseen(bad, listener, what);
  });

  it("framing: one denied call behind another, and an allowed one last", async () => {
    const [first, second, good] = [newMark(), newMark(), newMark()];
    const kept = (tool: string, mark: string) => {
      const text = call(tool, mark);
      return head({ ...sized(text, mark), connection: "keep-alive" }) + text;
    };
    // Envoy leaves a third request in the same chunk until more bytes arrive.
    const pieces = [kept(FORBIDDEN, first) + kept(FORBIDDEN, second), 100, kept(ALLOWED, good)];
    const answer = await speak(envoy.urlOf(listener), [...pieces, head({}, "GET /end HTTP/1.1")]);
    expect(answer.match(/"code":403/g)).toHaveLength(2);
    expectUnseen(first, listener, "the first");
    expectUnseen(second, listener, "the second");
    expect(recorder.seen(good)).toBe("body");
  });

  /** Bytes that no proxy may treat as a request, or a request that never ends. */
  it.each<[what: string, pieces: (text: string, mark: string) => (string | Buffer | number)[]]>([
    [
      "a body behind content-length: 0",
      (text, mark) => [head({ ...sized("", mark), connection: "keep-alive" }) + text],
    ],
    ["two lengths", (text, mark) => [head({ ...sized(text, mark), "Content-Length": "4" }) + text]],
    [
      "a length and chunks",
      (text, mark) => [head({ ...sized(text, mark), ...chunked(mark) }) + chunk(text) + chunk("")],
    ],
    ["a length too short", (text, mark) => [head(sized(text.slice(0, -5), mark)), text]],
    ["a length too long", (text, mark) => [head(sized(`${text} `, mark)), text]],
    ["chunks that do not end", (text, mark) => [head(chunked(mark)), chunk(text)]],
    ["a chunk size out of order", (text, mark) => [head(chunked(mark)), `-1\r\n${text}\r\n`, chunk("")]],
    [
      "a coding that nobody knows",
      (text, mark) => [head({ ...chunked(mark), "transfer-encoding": "xchunked" }), chunk(text), chunk("")],
    ],
    [
      "chunked twice",
      (text, mark) => [head({ ...chunked(mark), "transfer-encoding": "chunked, chunked" }), chunk(text), chunk("")],
    ],
  ])("invalid framing: %s", async (what, pieces) => {
    const mark = newMark();
    await speak(envoy.urlOf(listener), pieces(call(FORBIDDEN, mark), mark), SILENCE_MS);
    expectUnseen(mark, listener, what);
  });
});

it("and the server has seen nothing of all that since", () => {
  for (const { mark, listener, what } of denied) expectNotSeen(mark, listener, what);
});

function chunked(mark: string): Record<string, string> {
  return { ...mcp.LEGACY, "transfer-encoding": "chunked", "x-mark": mark };
}

function sized(text: string, mark: string): Record<string, string> {
  return { ...mcp.LEGACY, "content-length": String(text.length), "x-mark": mark };
}

function keptAlive(): string {
  const ping = mcp.request(1, "ping");
  return head({ ...mcp.LEGACY, "content-length": String(ping.length), connection: "keep-alive" }) + ping;
}

function slowly(text: string): (string | number)[] {
  return (text.match(/.{1,12}/gs) ?? []).flatMap((piece) => [piece, 40]);
}
