/** Tests the spans of operations and sessions. */
import { createHmac } from "node:crypto";

import { describe, expect, test } from "vitest";

import { exchange } from "../../../scripts/host/index.ts";
import { error, event, JSON_ANSWER, MCP_HEADERS, post, request, result, SSE_ANSWER, toolCall } from "./filter.ts";
import { openSession, send } from "./http-sse.ts";
import { limited } from "./limits.ts";
import { initializeResult, inSession, openGet, openPost, numbered, priming } from "./open-stream.ts";
import { answer, call as queuedCall, passMilliseconds, runTurns } from "./queues.ts";
import { exported, type Span, startTraced, traced } from "./traces.ts";

const SERVER = 2;
const CLIENT = 3;
const INTERNAL = 1;

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const OTHER_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "b7ad6b7169203331";
const OTHER_PARENT = "00f067aa0ba902b7";

const context = (trace = TRACE, parent = PARENT, flags = "01") => `00-${trace}-${parent}-${flags}`;
const byName = (spans: readonly Span[], name: string): Span => {
  const found = spans.filter((span) => span.name === name);
  expect(found.map((span) => span.name)).toEqual([name]);
  return found[0];
};
const initialize = (params: object = {}) =>
  request("initialize", { protocolVersion: "2025-11-25", clientInfo: { name: "agent", version: "1" }, ...params }, 0);
const call = (meta: object = {}, id: unknown = 1) =>
  request("tools/call", { name: "echo", arguments: { text: "s3cret" }, _meta: meta }, id);

type Workers = ReturnType<typeof startTraced>;

function begin(workers: Workers, session = "s"): void {
  const headers = { ...JSON_ANSWER, "mcp-session-id": session };
  post(workers[0], initialize(), { headers, body: initializeResult("2025-11-25") });
}

function end(workers: Workers, session = "s"): void {
  const headers = { "mcp-session-id": session };
  const stream = workers[0].stream();
  stream.requestHeaders([[":method", "DELETE"], [":path", "/mcp"], ...Object.entries(headers)] as never, true);
  stream.responseHeaders([[":status", "200"]] as never, true);
  stream.end();
}

