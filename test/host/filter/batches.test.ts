import { describe, expect, test } from "vitest";
import { type Exchange, exchange, type Plugin } from "../../../scripts/host/index.ts";
import {
  JSON_ANSWER,
  MCP_HEADERS,
  SSE_ANSWER,
  batch,
  countsBy,
  error,
  event,
  notification,
  passSeconds,
  post,
  request,
  result,
  startFilter,
  toolCall,
} from "./filter.ts";
import { has } from "./matrix.ts";

const CONFIGURATION = { labels: { tools: ["echo", "add"], prompts: ["sum"] } };
const LEGACY = { ...MCP_HEADERS, "mcp-protocol-version": "2025-03-26" };
const IN_SESSION = { ...LEGACY, "mcp-session-id": "s" };

const start = () => startFilter({ configuration: CONFIGURATION });
const json = (body: string): Exchange["response"] => ({ headers: JSON_ANSWER, body });
const sse = (...data: string[]): Exchange["response"] => ({ headers: SSE_ANSWER, body: data.map(event).join("") });

const operations = (plugin: Plugin) =>
  countsBy(plugin, "mcp_operations_total", "mcp_method_name", "gen_ai_tool_name", "mcp_outcome");
const outcomes = (plugin: Plugin) => countsBy(plugin, "mcp_operations_total", "gen_ai_tool_name", "mcp_outcome");
const bytes = (plugin: Plugin) =>
  countsBy(plugin, "mcp_payload_bytes_total", "mcp_direction", "mcp_method_name", "gen_ai_tool_name");
const inFlight = (plugin: Plugin) => {
  passSeconds([plugin], 7);
  return plugin.vm.metrics.gauge("mcp_operations_in_flight");
};
const undecoded = (plugin: Plugin) => countsBy(plugin, "mcp_undecoded_total", "mcp_reason");
const streams = (plugin: Plugin) => countsBy(plugin, "mcp_streams_total", "mcp_stream_kind", "mcp_stream_end");

/** All orders of these. */
function orders<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((first) => orders(items.filter((each) => each !== first)).map((rest) => [first, ...rest]));
}

const PROGRESS = notification("notifications/progress", { progressToken: 1, progress: 1 });
const ROOTS = notification("notifications/roots/list_changed");
const PING = request("ping", {}, "p");
const REQUESTS = [toolCall("echo", 1), ROOTS, PING, toolCall("add", "2"), request("tools/list", {}, 2)];
const ANSWERS = [
  result({ content: [{ type: "text", text: "é" }] }, 1),
  error(-32601, "p"),
  result({ content: [], isError: true }, "2"),
  result({ tools: [{ name: "found" }] }, 2),
];

