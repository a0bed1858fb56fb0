import { describe, expect, test } from "vitest";
import type { Exchange } from "../../../scripts/host/index.ts";
import {
  JSON_ANSWER,
  MCP_HEADERS,
  SSE_ANSWER,
  countsBy,
  error,
  event,
  post,
  request,
  result,
  startFilter,
  toolCall,
} from "./filter.ts";
import { has } from "./matrix.ts";

const MODERN = { ...MCP_HEADERS, "mcp-protocol-version": "2026-07-28" };
const CONFIGURATION = { labels: { tools: ["echo"] } };

type Response = Exchange["response"];

const status = (code: number, body = "", type = "text/plain"): Response => ({
  status: code,
  headers: { "content-type": type },
  body,
});

interface Case {
  readonly name: string;
  readonly outcome: string;
  readonly response: Response;
  readonly code?: string;
  readonly errorType?: string;
  readonly headers?: Record<string, string>;
  readonly ended?: Exchange["ended"];
}

const CASES: Case[] = [
  { name: "a result", outcome: "ok", response: { headers: JSON_ANSWER, body: result() } },
  { name: "a result in an event", outcome: "ok", response: { headers: SSE_ANSWER, body: event(result()) } },
  {
    name: "isError",
    outcome: "tool_error",
    errorType: "tool_error",
    response: { headers: JSON_ANSWER, body: result({ content: [], isError: true }) },
  },
  { name: "isError: false", outcome: "ok", response: { headers: JSON_ANSWER, body: result({ isError: false }) } },
  {
    name: "a JSON-RPC error",
    outcome: "rpc_error",
    code: "-32602",
    errorType: "rpc_error",
    response: { headers: JSON_ANSWER, body: error(-32602) },
  },
  {
    name: "a JSON-RPC error of an unknown code",
    outcome: "rpc_error",
    code: "_OTHER",
    errorType: "rpc_error",
    response: { headers: JSON_ANSWER, body: error(-31999) },
  },
  {
    name: "a JSON-RPC error with HTTP 404",
    outcome: "rpc_error",
    code: "-32601",
    errorType: "rpc_error",
    response: status(404, error(-32601), "application/json"),
  },
  {
    name: "a JSON-RPC error without an id",
    outcome: "rpc_error",
    code: "-32000",
    errorType: "rpc_error",
    response: status(400, error(-32000, null), "application/json; charset=utf-8"),
  },
  {
    name: "input_required",
    outcome: "input_required",
    response: { headers: JSON_ANSWER, body: result({ resultType: "input_required", inputRequests: {} }) },
  },
  {
    name: "resultType complete",
    outcome: "ok",
    response: { headers: JSON_ANSWER, body: result({ resultType: "complete" }) },
  },
  { name: "401", outcome: "unauthenticated", errorType: "other", response: status(401) },
  { name: "404 without a message", outcome: "http_error", errorType: "other", response: status(404, "no") },
  {
    name: "403 with JSON that is no message",
    outcome: "http_error",
    errorType: "other",
    response: status(403, '{"error":"forbidden"}', "application/json"),
  },
  { name: "503 of the server", outcome: "upstream_error", errorType: "other", response: status(503, "no") },
  {
    name: "a compressed answer",
    outcome: "undecoded",
    errorType: "other",
    response: { headers: { ...JSON_ANSWER, "content-encoding": "gzip" }, body: "\x1f\x8b" },
  },
  {
    name: "an answer that is no JSON",
    outcome: "undecoded",
    errorType: "other",
    response: { headers: JSON_ANSWER, body: '{"jsonrpc":"2.0","id":1,"result":nope}' },
  },
  { name: "an empty answer", outcome: "unanswered", errorType: "other", response: { headers: JSON_ANSWER, body: "" } },
  {
    name: "an event stream that ends without the answer",
    outcome: "unanswered",
    errorType: "other",
    response: { headers: SSE_ANSWER, body: ": nothing\n\n" },
  },
  {
    name: "an answer to another request",
    outcome: "unanswered",
    errorType: "other",
    response: { headers: JSON_ANSWER, body: result({}, "one") },
  },
  {
    name: "a server that breaks off",
    outcome: "upstream_error",
    errorType: "other",
    response: { headers: SSE_ANSWER, body: ": x\n\n", ended: "server" },
  },
  {
    name: "a timeout",
    outcome: "upstream_error",
    errorType: "other",
    response: { headers: SSE_ANSWER, body: ": x\n\n", ended: "timeout" },
  },
  {
    name: "a server that never answers",
    outcome: "upstream_error",
    errorType: "other",
    response: null,
    ended: "server",
  },
  { name: "a client that leaves", outcome: "disconnected", errorType: "other", response: null, ended: "client" },
  {
    name: "a client that leaves an event stream",
    outcome: "disconnected",
    errorType: "other",
    response: { headers: SSE_ANSWER, body: ": x\n\n", ended: "client" },
  },
  {
    name: "a client that leaves, 2026-07-28",
    outcome: "cancelled",
    errorType: "other",
    headers: MODERN,
    response: null,
    ended: "client",
  },
  {
    name: "an answer before the client leaves",
    outcome: "ok",
    response: { headers: SSE_ANSWER, body: event(result()), ended: "client" },
  },
];