describe("a session", () => {
  test("is a trace: its operations are children of one root, which is exported when the session ends", () => {
    const workers = startTraced(2);
    begin(workers);
    post(workers[1], request("tools/list", {}, 1), result({ tools: [] }, 1), { headers: inSession("s") });
    post(workers[0], toolCall("echo", 2), result({ isError: true }, 2), { headers: inSession("s") });
    const steps = exported(workers);
    expect(steps.map(({ name }) => name).sort()).toEqual(["initialize", "tools/call echo", "tools/list"]);
    end(workers);
    const [root, ...more] = exported(workers, 30);
    expect(more).toEqual([]);
    expect(root).toMatchObject({ name: "MCP session", kind: INTERNAL, parentSpanId: "", isError: false });
    expect(root.attributes).toMatchObject({
      "mcp.session.kind": "streamable",
      "mcp.session.end": "deleted",
      "mcp.session.operations": 3,
      "mcp.server.name": "tools",
    });
    for (const step of steps) {
      expect(step).toMatchObject({ traceId: root.traceId, parentSpanId: root.spanId, kind: SERVER, links: {} });
      expect(step.attributes["session.id"]).toBe(root.attributes["session.id"]);
      expect(step.attributes["gen_ai.conversation.id"]).toBe(root.attributes["session.id"]);
    }
    expect(new Set(steps.map(({ spanId }) => spanId)).size).toBe(3);
  });

  test("begins with the request that opens it, and contains its operations", () => {
    const workers = startTraced(1);
    const headers = { ...JSON_ANSWER, "mcp-session-id": "s" };
    post(workers[0], initialize(), { headers, body: initializeResult("2025-11-25") }, { responseDelay: 300 });
    post(workers[0], toolCall("echo", 2), result({}, 2), { headers: inSession("s"), responseDelay: 200 });
    const steps = exported(workers);
    end(workers);
    const root = byName(exported(workers, 30), "MCP session");
    // A session's times are whole milliseconds.
    expect(byName(steps, "initialize").start - root.start).toBeLessThan(1_000_000n);
    for (const step of steps) {
      expect(step.start).toBeGreaterThanOrEqual(root.start);
      expect(step.end).toBeLessThanOrEqual(root.end);
    }
  });

  test("that started elsewhere begins with the first request that is seen", () => {
    const workers = startTraced(1, { sessions: { idleTimeout: "60s" } });
    post(workers[0], toolCall("echo", 2), result({}, 2), { headers: inSession("s"), responseDelay: 200 });
    const spans = exported(workers, 100);
    const [root, step] = [byName(spans, "MCP session"), byName(spans, "tools/call echo")];
    expect(step.parentSpanId).toBe(root.spanId);
    expect(step.start - root.start).toBeLessThan(1_000_000n);
    expect(step.start).toBeGreaterThanOrEqual(root.start);
    expect(step.end).toBeLessThanOrEqual(root.end);
  });

  test("has a request to the client as a child of the call whose stream carries it", () => {
    const workers = startTraced(2);
    begin(workers);
    const open = openPost(workers[0], "s", toolCall("echo", 1)).send(request("sampling/createMessage", {}, "q1"));
    post(workers[1], result({ role: "assistant", content: {} }, "q1"), { status: 202 }, { headers: inSession("s") });
    open.send(result({}, 1)).close();
    const spans = exported(workers);
    const tool = byName(spans, "tools/call echo");
    expect(byName(spans, "sampling/createMessage")).toMatchObject({
      traceId: tool.traceId,
      parentSpanId: tool.spanId,
      kind: CLIENT,
      attributes: { "jsonrpc.request.id": "q1", "mcp.outcome": "ok" },
    });
  });

  test("has a request on its GET stream as a child of the only open call, otherwise of the root", () => {
    const workers = startTraced(1);
    begin(workers);
    const get = openGet(workers[0], "s").send(request("roots/list", {}, "q1"));
    post(workers[0], result({ roots: [] }, "q1"), { status: 202 }, { headers: inSession("s") });
    const open = openPost(workers[0], "s", toolCall("echo", 1));
    get.send(request("elicitation/create", {}, "q2"));
    post(workers[0], result({ action: "accept" }, "q2"), { status: 202 }, { headers: inSession("s") });
    const other = openPost(workers[0], "s", toolCall("other", 2));
    get.send(request("sampling/createMessage", {}, "q3"));
    post(workers[0], result({}, "q3"), { status: 202 }, { headers: inSession("s") });
    open.send(result({}, 1)).close();
    other.send(result({}, 2)).close();
    const spans = exported(workers);
    const root = byName(spans, "initialize").parentSpanId;
    expect(byName(spans, "roots/list").parentSpanId).toBe(root);
    expect(byName(spans, "elicitation/create").parentSpanId).toBe(byName(spans, "tools/call echo").spanId);
    expect(byName(spans, "sampling/createMessage").parentSpanId).toBe(root);
  });

  test("of HTTP+SSE has a request to the client as a child of the only open call, on any worker", () => {
    const workers = startTraced(3);
    const stream = openSession(workers[0], workers[1]);
    send(workers[2], toolCall("echo", 5));
    stream.send(request("sampling/createMessage", {}, "q1"));
    send(workers[0], result({}, "q1"));
    stream.send(result({}, 5));
    const spans = exported(workers);
    const tool = byName(spans, "tools/call echo");
    expect(tool.parentSpanId).toBe(byName(spans, "initialize").parentSpanId);
    expect(byName(spans, "sampling/createMessage")).toMatchObject({ traceId: tool.traceId, parentSpanId: tool.spanId });
  });

  test("without an id is its caller's activity", () => {
    const workers = startTraced(1, { sessions: { idleTimeout: "10s" } });
    const headers = { ...MCP_HEADERS, "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call" };
    post(workers[0], toolCall("one", 1), result({}, 1), { headers });
    post(workers[0], toolCall("two", 2), result({}, 2), { headers });
    const spans = exported(workers, 40);
    const root = byName(spans, "MCP session");
    expect(root.attributes).toMatchObject({ "mcp.session.kind": "window", "mcp.session.end": "idle" });
    for (const name of ["tools/call one", "tools/call two"]) {
      expect(byName(spans, name)).toMatchObject({ traceId: root.traceId, parentSpanId: root.spanId });
    }
  });

  test("without an id becomes a new one after its caller has been idle", () => {
    const workers = startTraced(2, { sessions: { idleTimeout: "10s" } });
    const roots: Span[] = [];
    for (let i = 0; i < 3; i++) {
      const headers = { ...MCP_HEADERS, "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call" };
      post(workers[0], toolCall("one", 1), result({}, 1), { headers });
      post(workers[1], toolCall("two", 2), result({}, 2), { headers });
      const spans = exported(workers, 40);
      const root = byName(spans, "MCP session");
      expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([root.traceId]));
      expect(byName(spans, "tools/call two").parentSpanId).toBe(root.spanId);
      roots.push(root);
    }
    expect(new Set(roots.map(({ traceId }) => traceId)).size).toBe(3);
  });

  test("that continues after it was idle has one root, and each of its parts ends below this root", () => {
    const workers = startTraced(1, { sessions: { idleTimeout: "10s" } });
    begin(workers);
    const [root] = exported(workers, 40).filter(({ name }) => name === "MCP session");
    for (let i = 0; i < 2; i++) {
      post(workers[0], toolCall("echo", i), result({}, i), { headers: inSession("s") });
      const spans = exported(workers, 40);
      const part = byName(spans, "MCP session");
      expect(part).toMatchObject({ traceId: root.traceId, parentSpanId: root.spanId });
      expect(part.spanId).not.toBe(root.spanId);
      expect(byName(spans, "tools/call echo").parentSpanId).toBe(root.spanId);
    }
  });

  test("that did not start has no trace", () => {
    const workers = startTraced(1);
    post(workers[0], initialize(), { status: 500, headers: JSON_ANSWER, body: error(-32603, 0) });
    const [span] = exported(workers);
    expect(span).toMatchObject({ name: "initialize", parentSpanId: "", isError: true });
    expect(span.attributes).toMatchObject({ "error.type": "-32603", "rpc.response.status_code": "-32603" });
  });
});