describe("each message of a batch counts as if it came alone", () => {
  const [first, ...others] = ANSWERS;
  const ANSWERED: [string, Exchange["response"]][] = [
    ["a JSON array", json(batch(...ANSWERS, PROGRESS))],
    ["a JSON array in another order", json(batch(...ANSWERS.toReversed(), PROGRESS))],
    ["a JSON array with white space", json(` [ ${ANSWERS.join(" ,\n")},${PROGRESS} ]\n`)],
    ["events", sse(...ANSWERS, PROGRESS)],
    ["events in another order", sse(PROGRESS, ...ANSWERS.toReversed())],
    ["an event", sse(batch(PROGRESS, ...ANSWERS))],
    [
      "an event of many lines",
      { headers: SSE_ANSWER, body: `data: [\ndata: ${[...ANSWERS, PROGRESS].join("\ndata: ,")}]\n\n` },
    ],
    ["events of one and of many", sse(first, batch(...others, PROGRESS))],
  ];

  test.each(ANSWERED)("answered as %s", (_, response) => {
    const plugin = start();
    post(plugin, batch(...REQUESTS), response);
    expect(operations(plugin)).toEqual({
      "tools/call echo ok": 1,
      "ping  rpc_error": 1,
      "tools/call add tool_error": 1,
      "tools/list  ok": 1,
    });
    expect(countsBy(plugin, "mcp_operations_total", "mcp_method_name", "rpc_response_status_code")).toMatchObject({
      "ping -32601": 1,
    });
    expect(countsBy(plugin, "mcp_notifications_total", "mcp_method_name", "mcp_direction")).toEqual({
      "notifications/roots/list_changed client_to_server": 1,
      "notifications/progress server_to_client": 1,
    });
    const size = (text: string) => Buffer.byteLength(text);
    expect(bytes(plugin)).toEqual({
      "client_to_server tools/call echo": size(REQUESTS[0]),
      "client_to_server notifications/roots/list_changed ": size(REQUESTS[1]),
      "client_to_server ping ": size(REQUESTS[2]),
      "client_to_server tools/call add": size(REQUESTS[3]),
      "client_to_server tools/list ": size(REQUESTS[4]),
      "server_to_client tools/call echo": size(ANSWERS[0]),
      "server_to_client ping ": size(ANSWERS[1]),
      "server_to_client tools/call add": size(ANSWERS[2]),
      "server_to_client tools/list ": size(ANSWERS[3]),
      "server_to_client notifications/progress ": size(PROGRESS),
    });
    expect(plugin.vm.metrics.histogram("mcp_operation_duration_milliseconds").count).toBe(4);
    expect(streams(plugin)).toEqual({ "post complete": 1 });
    expect(undecoded(plugin)).toEqual({});
    expect(inFlight(plugin)).toBe(0);
    // The list has the tool.
    post(plugin, toolCall("found"), error(-32602));
    expect(outcomes(plugin)).toMatchObject({ "found rpc_error": 1 });
  });

  /** All counters, and how much each histogram holds, after the batch whose bodies come in such pieces. */
  const numbers = (cut: (body: string) => Uint8Array[], response: Exchange["response"]) => {
    const plugin = start();
    const body = cut(response!.body as string);
    exchange(plugin, {
      request: { headers: IN_SESSION, body: cut(` ${batch("7", ...REQUESTS)}`) },
      response: { ...response, body },
    });
    const { metrics } = plugin.vm;
    const counts = Object.entries(metrics.histograms()).map(([name, { count }]) => [name, count]);
    return { ...metrics.counters(), ...Object.fromEntries(counts) };
  };

  test.each(ANSWERED)("cut anywhere, answered as %s", (_, response) => {
    const uncut = numbers((body) => [Buffer.from(body)], response);
    expect(Object.keys(uncut).filter((name) => name.startsWith("mcp_operations_total"))).toHaveLength(4);
    const longest = Math.max(REQUESTS.join().length, Buffer.byteLength(response!.body as string)) + 10;
    for (let at = 1; at < longest; at++) {
      const halves = (body: string) => [Buffer.from(body).subarray(0, at), Buffer.from(body).subarray(at)];
      expect(numbers(halves, response), `cut at ${at}`).toEqual(uncut);
    }
    for (const size of [1, 3, 64]) {
      const pieces = (body: string) => {
        const all = Buffer.from(body);
        return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.subarray(i * size, (i + 1) * size));
      };
      expect(numbers(pieces, response), `in pieces of ${size}`).toEqual(uncut);
    }
  });

  test("a list tells of names wherever in the batch it was asked for", () => {
    const list = request("tools/list", {}, 9);
    for (const asked of [
      [list, PING, toolCall("echo")],
      [PING, list, PING],
      [toolCall("echo"), PING, list],
    ]) {
      const plugin = start();
      post(plugin, batch(...asked), json(batch(result({ tools: [{ name: "found" }] }, 9))));
      post(plugin, toolCall("found"), error(-32602));
      expect(outcomes(plugin)).toMatchObject({ "found rpc_error": 1 });
    }
  });

  test("whose durations end with their answers", () => {
    const plugin = start();
    const asked = batch(toolCall("echo", 1), request("ping", {}, 2));
    const body = [event(result({}, 2)), event(result({}, 1))];
    post(plugin, asked, { headers: SSE_ANSWER, body }, { responseDelay: 100, chunkDelay: 20 });
    const durations = (name: string) =>
      plugin.vm.metrics.histogram("mcp_operation_duration_milliseconds", { mcp_method_name: name }).values;
    expect(durations("ping")).toEqual([120]);
    expect(durations("tools/call")).toEqual([140]);
  });

  test("the client's answers too", () => {
    const plugin = start();
    const answers = [result({ role: "assistant", content: { type: "text", text: "hello" } }, "s1"), result({}, "s2")];
    post(plugin, batch(...answers, PROGRESS), { status: 202 }, { headers: IN_SESSION });
    expect(operations(plugin)).toEqual({});
    expect(countsBy(plugin, "mcp_notifications_total", "mcp_method_name", "mcp_direction")).toEqual({
      "notifications/progress client_to_server": 1,
    });
    expect(Object.keys(countsBy(plugin, "mcp_tokens_total", "mcp_token_kind"))).toEqual(["sampling_result"]);
    expect(streams(plugin)).toEqual({ "post complete": 1 });
    expect(undecoded(plugin)).toEqual({});
  });

  test("on a GET stream", () => {
    const plugin = start();
    const get = { method: "GET", headers: { accept: "text/event-stream" } };
    const asked = request("sampling/createMessage", { messages: [{ role: "user", content: { text: "hi" } }] }, "s1");
    const body = event(batch(PROGRESS, asked, PROGRESS));
    exchange(plugin, { request: get, response: { headers: SSE_ANSWER, body, ended: "client" } });
    expect(countsBy(plugin, "mcp_notifications_total", "mcp_method_name", "mcp_direction")).toEqual({
      "notifications/progress server_to_client": 2,
    });
    expect(Object.keys(countsBy(plugin, "mcp_tokens_total", "mcp_token_kind"))).toEqual(["sampling_request"]);
    expect(streams(plugin)).toEqual({ "get client_closed": 1 });
  });
});

/** Whether a tool is unknown depends on whether the list came first. */
const UNKNOWN_TOOL = 'mcp_unknown_tool_calls_total{mcp_role="server",mcp_server="tools"}';

