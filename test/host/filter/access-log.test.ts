/** Tests the fields for the access log in a stream's filter state. */
import { describe, expect, test } from "vitest";
import {
  type Exchange,
  exchange,
  type ExchangeOptions,
  type HttpStream,
  type Plugin,
} from "../../../scripts/host/index.ts";
import {
  MCP_HEADERS,
  SSE_ANSWER,
  batch,
  error,
  event,
  notification,
  request,
  result,
  startFilter,
  startWorkers,
  toolCall,
} from "./filter.ts";
import { ENDPOINT, initializeRequest, openStream, send } from "./http-sse.ts";
import { initializeResult, inSession, openGet, openPost, priming } from "./open-stream.ts";

const MODERN = { ...MCP_HEADERS, "mcp-protocol-version": "2026-07-28" };
const HASH = /^[0-9a-f]{16}$/;
const start = () => startFilter({ configuration: { tokens: { estimate: false }, logFields: true } });

/** The non-empty fields of a stream without their common prefix. The session, which is a hash, is replaced by a constant. */
function fieldsOf(stream: HttpStream): Record<string, string> {
  const fields = [...stream.state].filter(([, value]) => value !== "");
  return Object.fromEntries(
    fields.map(([name, value]) => {
      expect(name).toMatch(/^mcp\./);
      return [name.replace("mcp.", ""), name.endsWith("session") && HASH.test(value) ? "hash" : value];
    }),
  );
}

/** The fields after a POST with this response. */
function fields(
  plugin: Plugin,
  body: string,
  response: Exchange["response"],
  {
    headers = inSession("s"),
    ended,
    ...options
  }: ExchangeOptions & Partial<Exchange> & { headers?: Record<string, string> } = {},
): Record<string, string> {
  return fieldsOf(exchange(plugin, { request: { headers, body }, response, ended }, options).stream);
}

const json = (body: string) => ({ body });
const CALL = { method: "tools/call", target: "echo", era: "legacy", session: "hash" };

test("a resource is shown by its URI, without parts that may be secret", () => {
  const read = (uri: string) => fields(start(), request("resources/read", { uri }), json(result())).target;
  expect(read("demo://readme")).toBe("demo://readme");
  expect(read("https://docs.example/a?token=x")).toBe("https://docs.example/a");
  expect(read("demo://readme#token")).toBe("demo://readme");
  expect(read("?token=x")).toBeUndefined();
  expect(read("ftp://agent:password@docs.example/a")).toBeUndefined();
  expect(read("file:///node_modules/@types/node")).toBe("file:///node_modules/@types/node");
  expect(read(`demo://${"x".repeat(122)}`)).toBeUndefined();
});