describe("a key for sessions", () => {
  const trace = traced({ sessionKey: "0123456789abcdef" });

  test("gives a session one trace in two proxies, with the server's spans below the client's", () => {
    const clients = startTraced(1, { role: "client", trace });
    const servers = startTraced(2, { role: "server", trace });
    for (const workers of [clients, servers]) {
      begin(workers, "a-session");
      post(workers[workers.length - 1], call(), result({}, 1), { headers: inSession("a-session") });
      end(workers, "a-session");
    }
    const above = exported(clients, 30);
    const below = exported(servers, 30);
    const root = byName(above, "MCP session");
    const inner = byName(below, "MCP session");
    const id = createHmac("sha256", "0123456789abcdef").update("a-session").digest("hex").slice(0, 32);
    expect(new Set([...above, ...below].map(({ traceId }) => traceId))).toEqual(new Set([id]));
    expect(root.parentSpanId).toBe("");
    expect(inner.parentSpanId).toBe(root.spanId);
    expect(byName(above, "tools/call echo")).toMatchObject({ parentSpanId: root.spanId, kind: CLIENT });
    expect(byName(below, "tools/call echo")).toMatchObject({ parentSpanId: inner.spanId, kind: SERVER });
    expect(byName(below, "initialize").parentSpanId).toBe(inner.spanId);
    expect(new Set([...above, ...below].map(({ attributes }) => attributes["session.id"]))).toEqual(
      new Set([id.slice(0, 16)]),
    );
  });

  test("does not join windows, or sessions with another key", () => {
    const traces = ["0123456789abcdef", "0123456789abcdeg"].map((sessionKey) => {
      const workers = startTraced(1, { trace: traced({ sessionKey }) });
      begin(workers, "a-session");
      post(workers[0], call({}, 2), result({}, 2));
      const spans = exported(workers);
      return [byName(spans, "initialize").traceId, byName(spans, "tools/call echo").traceId];
    });
    expect(new Set(traces.flat()).size).toBe(4);
  });
});

