import { describe, expect, test } from "vitest";
import { tokensOf } from "../../../estimator.ts";
import { exchange, type Plugin } from "../../../../scripts/host/index.ts";
import {
  JSON_ANSWER,
  MCP_HEADERS,
  SSE_ANSWER,
  countsBy,
  error,
  event,
  passSeconds,
  post,
  request,
  result,
  startWorkers,
  toolCall,
} from "../filter.ts";
import { SAMPLING, SAMPLING_TEXTS, text } from "./contents.ts";
import { modelTokens, tokenCounts } from "./tokens.ts";

const ASKED = request("sampling/createMessage", SAMPLING, "server-1");
const ANSWERED = result({ role: "assistant", content: text("It is sunny there"), model: "m" }, "server-1");
const TOOLS = { tools: [{ name: "echo", description: "Says it again", inputSchema: { type: "object" } }] };
const PROMPT = { messages: [{ role: "user", content: text("Sum this up, please") }] };
const KINDS = ["arguments", "definitions", "prompt", "resource", "result", "structured"];

const inSession = (id: string) => ({ ...MCP_HEADERS, "mcp-session-id": id, "mcp-protocol-version": "2025-11-25" });
const totals = (worker: Plugin, kind: string) =>
  worker.vm.metrics.histogram("mcp_session_tokens", { mcp_session_kind: kind }).values;

/** Requests and answers with tokens of all kinds except sampling, and a request that fails. */
const REQUESTS: [body: string, answer: string][] = [
  [request("tools/list", {}), result(TOOLS)],
  [toolCall("echo"), result({ content: [text("hello to you")], structuredContent: { text: "hello" } })],
  [toolCall("echo"), error(-32603)],
  [request("prompts/get", { name: "sum" }), result(PROMPT)],
  [request("resources/read", { uri: "demo://a" }), result({ contents: [{ uri: "demo://a", text: "# A\n" }] })],
];

function initialize(worker: Plugin, id: string): void {
  const headers = { ...JSON_ANSWER, "mcp-session-id": id };
  post(worker, request("initialize", {}), { headers, body: result({ protocolVersion: "2025-11-25" }) });
}

function remove(worker: Plugin, id: string): void {
  exchange(worker, { request: { method: "DELETE", headers: { "mcp-session-id": id } }, response: { status: 200 } });
}

describe.each([1, 4])("on %i workers", (count) => {
  test("a session has all tokens that were counted in it, including sampling outside of operations", () => {
    const workers = startWorkers(count);
    const on = (i: number) => workers[i % count];
    const headers = inSession("s");
    initialize(on(0), "s");
    const get = { method: "GET", headers: { accept: "text/event-stream", "mcp-session-id": "s" } };
    const open = { headers: SSE_ANSWER, body: ": x\n\n", ended: "open" } as const;
    const { stream } = exchange(on(1), { request: get, response: open });
    REQUESTS.forEach(([body, answer], i) => post(on(i), body, answer, { headers }));
    passSeconds(workers, 7);
    stream.responseBody(Buffer.from(event(ASKED)));
    post(on(3), ANSWERED, { status: 202 }, { headers });
    post(on(2), toolCall("echo"), { headers: SSE_ANSWER, body: event(ASKED) + event(result()) }, { headers });
    post(on(0), ANSWERED, { status: 202 }, { headers });
    stream.reset("client");
    remove(on(3), "s");
    passSeconds(workers, 13);

    const counts = countsBy(on(0), "mcp_tokens_total", "mcp_token_kind");
    expect(Object.keys(counts).sort()).toEqual([...KINDS, "sampling_request", "sampling_result"].sort());
    expect(counts.sampling_request).toBe(2 * tokensOf(SAMPLING_TEXTS));
    expect(counts.sampling_result).toBe(2 * tokensOf(["It is sunny there"]));
    expect(totals(on(0), "streamable")).toEqual([modelTokens(on(0))]);
    expect(totals(on(0), "window")).toEqual([]);
  });

  test("a window has all tokens that were counted in it, after it is idle", () => {
    const workers = startWorkers(count, { configuration: { sessions: { idleTimeout: "5s" } } });
    const meta = { "io.modelcontextprotocol/protocolVersion": "2026-07-28" };
    const headers = { ...MCP_HEADERS, "mcp-protocol-version": "2026-07-28" };
    const call = { name: "echo", _meta: meta, arguments: { a: 1 } };
    const responses = { one: { role: "assistant", content: text("It is sunny there") } };
    REQUESTS.forEach(([body, answer], i) => post(workers[i % count], body, answer, { headers }));
    const asks = { resultType: "input_required", inputRequests: { one: { method: "sampling/createMessage" } } };
    Object.assign(asks.inputRequests.one, { params: SAMPLING });
    post(workers[0], request("tools/call", call), result(asks), { headers });
    const again = request("tools/call", { ...call, inputResponses: responses });
    post(workers[count - 1], again, result({ content: [text("Thank you")] }), { headers });
    passSeconds(workers, 25);

    const kinds = Object.keys(countsBy(workers[0], "mcp_tokens_total", "mcp_token_kind"));
    expect(kinds.sort()).toEqual([...KINDS, "sampling_request", "sampling_result"].sort());
    expect(totals(workers[0], "window")).toEqual([modelTokens(workers[0])]);
    expect(totals(workers[0], "streamable")).toEqual([]);
  });

  test("each session has its own", () => {
    const workers = startWorkers(count);
    const words = ["one", "one and two and three", "one and two and three and four and five and six"];
    words.forEach((_, i) => initialize(workers[i % count], `s${i}`));
    for (let round = 0; round < 3; round++) {
      words.forEach((word, i) => {
        const answer = result({ content: [text(word)] });
        post(workers[(i + round) % count], toolCall("echo"), answer, { headers: inSession(`s${i}`) });
      });
      passSeconds(workers, 6);
    }
    words.forEach((_, i) => remove(workers[i % count], `s${i}`));
    passSeconds(workers, 13);
    const expected = words.map((word) => 3 * (tokensOf([word]) + tokensOf([{ text: "hello" }])));
    expect(totals(workers[0], "streamable").sort((a, b) => a - b)).toEqual(expected);
  });
});