describe("each request of a batch ends in one outcome", () => {
  test("that of its own answer", () => {
    const plugin = start();
    const ids = [1, 2, 3, 4, 5];
    const results = [{}, { isError: true }, { resultType: "input_required" }, { task: { taskId: "t" } }];
    const answers = [...results.map((value, i) => result(value, i + 1)), error(-32603, 5)];
    post(plugin, batch(...ids.map((id) => toolCall("echo", id))), json(batch(...answers.toReversed())));
    const ends = ["ok", "tool_error", "input_required", "task_accepted", "rpc_error"];
    expect(outcomes(plugin)).toEqual(Object.fromEntries(ends.map((outcome) => [`echo ${outcome}`, 1])));
  });

  test("in whatever order the answers come", () => {
    const counters = orders(ANSWERS).map((answers) => {
      const plugin = start();
      post(plugin, batch(...REQUESTS), sse(...answers));
      const counted = Object.entries(plugin.vm.metrics.counters()).filter(([name]) => name !== UNKNOWN_TOOL);
      return { ...Object.fromEntries(counted), inFlight: inFlight(plugin) };
    });
    expect(counters).toHaveLength(24);
    expect(counters[0]).toMatchObject({ inFlight: 0 });
    for (const each of counters) expect(each).toEqual(counters[0]);
  });

  const two = batch(toolCall("echo", 1), toolCall("add", 2));
  const one = event(result({}, 1));
  const ENDS: [string, Exchange["response"], Exchange["ended"], Record<string, number>, string][] = [
    [
      "a JSON array",
      json(batch(result({}, 1))),
      undefined,
      { "echo ok": 1, "add unanswered": 1 },
      "post server_closed",
    ],
    ["one message", json(result({}, 2)), undefined, { "echo unanswered": 1, "add ok": 1 }, "post server_closed"],
    ["an event", sse(result({}, 1)), undefined, { "echo ok": 1, "add unanswered": 1 }, "post server_closed"],
    [
      "an event, and the client left",
      { headers: SSE_ANSWER, body: one, ended: "client" },
      ...([undefined, { "echo ok": 1, "add disconnected": 1 }, "post client_closed"] as const),
    ],
    [
      "an event, and the server broke off",
      { headers: SSE_ANSWER, body: one, ended: "server" },
      ...([undefined, { "echo ok": 1, "add upstream_error": 1 }, "post reset"] as const),
    ],
    [
      "an event, and one that cannot be read",
      sse(result({}, 1), '{"jsonrpc":"2.0","id":2,'),
      ...([undefined, { "echo ok": 1, "add undecoded": 1 }, "post complete"] as const),
    ],
    [
      "a 401",
      { status: 401, body: "" },
      undefined,
      { "echo unauthenticated": 1, "add unauthenticated": 1 },
      "post complete",
    ],
    ["a 404", { status: 404, body: "" }, undefined, { "echo http_error": 1, "add http_error": 1 }, "post complete"],
    ["nothing", null, "client", { "echo disconnected": 1, "add disconnected": 1 }, "post client_closed"],
    ["no answer", json("[]"), undefined, { "echo undecoded": 1, "add undecoded": 1 }, "post complete"],
  ];

  const visible = ENDS.filter(([, , , , stream]) => stream !== "post reset" || has("resets"));
  test.each(visible)("answered by %s", (_, response, ended, expected, stream) => {
    const plugin = start();
    post(plugin, two, response, { ended });
    expect(outcomes(plugin)).toEqual(expected);
    expect(streams(plugin)).toEqual({ [stream]: 1 });
    expect(inFlight(plugin)).toBe(0);
  });

  test("the one that was cancelled by itself", () => {
    const plugin = start();
    const cancel = notification("notifications/cancelled", { requestId: 2 });
    const open = { headers: SSE_ANSWER, body: ": x\n\n", ended: "open" } as const;
    const { stream } = exchange(plugin, { request: { headers: IN_SESSION, body: two }, response: open });
    post(plugin, batch(cancel, PROGRESS), { status: 202 }, { headers: IN_SESSION });
    stream.reset("client");
    expect(outcomes(plugin)).toEqual({ "add cancelled": 1 });
    passSeconds([plugin], 2);
    expect(outcomes(plugin)).toEqual({ "echo disconnected": 1, "add cancelled": 1 });
  });

  test("answers to requests that nobody made are none", () => {
    const plugin = start();
    const answers = [result({}, "one"), result({}, 3), result({}, 2), result({ isError: true }, 2), error(-32603, 7)];
    post(plugin, two, json(batch(...answers)));
    expect(outcomes(plugin)).toEqual({ "echo unanswered": 1, "add ok": 1 });
  });

  test("requests of one id take an answer each", () => {
    const plugin = start();
    post(plugin, batch(toolCall("echo", 1), toolCall("echo", 1)), json(batch(result({}, 1), error(-32603, 1))));
    post(plugin, batch(toolCall("add", 1), toolCall("add", 1)), json(batch(result({}, 1))));
    expect(outcomes(plugin)).toEqual({ "echo ok": 1, "echo rpc_error": 1, "add ok": 1, "add unanswered": 1 });
  });
});