describe("logs name the span", () => {
  const rules = [{ name: "no-echo", action: "DENY", to: [{ operation: { tools: ["echo"] } }] }];
  const access = { defaultAction: "ALLOW", rules };
  const configuration = { match: { paths: ["/mcp"] }, access };

  test.each([{}, { traceparent: context() }])("of a denied call: %o", (meta) => {
    const workers = startTraced(1, configuration);
    begin(workers);
    const stream = exchange(workers[0], {
      request: { headers: inSession("s"), body: call(meta) },
      response: null,
    }).stream;
    const span = byName(exported(workers), "tools/call echo");
    expect(span).toMatchObject({ isError: true, attributes: { "error.type": "denied", "mcp.rule": "no-echo" } });
    expect(span.events.map(({ name }) => name)).toEqual(["mcp.denied"]);
    const lines = workers[0].vm.logs.filter(({ message }) => message.includes("mcp_access_denied"));
    const ids = { trace_id: span.traceId, span_id: span.spanId };
    expect(lines.map(({ message }) => JSON.parse(message) as unknown)).toMatchObject([ids]);
    expect(stream.state.get("mcp.trace_id")).toBe(span.traceId);
    expect(stream.state.get("mcp.span_id")).toBe(span.spanId);
  });

  test("of the first call of a caller that a limit rejects", () => {
    const rule = { name: "one", key: ["address"], requests: { amount: 1, per: "1h" } };
    const workers = startTraced(1, { match: { paths: ["/mcp"] }, limits: { rules: [rule] } });
    post(workers[0], call({}, 1), result({}, 1));
    exchange(workers[0], { request: { headers: MCP_HEADERS, body: call({}, 2) }, response: null });
    const span = exported(workers).find(({ isError }) => isError)!;
    expect(span.attributes).toMatchObject({ "error.type": "limited", "mcp.rule": "one", "jsonrpc.request.id": "2" });
    expect(span.events.map(({ name }) => name)).toEqual(["mcp.limited"]);
    const line = workers[0].vm.logs.find(({ message }) => message.includes("mcp_limit_started"))!;
    expect(JSON.parse(line.message)).toMatchObject({ trace_id: span.traceId, span_id: span.spanId });
  });

  test("of a call that has waited: its span begins when the request arrived", () => {
    const rule = { name: "one", key: ["address"], concurrency: 1, queue: { maxWait: "30s" } };
    const workers = startTraced(1, limited([rule]));
    const [first, second] = [1, 2].map((id) => queuedCall(workers[0], id));
    runTurns(workers[0]);
    workers[0].vm.clock.advance(20);
    answer(first, 1);
    runTurns(workers[0]);
    workers[0].vm.clock.advance(30);
    answer(second, 2);
    const span = exported(workers).find(({ attributes }) => attributes["jsonrpc.request.id"] === "2")!;
    expect(Number(span.end - span.start) / 1e6).toBe(50);
    const names = span.events.map(({ name }) => name);
    expect(names.slice(0, 2)).toEqual(["mcp.limit.queued", "mcp.limit.admitted"]);
    expect(Number(span.events[1].at - span.start) / 1e6).toBe(20);
  });

  test("but not of an initialize that passes, because its session is not known yet", () => {
    const denied = [{ name: "all", action: "DENY", to: [{ operation: { methods: ["initialize", "tools/call"] } }] }];
    const policy = { mode: "shadow", defaultAction: "ALLOW", rules: denied };
    const workers = startTraced(1, { match: { paths: ["/mcp"] }, access: policy });
    begin(workers);
    post(workers[0], call(), result({}, 1), { headers: inSession("s") });
    const { traceId } = byName(exported(workers), "tools/call echo");
    const lines = workers[0].vm.logs.filter(({ message }) => message.includes("mcp_access_denied"));
    const logged = lines.map(({ message }) => JSON.parse(message) as { method: string; trace_id?: string });
    expect(logged.map((line) => [line.method, line.trace_id])).toEqual([
      ["initialize", undefined],
      ["tools/call", traceId],
    ]);
  });

  test("of a call in the access log, if it is exported", () => {
    const workers = startTraced(1, { trace: traced({ sample: { ratio: 0 } }) });
    for (const isError of [false, true]) {
      const { stream } = exchange(workers[0], {
        request: { headers: MCP_HEADERS, body: call() },
        response: { headers: JSON_ANSWER, body: result({ isError }) },
      });
      const spans = exported(workers);
      expect(stream.state.get("mcp.trace_id")).toBe(spans[0]?.traceId);
    }
  });
});