describe("the fields of", () => {
  test.each([
    ["a result", json(result()), undefined, "ok"],
    ["a tool's error", json(result({ isError: true })), undefined, "tool_error"],
    ["a JSON-RPC error", json(error(-32602)), undefined, "rpc_error"],
    ["a task", json(result({ task: { taskId: "t", status: "working" } })), undefined, "task_accepted"],
    ["a call for input", json(result({ resultType: "input_required" })), undefined, "input_required"],
    ["an event stream", { headers: SSE_ANSWER, body: event(result()) }, undefined, "ok"],
    ["a 401", { status: 401, body: "" }, undefined, "unauthenticated"],
    ["a 429", { status: 429, body: "" }, undefined, "http_error"],
    ["a 500", { status: 500, body: "" }, undefined, "upstream_error"],
    ["a body that is no message", json("hello"), undefined, "undecoded"],
    ["an event stream without the answer", { headers: SSE_ANSWER, body: ": x\n\n" }, undefined, "unanswered"],
    ["a client that left", null, "client", "disconnected"],
    ["a server that broke off", null, "server", "upstream_error"],
  ] as const)("a call that ended with %s", (_, response, ended, outcome) => {
    const seen = fields(start(), toolCall("echo"), response, { ended, responseDelay: 42 });
    expect(seen).toEqual({ ...CALL, outcome, duration_ms: "42" });
  });

  test("a call of 2026-07-28, with and without a session", () => {
    const call = { ...CALL, era: "modern", outcome: "ok", duration_ms: "0" };
    expect(fields(start(), toolCall("echo"), json(result()), { headers: MODERN })).toEqual(call);
    const refused = fields(start(), toolCall("echo"), { status: 400, body: "" }, { headers: MODERN });
    expect(refused).toEqual({
      method: "tools/call",
      target: "echo",
      era: "modern",
      outcome: "http_error",
      duration_ms: "0",
    });
  });

  test.each([
    ["a method without a target", request("ping"), { method: "ping" }],
    ["a prompt", request("prompts/get", { name: "greet" }), { method: "prompts/get", target: "greet" }],
    ["a method that is none of MCP's", request("secret/method"), { method: "_OTHER" }],
  ])("%s", (_, body, named) => {
    const seen = fields(start(), body, json(result()));
    expect(seen).toEqual({ ...named, era: "legacy", session: "hash", outcome: "ok", duration_ms: "0" });
  });

  test("a call with its tokens", () => {
    const plugin = startFilter({ configuration: { logFields: true } });
    const answer = result({ content: [{ type: "text", text: "one two three four five" }] });
    const { tokens, ...others } = fields(plugin, toolCall("echo"), json(answer));
    expect(Number(tokens)).toBe(plugin.vm.metrics.counter("mcp_tokens_total"));
    expect(Number(tokens)).toBeGreaterThan(3);
    expect(others).toEqual({ ...CALL, outcome: "ok", duration_ms: "0" });
  });

  test("a batch are those of the operation that ended last", () => {
    const two = batch(toolCall("echo", 1), request("ping", {}, 2));
    const [echo, ping] = [result({ isError: true }, 1), result({}, 2)];
    const common = { era: "legacy", session: "hash", duration_ms: "0" };
    expect(fields(start(), two, json(batch(ping, echo)))).toEqual({ ...CALL, ...common, outcome: "tool_error" });
    expect(fields(start(), two, json(batch(echo, ping)))).toEqual({ ...common, method: "ping", outcome: "ok" });
  });

  test("a notification, and a client's response", () => {
    const plugin = start();
    const notified = { method: "notifications/initialized", era: "legacy" };
    const accepted = { status: 202, body: "" };
    const body = notification("notifications/initialized");
    expect(fields(plugin, body, accepted)).toEqual({ ...notified, session: "hash" });
    expect(fields(plugin, body, accepted, { headers: MCP_HEADERS })).toEqual(notified);
    expect(fields(plugin, body, accepted, { headers: MODERN })).toEqual({ ...notified, era: "modern" });
    expect(fields(plugin, result({}, 9), accepted)).toEqual({});
  });

  test("a request whose response arrives on another stream are its method, target and session", () => {
    const plugin = start();
    const stream = openStream(plugin);
    const asked = send(plugin, initializeRequest());
    expect(fieldsOf(asked)).toEqual({ method: "initialize", era: "legacy", session: "hash" });
    stream.send(initializeResult("2024-11-05", 0));
    expect(fieldsOf(send(plugin, toolCall("echo", 1)))).toEqual(CALL);
    stream.send(result({}, 1)).close();
    expect(fieldsOf(stream.stream)).toEqual({});

    const polled = openPost(plugin, "s", toolCall("echo", 1)).write(priming("a"));
    polled.close();
    expect(fieldsOf(polled.stream)).toEqual(CALL);
    const resumed = openGet(plugin, "s", "a").send(result({}, 1));
    resumed.close();
    expect(fieldsOf(resumed.stream)).toEqual({});
  });

  test("a stream that is not MCP are empty", () => {
    const plugin = start();
    const other = { headers: { "content-type": "application/json" }, body: '{"a":1}' };
    expect(fieldsOf(exchange(plugin, { request: other, response: json("{}") }).stream)).toEqual({});
    expect(
      fieldsOf(exchange(plugin, { request: { ...other, headers: MCP_HEADERS }, response: json("{}") }).stream),
    ).toEqual({});
    expect(fieldsOf(exchange(plugin, { request: { method: "GET" }, response: json("{}") }).stream)).toEqual({});
  });

  test("an operation that is open when the log is written have its outcome", () => {
    const call = openPost(start(), "s", toolCall("echo"));
    expect(fieldsOf(call.stream)).toEqual({});
    call.close("client");
    expect(fieldsOf(call.stream)).toEqual({ ...CALL, outcome: "disconnected", duration_ms: "0" });
  });
});

test("the session's field is the same on every stream and worker, another for another session or proxy", () => {
  const workers = startWorkers(4, { configuration: { logFields: true } });
  const sessionOf = (worker: Plugin, headers: Record<string, string>) =>
    exchange(worker, { request: { headers, body: toolCall("echo") }, response: json(result()) }).stream.state;
  const field = (worker: Plugin, session: string) =>
    [...sessionOf(worker, inSession(session))].find(([name]) => name.endsWith("mcp.session"))?.[1];
  const hashes = workers.map((worker) => field(worker, "s"));
  expect(hashes[0]).toMatch(HASH);
  expect(new Set(hashes).size).toBe(1);
  expect(field(workers[1], "t")).not.toBe(hashes[0]);
  expect(field(start(), "s")).not.toBe(hashes[0]);
});

test("no field contains an argument, a result or an id", () => {
  const secret = "5ecre7";
  const plugin = startFilter({ configuration: { logFields: true } });
  const seen: HttpStream[] = [];
  const ids = { headers: inSession(`${secret}-session`) };
  const secrets = {
    content: [{ type: "text", text: secret }],
    structuredContent: { secret },
    nextCursor: secret,
    taskId: secret,
  };
  const bodies = ["tools/call", "resources/read", "tasks/get", "completion/complete", `vendor/${secret}`].map(
    (method) =>
      request(method, { name: "echo", arguments: { secret }, uri: secret, taskId: secret, cursor: secret }, secret),
  );
  const stream = openStream(plugin, `/messages?sessionId=${secret}`);
  for (const body of [
    ...bodies,
    notification("notifications/progress", { progressToken: secret }),
    result(secrets, secret),
  ]) {
    for (const answer of [result(secrets, secret), error(-1, secret), batch(result(secrets, secret)), secret]) {
      seen.push(
        exchange(plugin, {
          request: { ...ids, body },
          response: { ...json(answer), headers: { "content-type": "application/json", "mcp-session-id": secret } },
        }).stream,
      );
      seen.push(
        exchange(plugin, { request: { headers: MODERN, body: batch(body, body) }, response: json(answer) }).stream,
      );
      seen.push(send(plugin, body, { path: `/messages?sessionId=${secret}` }));
      stream.send(answer);
    }
  }
  stream.close();
  const all = [...seen, stream.stream].flatMap(({ state }) => [...state].flat());
  expect(all.length).toBeGreaterThan(300);
  expect(all.filter((text) => text.includes(secret))).toEqual([]);
  expect(ENDPOINT).not.toContain(secret);
});