describe("each request ends in exactly one outcome", () => {
  const visible = CASES.filter(({ response }) => !/server|timeout/.test(response?.ended ?? "") || has("resets"));
  test.each(visible)("$name: $outcome", ({ outcome, response, code = "", errorType = "", headers, ended }) => {
    const plugin = startFilter({ configuration: CONFIGURATION });
    post(plugin, toolCall("echo"), response, { headers, ended });
    expect(plugin.vm.metrics.counters("mcp_operations_total")).toEqual({
      [`mcp_operations_total{gen_ai_tool_name="echo",mcp_method_name="tools/call",mcp_outcome="${outcome}",` +
      `mcp_role="server",mcp_server="tools"${code && `,rpc_response_status_code="${code}"`}}`]: 1,
    });
    const durations = plugin.vm.metrics.histograms("mcp_operation_duration_milliseconds");
    expect(Object.keys(durations)).toEqual([
      `mcp_operation_duration_milliseconds{${errorType && `error_type="${errorType}",`}gen_ai_tool_name="echo",` +
        `mcp_method_name="tools/call",mcp_role="server",mcp_server="tools"}`,
    ]);
  });
});

test("a task instead of the result counts, without a duration", () => {
  const plugin = startFilter();
  post(plugin, toolCall("slow"), result({ task: { taskId: "t", status: "working" } }));
  post(plugin, toolCall("slow"), result({ resultType: "task", taskId: "t" }));
  expect(countsBy(plugin, "mcp_operations_total", "mcp_outcome", "gen_ai_tool_name")).toEqual({
    "task_accepted slow": 2,
  });
  expect(plugin.vm.metrics.histograms("mcp_operation_duration_milliseconds")).toEqual({});
});

test("subscriptions/listen is a stream and not a call: no duration", () => {
  const plugin = startFilter();
  const acknowledged = '{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged"}';
  const answer = { headers: SSE_ANSWER, body: [event(acknowledged), event(result({}, "listen:0"))] };
  post(plugin, request("subscriptions/listen", { notifications: {} }, "listen:0"), answer);
  expect(countsBy(plugin, "mcp_streams_total", "mcp_stream_kind", "mcp_stream_end")).toEqual({ "listen complete": 1 });
  expect(countsBy(plugin, "mcp_operations_total", "mcp_outcome")).toEqual({ ok: 1 });
  expect(plugin.vm.metrics.histograms("mcp_operation_duration_milliseconds")).toEqual({});
  expect(countsBy(plugin, "mcp_notifications_total", "mcp_method_name", "mcp_direction")).toEqual({
    "notifications/subscriptions/acknowledged server_to_client": 1,
  });
});

test("the duration lasts from the request headers to the end of the response, not of the stream", () => {
  const plugin = startFilter();
  const body = [": wait\n\n", event(result()), ": still here\n\n"];
  post(plugin, toolCall("echo"), { headers: SSE_ANSWER, body }, { responseDelay: 100, chunkDelay: 20 });
  expect(plugin.vm.metrics.histogram("mcp_operation_duration_milliseconds").values).toEqual([140]);
  expect(plugin.vm.metrics.histogram("mcp_stream_duration_milliseconds").values).toEqual([160]);
});

test("payload bytes are those of the messages, without framing", () => {
  const plugin = startFilter();
  const notification = '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}';
  const answer = result({ content: [{ type: "text", text: "é" }] });
  post(plugin, `\n ${toolCall("echo")} \n`, { headers: SSE_ANSWER, body: event(notification) + event(answer) });
  expect(countsBy(plugin, "mcp_payload_bytes_total", "mcp_direction", "mcp_method_name")).toEqual({
    "client_to_server tools/call": toolCall("echo").length,
    "server_to_client tools/call": Buffer.byteLength(answer),
    "server_to_client notifications/progress": notification.length,
  });
});

test("a cancellation on another stream decides the outcome only if there is no response", () => {
  const plugin = startFilter();
  const headers = { ...MCP_HEADERS, "mcp-session-id": "secret" };
  const cancel = (requestId: unknown, session = headers) =>
    post(
      plugin,
      JSON.stringify({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId } }),
      { status: 202 },
      { headers: session },
    );
  const unanswered: Response = { headers: SSE_ANSWER, body: ": x\n\n" };
  cancel(1);
  cancel("3");
  cancel(4, { ...headers, "mcp-session-id": "another" });
  post(plugin, toolCall("a", 1), unanswered, { headers });
  post(plugin, toolCall("b", 1), result({}, 1), { headers });
  post(plugin, toolCall("c", 3), unanswered, { headers });
  post(plugin, toolCall("d", 4), unanswered, { headers });
  expect(countsBy(plugin, "mcp_operations_total", "mcp_outcome")).toEqual({ cancelled: 1, ok: 1, unanswered: 2 });
});

test.each([
  [1, "1.0"],
  [100, "1e2"],
  ["a\\u0062", '"ab"'],
])("ids are the same by value: %s and %s", (sent, answered) => {
  const plugin = startFilter();
  const id = typeof sent === "number" ? String(sent) : `"${sent}"`;
  post(plugin, `{"jsonrpc":"2.0","id":${id},"method":"ping"}`, `{"jsonrpc":"2.0","id":${answered},"result":{}}`);
  expect(countsBy(plugin, "mcp_operations_total", "mcp_outcome")).toEqual({ ok: 1 });
});

test.each(["alone", "with-last", "trailers"] as const)("bodies that end %s", (end) => {
  const plugin = startFilter();
  const answer = { headers: JSON_ANSWER, body: [result().slice(0, 9), result().slice(9)] };
  post(plugin, toolCall("echo"), answer, { requestEnd: end, responseEnd: end });
  expect(countsBy(plugin, "mcp_operations_total", "mcp_outcome")).toEqual({ ok: 1 });
});