describe("a request with a context", () => {
  const inMeta = { traceparent: context() };
  const inHeader = { traceparent: context(OTHER_TRACE, OTHER_PARENT) };

  function spanOf(trace: object, meta: object, headers: object, session = "s"): Span {
    const workers = startTraced(1, { trace: traced(trace) });
    begin(workers);
    const sent = { ...inSession(session), ...headers };
    post(workers[0], call(meta), result({}, 1), { headers: sent });
    return byName(exported(workers), "tools/call echo");
  }

  test("in _meta belongs to its trace, and links to the header's and the session's", () => {
    const span = spanOf({}, inMeta, inHeader);
    expect(span).toMatchObject({ traceId: TRACE, parentSpanId: PARENT });
    expect(span.links).toEqual({ transport: `${OTHER_TRACE}-${OTHER_PARENT}`, session: expect.any(String) });
    expect(span.attributes).toMatchObject({
      "mcp.transport.trace_id": OTHER_TRACE,
      "mcp.transport.span_id": OTHER_PARENT,
    });
    const alone = spanOf({}, {}, {});
    expect(span.links.session).not.toBe("");
    expect(alone.links).toEqual({});
  });

  test("in the header belongs to its trace if headers are preferred", () => {
    const span = spanOf({ parent: "header" }, inMeta, inHeader);
    expect(span).toMatchObject({ traceId: OTHER_TRACE, parentSpanId: OTHER_PARENT });
    expect(span.links).toMatchObject({ meta: `${TRACE}-${PARENT}` });
    expect(span.attributes).toMatchObject({ "mcp.meta.trace_id": TRACE, "mcp.meta.span_id": PARENT });
  });

  test("only in the other place stays in the session's trace, and links to the context", () => {
    const span = spanOf({}, {}, inHeader);
    expect(span.traceId).not.toBe(OTHER_TRACE);
    expect(span.parentSpanId).not.toBe("");
    expect(span.links).toEqual({ transport: `${OTHER_TRACE}-${OTHER_PARENT}` });
  });

  test("only in the other place is a child of that context if sessions are not traces", () => {
    const span = spanOf({ sessions: false }, {}, inHeader);
    expect(span).toMatchObject({ traceId: OTHER_TRACE, parentSpanId: OTHER_PARENT, links: {} });
  });

  test("of its own in a batch without a session has this context", () => {
    const workers = startTraced(1, { trace: traced({ parent: "header" }) });
    const batch = [call(inMeta, 1), call(inHeader, 2)];
    const request = { headers: MCP_HEADERS, body: `[${batch.join()}]` };
    exchange(workers[0], { request, response: { status: 500, body: "" } });
    const spans = exported(workers).sort((one, other) => (one.traceId < other.traceId ? -1 : 1));
    expect(spans).toMatchObject([
      { traceId: TRACE, parentSpanId: PARENT, attributes: { "jsonrpc.request.id": "1" }, links: {} },
      { traceId: OTHER_TRACE, parentSpanId: OTHER_PARENT, attributes: { "jsonrpc.request.id": "2" }, links: {} },
    ]);
  });

  test("with the same span in both places links to the session only", () => {
    const span = spanOf({}, inMeta, { traceparent: context() });
    expect(Object.keys(span.links)).toEqual(["session"]);
  });

  test("in a _meta that a duplicate replaces has no context", () => {
    const workers = startTraced(1);
    const meta = `"_meta":{"traceparent":"${context()}"},"_meta":{}`;
    post(workers[0], `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo",${meta}}}`);
    expect(byName(exported(workers), "tools/call echo").traceId).not.toBe(TRACE);
  });

  test("that is not valid has no context", () => {
    const span = spanOf({}, { traceparent: "00-" + "0".repeat(32) + "-" + PARENT + "-01" }, { traceparent: "x" });
    expect(span.links).toEqual({});
    expect(span.traceId).not.toMatch(/^0+$/);
  });
});

