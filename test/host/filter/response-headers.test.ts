/** The headers that `responseHeaders` adds to responses. */
import { describe, expect, test } from "vitest";
import { exchange, type ExchangeRequest, type ExchangeResponse, type HttpStream } from "../../../scripts/host/index.ts";
import { tools } from "./access.ts";
import {
  JSON_ANSWER,
  MCP_HEADERS,
  SSE_ANSWER,
  batch,
  error,
  notification,
  request,
  result,
  startFilter,
  toolCall,
} from "./filter.ts";
import { limited } from "./limits.ts";

const SESSION = { ...MCP_HEADERS, "mcp-session-id": "s-1", "mcp-protocol-version": "2025-11-25" };
const MODERN = { ...MCP_HEADERS, "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "echo" };
const HASH = expect.stringMatching(/^[0-9a-f]{16}$/) as string;
const POLICY = { access: { rules: [tools("DENY", "no-rm", "rm*"), { name: "rest", action: "ALLOW" }] } };
const FORGED = {
  "x-mcp-method": "tools/list",
  "x-mcp-target": "forged",
  "x-mcp-era": "modern",
  "x-mcp-session": "0",
  "x-mcp-rule": "forged",
  "x-mcp-outcome": "denied",
};

function run(
  request: ExchangeRequest,
  response: ExchangeResponse = { headers: JSON_ANSWER, body: result() },
  configuration: object = {},
): HttpStream {
  const plugin = startFilter({
    configuration: { match: { paths: ["/mcp"] }, responseHeaders: true, ...configuration },
  });
  return exchange(plugin, { request: { headers: MCP_HEADERS, ...request }, response }).stream;
}

/** The filter's headers of a response, without the prefix of their names. */
function shown(stream: HttpStream): Record<string, string> {
  const own = stream.responseHead.filter(([name]) => name.startsWith("x-mcp-"));
  expect(new Set(own.map(([name]) => name)).size).toBe(own.length);
  return Object.fromEntries(own.map(([name, value]) => [name.slice("x-mcp-".length), value]));
}

test("a call in a session: only these headers are added", () => {
  const stream = run({ headers: SESSION, body: toolCall("echo") });
  expect(shown(stream)).toEqual({ method: "tools/call", target: "echo", era: "legacy", session: HASH });
  expect(stream.responseHead.filter(([name]) => !name.startsWith("x-mcp-"))).toEqual([
    [":status", "200"],
    ["content-type", "application/json"],
  ]);
  expect(String(stream.received)).toBe(result());
});

test("the session is that of the access log", () => {
  const stream = run({ headers: SESSION, body: toolCall("echo") }, undefined, { logFields: true });
  expect(shown(stream).session).toBe(stream.state.get("mcp.session"));
});

test("by default, nothing changes", () => {
  const stream = run(
    { headers: SESSION, body: toolCall("echo") },
    { headers: { ...JSON_ANSWER, ...FORGED }, body: result() },
    { responseHeaders: false },
  );
  expect(stream.responseHead).toEqual([[":status", "200"], ...Object.entries({ ...JSON_ANSWER, ...FORGED })]);
});

describe("which headers a response has", () => {
  const CASES: [name: string, request: ExchangeRequest, response: ExchangeResponse | undefined, expected: object][] = [
    [
      "a call of 2026-07-28",
      { headers: MODERN, body: toolCall("echo") },
      undefined,
      { method: "tools/call", target: "echo", era: "modern" },
    ],
    [
      "an answer in events",
      { body: toolCall("echo") },
      { headers: SSE_ANSWER, body: ": wait\n\n" },
      { method: "tools/call", target: "echo", era: "legacy" },
    ],
    [
      "an error of the proxy",
      { body: toolCall("echo") },
      { status: 503, headers: { "content-type": "text/plain" }, body: "no server" },
      { method: "tools/call", target: "echo", era: "legacy" },
    ],
    [
      "a notification",
      { body: notification("notifications/initialized") },
      { status: 202, headers: {} },
      { method: "notifications/initialized", era: "legacy" },
    ],
    [
      "a method that MCP does not have",
      { headers: SESSION, body: request("a\r\nb: c") },
      { headers: JSON_ANSWER, body: error(-32601) },
      { method: "_OTHER", era: "legacy", session: HASH },
    ],
    [
      "a batch",
      { body: batch(toolCall("echo", 1), notification("notifications/initialized")) },
      undefined,
      { method: "_BATCH", era: "legacy" },
    ],
    ["a batch of one", { body: batch(request("ping")) }, undefined, { method: "ping", era: "legacy" }],
    [
      "initialize: the session that the response names",
      { headers: SESSION, body: request("initialize", { protocolVersion: "2025-11-25" }) },
      { headers: { ...JSON_ANSWER, "mcp-session-id": "s-2" }, body: result() },
      { method: "initialize", era: "legacy", session: HASH },
    ],
    [
      "a GET stream",
      { method: "GET", headers: { accept: "text/event-stream", "mcp-session-id": "s-1" } },
      { headers: SSE_ANSWER, body: ": wait\n\n" },
      {},
    ],
    ["a DELETE", { method: "DELETE", headers: { "mcp-session-id": "s-1" } }, { headers: {} }, {}],
    ["a response of the client", { headers: SESSION, body: result() }, { status: 202, headers: {} }, {}],
    ["what cannot be read", { headers: SESSION, body: '{"jsonrpc":"2.0",' }, { status: 400, headers: {} }, {}],
  ];

  test.each(CASES)("%s", (_name, request, response = { headers: JSON_ANSWER, body: result() }, expected) => {
    expect(shown(run(request, response))).toEqual(expected);
    // A server cannot set them instead.
    expect(shown(run(request, { ...response, headers: { ...response.headers, ...FORGED } }))).toEqual(expected);
  });
});

test("initialize has the session of the requests that follow", () => {
  const plugin = startFilter({ configuration: { responseHeaders: true } });
  const send = (body: string, id: object, answer: object) =>
    shown(
      exchange(plugin, {
        request: { headers: { ...MCP_HEADERS, ...id }, body },
        response: { headers: { ...JSON_ANSWER, ...answer }, body: result() },
      }).stream,
    ).session;
  const id = { "mcp-session-id": "s-2" };
  const first = send(request("initialize", { protocolVersion: "2025-11-25" }), {}, id);
  expect(first).toEqual(HASH);
  expect(send(toolCall("echo"), id, {})).toBe(first);
});

test("what is not MCP keeps its headers", () => {
  const page = run(
    { method: "GET", path: "/page", headers: { accept: "text/html" } },
    { headers: FORGED, body: "hello" },
  );
  expect(page.responseHead).toEqual([[":status", "200"], ...Object.entries(FORGED)]);
  const other = run({ path: "/rpc", body: request("eth_call") }, { headers: FORGED, body: "{}" });
  expect(other.responseHead).toEqual([[":status", "200"], ...Object.entries(FORGED)]);
});

test("an interim response has none", () => {
  expect(shown(run({ body: toolCall("echo") }, { status: 103, headers: {}, ended: "open" }))).toEqual({});
});

describe("what a stranger chose is visible ASCII of at most 128 bytes", () => {
  test.each([
    ["a b", "a%20b"],
    ["100%", "100%25"],
    ["a\r\nx-mcp-outcome: denied", "a%0D%0Ax-mcp-outcome:%20denied"],
    ["bell \u0007, delete \u007f, override \u202e", "bell%20%07,%20delete%20%7F,%20override%20%E2%80%AE"],
    ["météo", "m%C3%A9t%C3%A9o"],
    ["x".repeat(128), "x".repeat(128)],
    // 21 characters of 6 bytes each have room.
    ["é".repeat(64), "%C3%A9".repeat(21)],
    [`${"x".repeat(117)}é€`, `${"x".repeat(117)}%C3%A9`],
    [`${"x".repeat(120)}€`, "x".repeat(120)],
  ])("%j", (name, expected) => {
    const { target } = shown(run({ headers: SESSION, body: toolCall(name) }));
    expect(target).toBe(expected);
    expect(target).toMatch(/^[!-~]{1,128}$/);
    expect(name.startsWith(decodeURIComponent(target))).toBe(true);
  });

  test("a longer name is missing, and so is the query of a URI", () => {
    expect(shown(run({ body: toolCall("x".repeat(129)) }))).not.toHaveProperty("target");
    const read = request("resources/read", { uri: "file:///a?secret#secret" });
    expect(shown(run({ body: read })).target).toBe("file:///a");
  });
});

describe("an access policy", () => {
  test("shows the rule of what passes", () => {
    expect(shown(run({ headers: SESSION, body: toolCall("echo") }, undefined, POLICY))).toEqual({
      method: "tools/call",
      target: "echo",
      era: "legacy",
      session: HASH,
      rule: "rest",
    });
  });

  test("shows what it denies", () => {
    const stream = run({ headers: SESSION, body: toolCall("rm") }, undefined, POLICY);
    expect(stream.reply).toBeDefined();
    expect(shown(stream)).toEqual({
      method: "tools/call",
      target: "rm",
      era: "legacy",
      session: HASH,
      rule: "no-rm",
      outcome: "denied",
    });
    expect(Object.fromEntries(stream.reply!.headers)).toEqual({
      "content-type": "application/json",
      "x-mcp-outcome": "denied",
      "x-mcp-rule": "no-rm",
    });
  });

  test("shows what it refuses to read", () => {
    const stream = run({ headers: SESSION, body: '{"jsonrpc":"2.0",' }, undefined, POLICY);
    expect(shown(stream)).toEqual({ session: HASH, rule: "_refused", outcome: "denied" });
  });

  test("shows the outcome of a whole batch only", () => {
    const both = batch(toolCall("rm", 1), toolCall("rm2", 2));
    expect(shown(run({ body: both }, undefined, POLICY))).toMatchObject({ method: "_BATCH", outcome: "denied" });
    const one = run({ body: batch(toolCall("rm", 1), toolCall("echo", 2)) }, undefined, POLICY);
    expect(shown(one)).toEqual({ method: "_BATCH", era: "legacy", rule: "no-rm" });
  });

  test("denials have no such headers by default", () => {
    const stream = run({ body: toolCall("rm") }, undefined, { ...POLICY, responseHeaders: false });
    expect(shown(stream)).toEqual({});
    expect(stream.reply!.headers).toEqual([["content-type", "application/json"]]);
  });
});

test("a limit shows what it rejects", () => {
  const once = { name: "once", key: [], requests: { amount: 1, per: "1h" } };
  const plugin = startFilter({ configuration: limited([once], {}, { responseHeaders: true, logFields: false }) });
  const send = () =>
    exchange(plugin, {
      request: { headers: SESSION, body: toolCall("echo") },
      response: { headers: JSON_ANSWER, body: result() },
    }).stream;
  expect(shown(send())).not.toHaveProperty("outcome");
  expect(shown(send())).toEqual({
    method: "tools/call",
    target: "echo",
    era: "legacy",
    session: HASH,
    outcome: "limited",
  });
});
