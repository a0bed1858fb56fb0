/** The access log that Envoy writes by envoy.yaml: what its MCP fields say of each kind of exchange, and what never gets in. */
import { beforeAll, expect, it } from "vitest";
import * as mcp from "./mcp-messages.ts";
import { post, TOOL, useScenarios } from "./outcomes.ts";
import { begin, exchange, headOf, leaveAfterFirstChunk } from "./raw-http.ts";
import { bodyOf } from "./upstream.ts";

/** Below this path, an access policy denies all but calls of {@link TOOL}, and a limit admits one of these. */
const GUARDED = "/guarded";
const scenarios = useScenarios({
  pluginConfig: JSON.stringify({
    logFields: true,
    labels: { tools: [TOOL] },
    match: { paths: [GUARDED] },
    access: { rules: [{ name: "probe-only", action: "ALLOW", to: [{ operation: { tools: [TOOL] } }] }] },
    limits: { rules: [{ name: "once", key: [], requests: { amount: 1, per: "720h" } }] },
  }),
});

/** Part of all that nobody may read in a log. */
const SECRET = "xyzzy";
const SESSION = `${SECRET}-session`;
const LEGACY = { ...mcp.LEGACY, "mcp-session-id": SESSION };
const RESULT = { content: [{ type: "text", text: `${SECRET} result` }] };
const CALL = call(TOOL);
const DELAY_MS = 120;

/** The fields as they stand where the filter has nothing to say. */
const NONE = {
  method: null,
  target: null,
  outcome: null,
  era: null,
  session: null,
  tokens: null,
  duration_ms: null,
  limit: null,
};
/** Those of a call in the session that was answered. */
const CALLED = {
  method: "tools/call",
  target: TOOL,
  outcome: "ok",
  era: "legacy",
  session: expect.stringMatching(/^[0-9a-f]{16}$/),
  tokens: expect.stringMatching(/^[1-9]\d*$/),
  duration_ms: expect.stringMatching(/^\d+$/),
  limit: null,
};

type Line = Record<string, string | number | null>;
/** Lines of the log by the path of their request. */
const lines = new Map<string, Line>();
/** The audit's lines by their request ids. */
const audit = new Map<string, Line>();
let log = "";

/** The paths of the exchanges, by what they are. */
const paths: Record<string, string> = {};

beforeAll(async () => {
  for (const [what, run] of Object.entries(EXCHANGES)) {
    const url = await run();
    paths[what] = new URL(url).pathname;
  }
  // Envoy writes its log every 10 s, and at its end.
  await scenarios.envoy.stop();
  log = scenarios.envoy.log();
  for (const line of log.split("\n").filter((text) => text.startsWith("{"))) {
    const fields = JSON.parse(line) as Line;
    lines.set(String(fields.path), fields);
  }
  for (const [line] of log.matchAll(/\{"event":"mcp_access_denied".*\}$/gm)) {
    const fields = JSON.parse(line) as Line;
    audit.set(String(fields.request_id), fields);
  }
});