describe("sampling", () => {
  const unsampled = { traceparent: context(TRACE, PARENT, "00") };

  test("follows the parent's flag, unless this is disabled", () => {
    const workers = startTraced(1, { trace: traced({ sample: { ratio: 1, errors: false } }) });
    post(workers[0], call(unsampled), result({}, 1));
    expect(exported(workers)).toEqual([]);
    const others = startTraced(1, { trace: traced({ sample: { ratio: 1, parent: false } }) });
    post(others[0], call(unsampled), result({}, 1));
    expect(exported(others)).toHaveLength(1);
  });

  test.each([true, false])(
    "of a call extends to what the server asks under it, where errors are kept: %s",
    (errors) => {
      const workers = startTraced(2, { trace: traced({ sample: { ratio: 1, errors } }) });
      begin(workers);
      const open = openPost(workers[0], "s", call(unsampled, 1)).send(request("sampling/createMessage", {}, "q1"));
      post(workers[1], result({}, "q1"), { status: 202 }, { headers: inSession("s") });
      open.send(result({}, 1)).close();
      const stream = openSession(workers[0], workers[1]);
      send(workers[1], call(unsampled, 5));
      stream.send(request("sampling/createMessage", {}, "q2"));
      send(workers[0], result({}, "q2"));
      stream.send(result({}, 5));
      expect(exported(workers).map(({ name }) => name)).toEqual(["initialize", "initialize"]);
    },
  );

  test("keeps failed operations, at most 100 a second", () => {
    const workers = startTraced(1, { trace: traced({ sample: { ratio: 0 } }) });
    begin(workers);
    for (let id = 1; id <= 150; id++) {
      post(workers[0], call({}, id), result({ isError: true }, id), { headers: inSession("s") });
    }
    post(workers[0], call({}, 200), result({}, 200), { headers: inSession("s") });
    const spans = exported(workers);
    expect(spans).toHaveLength(100);
    expect(spans[0]).toMatchObject({ isError: true, attributes: { "error.type": "tool_error" } });
    end(workers);
    expect(byName(exported(workers, 30), "MCP session").traceId).toBe(spans[0].traceId);
  });

  test("keeps slow operations", () => {
    const workers = startTraced(1, { trace: traced({ sample: { ratio: 0, errors: false, slowerThan: "5s" } }) });
    for (const [id, responseDelay] of [4999, 5000].entries()) {
      post(workers[0], call({}, id), result({}, id), { responseDelay });
    }
    expect(exported(workers).map(({ attributes }) => attributes["jsonrpc.request.id"])).toEqual(["1"]);
  });

  test("drops a session if none of its operations are kept", () => {
    const workers = startTraced(1, { trace: traced({ sample: { ratio: 0 } }) });
    begin(workers);
    end(workers);
    expect(exported(workers, 30)).toEqual([]);
  });

  test("samples whole sessions", () => {
    const workers = startTraced(2, { trace: traced({ sample: { ratio: 0.5 } }) });
    for (let i = 0; i < 60; i++) {
      const session = `s${i}`;
      begin(workers, session);
      post(workers[1], call({}, 1), result({}, 1), { headers: inSession(session) });
      end(workers, session);
    }
    const spans = exported(workers, 40);
    const sizes = new Map<string, number>();
    for (const { traceId } of spans) sizes.set(traceId, (sizes.get(traceId) ?? 0) + 1);
    expect(new Set(sizes.values())).toEqual(new Set([3]));
    expect(sizes.size).toBeGreaterThan(10);
    expect(sizes.size).toBeLessThan(50);
  });
});