test("a session without any text has no tokens, and is counted", () => {
  const [worker] = startWorkers(1);
  initialize(worker, "s");
  post(worker, request("ping"), result({}), { headers: inSession("s") });
  remove(worker, "s");
  passSeconds([worker], 13);
  expect(totals(worker, "streamable")).toEqual([0]);
});

test("more tokens than 32 bits hold", () => {
  const [worker] = startWorkers(1, { configuration: { tokens: { scale: 100 } } });
  initialize(worker, "s");
  const answer = result({ content: [text("a b c d e f g h ".repeat(150_000))] });
  for (let i = 0; i < 45; i++) post(worker, toolCall("echo"), answer, { headers: inSession("s") });
  remove(worker, "s");
  passSeconds([worker], 13);
  expect(modelTokens(worker)).toBeGreaterThan(2 ** 32);
  expect(totals(worker, "streamable")).toEqual([modelTokens(worker)]);
});

test("a session counts a result once that has the same text and structured content, as FastMCP sends it", () => {
  const [worker] = startWorkers(1);
  initialize(worker, "s");
  const before = modelTokens(worker);
  const forecast = { city: "Oslo", days: [{ sky: "sunny", celsius: 21 }] };
  const body = result({ content: [text(JSON.stringify(forecast))], structuredContent: forecast });
  post(worker, toolCall("echo"), { headers: JSON_ANSWER, body }, { headers: inSession("s") });
  expect(tokenCounts(worker)["structured echo"]).toBe(tokensOf([forecast]));
  remove(worker, "s");
  passSeconds([worker], 20);
  const read = tokensOf([{ text: "hello" }]) + tokensOf([JSON.stringify(forecast)]);
  expect(totals(worker, "streamable")).toEqual([before + read]);
});

test("tokens need no access to shared data, except for a pending request of the server", () => {
  const [worker] = startWorkers(1);
  initialize(worker, "s");
  const call = () => {
    const body = event(ASKED) + event(result({ content: [text("fine")], structuredContent: { a: 1 } }));
    post(worker, toolCall("echo"), { headers: SSE_ANSWER, body }, { headers: inSession("s") });
    post(worker, ANSWERED, { status: 202 }, { headers: inSession("s") });
  };
  call();
  worker.vm.calls.reset();
  call();
  // Each POST checks whether HTTP+SSE has been used.
  expect(worker.vm.calls.count("proxy_get_shared_data")).toBe(3 + 2);
  expect(worker.vm.calls.count("proxy_set_shared_data")).toBe(2);
});