/** Each runs an exchange and gives the URL that it used. */
const EXCHANGES: Record<string, () => Promise<string>> = {
  "a call": async () => {
    const url = answering(200, mcp.JSON_TYPE, mcp.result(1, RESULT), DELAY_MS);
    await post(url, 200, CALL, { ...LEGACY, "mcp-name": SECRET, authorization: `Bearer ${SECRET}` });
    return url;
  },
  "a tool's error": () => postTo(mcp.SSE_TYPE, mcp.event(mcp.result(1, { ...RESULT, isError: true })), CALL, LEGACY),
  "a JSON-RPC error": () => postTo(mcp.JSON_TYPE, failure(), call("no_such_tool"), LEGACY),
  "another session": () =>
    postTo(mcp.JSON_TYPE, mcp.result(1, RESULT), CALL, { ...LEGACY, "mcp-session-id": `${SESSION}-2` }),
  "a call without a session": () => postTo(mcp.JSON_TYPE, mcp.result(1, RESULT), CALL, mcp.LEGACY),
  "a prompt of 2026-07-28": () => {
    const prompt = mcp.request(1, "prompts/get", { name: "summarize", arguments: { topic: SECRET } });
    return postTo(mcp.JSON_TYPE, mcp.result(1, { messages: [] }), prompt, {
      ...mcp.MODERN,
      "mcp-method": "prompts/get",
    });
  },
  "a resource": () => {
    const read = mcp.request(1, "resources/read", { uri: `file:///notes?${SECRET}` });
    return postTo(
      mcp.JSON_TYPE,
      mcp.result(1, { contents: [{ uri: `file:///notes?${SECRET}`, text: SECRET }] }),
      read,
      LEGACY,
    );
  },
  "a notification": async () => {
    const url = answering(202, {}, "");
    await post(url, 202, mcp.notification("notifications/initialized", { _meta: { it: SECRET } }), LEGACY);
    return url;
  },
  "a call that the server leaves unanswered": () => postTo(mcp.SSE_TYPE, ": wait\n\n", CALL, LEGACY),
  "a call whose client leaves": async () => {
    const url = scenarios.answering((response) => response.writeHead(200, mcp.SSE_TYPE).write(": wait\n\n"));
    await leaveAfterFirstChunk(url, { headers: LEGACY, body: [CALL] });
    return url;
  },
  "a call that fails": async () => {
    const url = scenarios.answering((response) => response.destroy());
    await post(url, 503, CALL, LEGACY);
    return url;
  },
  "a call of HTTP+SSE": callOverHttpSse,
  "a denied call": () => postRejected("call", 200, call("rm"), LEGACY),
  "a denied call without a session": () => postRejected("window", 200, call("rm"), mcp.LEGACY),
  "a denied notification": () => postRejected("told", 202, mcp.notification("notifications/initialized"), LEGACY),
  "a refused request": () => postRejected("refused", 200, `{"jsonrpc":"2.0","it":"${SECRET}"`, LEGACY),
  "a limited call": async () => {
    await exchange(`${scenarios.envoy.proxyUrl}${GUARDED}/admitted`, { headers: LEGACY, body: [CALL] });
    return postRejected("limited", 200, CALL, LEGACY);
  },
  "a GET stream": async () => {
    const url = answering(200, mcp.SSE_TYPE, mcp.event(mcp.notification("notifications/message", { data: SECRET })));
    await exchange(url, { method: "GET", headers: { accept: "text/event-stream", "mcp-session-id": SESSION } });
    return url;
  },
  "a page": async () => {
    const url = answering(200, { "content-type": "text/html" }, SECRET);
    await exchange(`${url}?${SECRET}`, { method: "GET" });
    return url;
  },
  "JSON that is not MCP": () =>
    postTo(mcp.JSON_TYPE, "{}", JSON.stringify({ method: "tools/call", it: SECRET }), mcp.JSON_TYPE),
};

it.each<[what: string, fields: Record<string, unknown>]>([
  ["a call", CALLED],
  ["a tool's error", { ...CALLED, outcome: "tool_error" }],
  ["a JSON-RPC error", { ...CALLED, target: "no_such_tool", outcome: "rpc_error" }],
  // The session is then the caller's window.
  ["a call without a session", CALLED],
  ["a prompt of 2026-07-28", { ...CALLED, method: "prompts/get", target: "summarize", era: "modern", tokens: null }],
  ["a resource", { ...CALLED, method: "resources/read", target: "file:///notes" }],
  ["a notification", { ...NONE, method: "notifications/initialized", era: "legacy", session: CALLED.session }],
  ["a call that the server leaves unanswered", { ...CALLED, outcome: "unanswered" }],
  ["a call whose client leaves", { ...CALLED, outcome: "disconnected" }],
  ["a call that fails", { ...CALLED, outcome: "upstream_error" }],
  // Limits are about its endpoint, and hand on what it costs: nothing yet.
  ["a call of HTTP+SSE", { ...CALLED, outcome: null, tokens: "0", duration_ms: null }],
  ["a denied call", { ...CALLED, target: "rm", outcome: "denied" }],
  ["a denied call without a session", { ...CALLED, target: "rm", outcome: "denied" }],
  ["a denied notification", { ...NONE, method: "notifications/initialized", era: "legacy", session: CALLED.session }],
  ["a refused request", { ...NONE, session: CALLED.session }],
  ["a limited call", { ...CALLED, outcome: "limited", limit: "once" }],
  ["a GET stream", NONE],
  ["a page", NONE],
  ["JSON that is not MCP", NONE],
])("%s", (what, fields) => {
  expect(fieldsOf(what)).toEqual(fields);
});