describe("a span", () => {
  test("has times, events and attributes of its operation", () => {
    const workers = startTraced(1);
    begin(workers);
    const { clock } = workers[0].vm;
    clock.advance(5);
    const open = openPost(workers[0], "s", call({ progressToken: 1 }, "seven"));
    clock.advance(10);
    open.send(
      JSON.stringify({ jsonrpc: "2.0", method: "notifications/progress", params: { progressToken: 1, progress: 1 } }),
    );
    clock.advance(10);
    open.send(result({ content: [{ type: "text", text: "s3cret words" }] }, "seven")).close();
    const spans = exported(workers);
    const span = byName(spans, "tools/call echo");
    expect(span.end - span.start).toBe(20_000_000n);
    expect(span.start - byName(spans, "initialize").start).toBe(5_000_000n);
    expect(span.events.map(({ name, at }) => [name, Number(at - span.start) / 1e6])).toEqual([
      ["mcp.response.first_byte", 10],
      ["mcp.progress", 10],
    ]);
    expect(span.attributes).toMatchObject({
      "mcp.method.name": "tools/call",
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.tool.name": "echo",
      "jsonrpc.request.id": "seven",
      "mcp.protocol.version": "2025-11-25",
      "mcp.server.name": "tools",
      "mcp.outcome": "ok",
      "http.response.status_code": 200,
      "network.protocol.name": "http",
      "network.transport": "tcp",
      "mcp.tokens.result": expect.any(Number),
    });
    expect(
      JSON.stringify(spans, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value)),
    ).not.toMatch(/s3cret/);
  });

  test("of a server does not count errors of the client as errors", () => {
    const workers = startTraced(1);
    post(workers[0], call(), error(-32602, 1));
    const [span] = exported(workers);
    expect(span).toMatchObject({ kind: SERVER, isError: false });
    expect(span.attributes).toMatchObject({ "rpc.response.status_code": "-32602", "mcp.outcome": "rpc_error" });
    const clients = startTraced(1, { role: "client" });
    post(clients[0], call(), error(-32602, 1));
    const [other] = exported(clients);
    expect(other).toMatchObject({ kind: CLIENT, isError: true, attributes: { "error.type": "-32602" } });
  });

  test("of a resumed call is exported once, by the worker that ends it", () => {
    const workers = startTraced(2);
    begin(workers);
    openPost(workers[0], "s", toolCall("echo", 1)).write(priming("1-0")).close();
    openGet(workers[1], "s", "1-0").write(numbered("1-1", result({}, 1)));
    const spans = exported(workers);
    expect(byName(spans, "tools/call echo").parentSpanId).toBe(byName(spans, "initialize").parentSpanId);
  });

  test("of a resumed call keeps the times of its own stream", () => {
    const workers = startTraced(2);
    begin(workers);
    openPost(workers[0], "s", toolCall("echo", 1)).write(priming("1-0")).close();
    openGet(workers[1], "s", "1-0").write(numbered("1-1", result({}, 1)));
    const { events } = byName(exported(workers), "tools/call echo");
    expect(events.map(({ name }) => name)).toEqual(["mcp.response.first_byte"]);
  });

  describe("of HTTP+SSE", () => {
    const rule = { name: "one", key: [], concurrency: 1, queue: { maxWait: "2s" } };
    const waiting = { response: null, ended: "open" } as const;
    const ofCall = (spans: readonly Span[], id: string) =>
      spans.find(({ attributes }) => attributes["jsonrpc.request.id"] === id)!;

    test("has the times at which it waited for a limit", () => {
      const workers = startTraced(1, limited([rule]));
      const stream = openSession(workers[0], workers[0]);
      send(workers[0], toolCall("slow", 1));
      send(workers[0], toolCall("slow", 2), waiting);
      runTurns(workers[0]);
      stream.send(result({}, 1));
      runTurns(workers[0]);
      stream.send(result({}, 2));
      const { events } = ofCall(exported(workers), "2");
      expect(events.map(({ name }) => name)).toEqual(["mcp.limit.queued", "mcp.limit.admitted"]);
    });

    test("has the rule that rejected it after it had waited", () => {
      const workers = startTraced(1, limited([rule]));
      openSession(workers[0], workers[0]);
      send(workers[0], toolCall("slow", 1));
      const limitedCall = send(workers[0], toolCall("slow", 2), waiting);
      passMilliseconds(workers, 2100);
      limitedCall.end();
      const span = ofCall(exported(workers), "2");
      expect(span.attributes).toMatchObject({ "mcp.outcome": "limited", "mcp.rule": "one" });
      expect(span.events.map(({ name }) => name)).toEqual(["mcp.limit.queued", "mcp.limited"]);
    });

    test("has the status of a response without an answer", () => {
      const workers = startTraced(1);
      openSession(workers[0], workers[0]);
      send(workers[0], toolCall("echo", 1), { response: { status: 500, body: "" } });
      const { attributes } = byName(exported(workers), "tools/call echo");
      expect(attributes).toMatchObject({ "mcp.outcome": "upstream_error", "http.response.status_code": 500 });
    });
  });

  test("does not link to a span of Envoy if the header is still the client's", () => {
    const workers = startTraced(1);
    const stream = workers[0].stream();
    const headers = Object.entries({ ":method": "POST", ":path": "/mcp", ...MCP_HEADERS, traceparent: context() });
    stream.requestHeaders(headers, false);
    stream.requestBody(Buffer.from(toolCall("echo", 1)), true);
    stream.responseHeaders(Object.entries({ ":status": "200", ...SSE_ANSWER }), false);
    stream.responseBody(Buffer.from(event(result({}, 1))), true);
    stream.end();
    expect(byName(exported(workers), "tools/call echo").links).toEqual({ transport: `${TRACE}-${PARENT}` });
  });
});