it("the duration is the operation's, and the session's hash tells sessions apart", () => {
  expect(Number(fieldsOf("a call").duration_ms)).toBeGreaterThanOrEqual(DELAY_MS);
  const { session } = fieldsOf("a call");
  expect(fieldsOf("a tool's error").session).toBe(session);
  expect(fieldsOf("a notification").session).toBe(session);
  for (const rejected of ["a denied call", "a denied notification", "a refused request", "a limited call"]) {
    expect(fieldsOf(rejected).session, rejected).toBe(session);
  }
  expect(fieldsOf("a denied call without a session").session).toBe(fieldsOf("a call without a session").session);
  for (const other of ["another session", "a call without a session", "a call of HTTP+SSE"]) {
    expect(fieldsOf(other).session).not.toBe(session);
  }
});

it.each([
  [
    "a denied call",
    { rule: "_default", target: "rm", nearest: { rule: "probe-only", failed: "to[0].operation.tools" } },
  ],
  ["a denied notification", { rule: "_default", method: "notifications/initialized" }],
  ["a refused request", { rule: "_refused", reason: "not_json" }],
])("the audit tells of %s by the access log's request id and session", (what, fields) => {
  const logged = lines.get(paths[what])!;
  const line = audit.get(String(logged.request_id))!;
  expect(line).toMatchObject({ ...fields, mode: "enforce", session: logged.mcp_session, address: "127.0.0.1" });
  const started = new Date(String(logged.start_time)).getTime();
  const denied = new Date(String(line.time)).getTime();
  expect(line.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  expect(denied).toBeGreaterThanOrEqual(started);
  expect(denied).toBeLessThanOrEqual(started + Number(logged.duration_ms) + 1);
});

it("no argument, result, session id or query is in what Envoy wrote", () => {
  expect(lines.size).toBeGreaterThan(Object.keys(EXCHANGES).length);
  expect(log).not.toContain(SECRET);
});

/** The MCP fields of an exchange's line, without the prefix that they share. */
function fieldsOf(what: string): Record<keyof typeof NONE, unknown> {
  const line = lines.get(paths[what])!;
  const fields = Object.keys(NONE).map((name) => [name, line[`mcp_${name}`]]);
  return Object.fromEntries(fields) as Record<keyof typeof NONE, unknown>;
}

function call(name: string): string {
  return mcp.request(1, "tools/call", { name, arguments: { query: `${SECRET} argument` } });
}

function failure(): string {
  return JSON.stringify({ jsonrpc: "2.0", id: 1, error: { code: -32602, message: SECRET } });
}

function answering(status: number, type: Record<string, string>, body: string, afterMs = 0): string {
  return scenarios.answering((response) => void setTimeout(() => response.writeHead(status, type).end(body), afterMs));
}

async function postTo(
  type: Record<string, string>,
  answer: string,
  body: string,
  headers: Record<string, string>,
): Promise<string> {
  const url = answering(200, type, answer);
  await post(url, 200, body, headers);
  return url;
}

async function postRejected(
  what: string,
  status: number,
  body: string,
  headers: Record<string, string>,
): Promise<string> {
  const url = `${scenarios.envoy.proxyUrl}${GUARDED}/${what}`;
  await post(url, status, body, headers);
  return url;
}

/** The stream stays open until the answer has come on it. */
async function callOverHttpSse(): Promise<string> {
  const { upstream, envoy } = scenarios;
  let answerOnStream = () => {};
  const endpoint = upstream.route(async (request, response) => {
    await bodyOf(request);
    response.writeHead(202).end();
    answerOnStream();
  });
  const stream = upstream.route((_request, response) => {
    response.writeHead(200, mcp.SSE_TYPE).write(`event: endpoint\ndata: ${endpoint}?sessionId=${SECRET}\n\n`);
    answerOnStream = () => response.end(mcp.event(mcp.result(1, RESULT)));
  });
  const opened = await headOf(
    begin(`${envoy.proxyUrl}${stream}`, { method: "GET", headers: { accept: "text/event-stream" } }),
  );
  const body = bodyOf(opened);
  const url = `${envoy.proxyUrl}${endpoint}?sessionId=${SECRET}`;
  await post(url, 202, CALL, mcp.JSON_TYPE);
  await body;
  return url;
}
