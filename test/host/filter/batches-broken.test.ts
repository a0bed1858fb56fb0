/** Batches with elements that are not messages, batches that break off, and batches that are not MCP. */
import { describe, expect, test } from "vitest";
import { exchange, type Plugin } from "../../../scripts/host/index.ts";
import {
  JSON_ANSWER,
  MCP_HEADERS,
  SSE_ANSWER,
  batch,
  countsBy,
  event,
  notification,
  post,
  request,
  result,
  startFilter,
  toolCall,
} from "./filter.ts";

const LEGACY = { ...MCP_HEADERS, "mcp-protocol-version": "2025-03-26" };
const CALL = toolCall("echo", 1);
const PROGRESS = notification("notifications/progress", { progressToken: 1, progress: 1 });

const start = () => startFilter({ configuration: { labels: { tools: ["echo", "add"] } } });
const json = (body: string) => ({ headers: JSON_ANSWER, body });
const outcomes = (plugin: Plugin) => countsBy(plugin, "mcp_operations_total", "gen_ai_tool_name", "mcp_outcome");
const undecoded = (plugin: Plugin) => countsBy(plugin, "mcp_undecoded_total", "mcp_reason");
const notifications = (plugin: Plugin) => countsBy(plugin, "mcp_notifications_total", "mcp_direction");
const streams = (plugin: Plugin) => countsBy(plugin, "mcp_streams_total", "mcp_stream_kind", "mcp_stream_end");

const NO_MESSAGES = [
  ...["1", "null", '"a"', "{}", "[]", batch(toolCall("add", 2))],
  '{"jsonrpc":"1.0","id":2,"method":"tools/call","params":{"name":"add"}}',
  '{"jsonrpc":"2.0","id":[],"method":"tools/call"}',
  '{"id":2,"result":{}}',
];

describe.each(NO_MESSAGES)("%s in a batch is counted, and the others are read", (broken) => {
  test("of a request", () => {
    const plugin = start();
    const body = batch(broken, CALL, broken, PROGRESS, broken);
    post(plugin, body, json(batch(result({}, 2), result({}, 1))), { headers: LEGACY });
    expect(undecoded(plugin)).toEqual({ not_jsonrpc: 3 });
    expect(outcomes(plugin)).toEqual({ "echo ok": 1 });
    expect(notifications(plugin)).toEqual({ client_to_server: 1 });
    expect(streams(plugin)).toEqual({ "post complete": 1 });
  });

  test.each([
    ["JSON", JSON_ANSWER, (body: string) => body],
    ["an event", SSE_ANSWER, event],
  ])("of an answer as %s", (_, headers, frame) => {
    const plugin = start();
    const body = frame(batch(broken, PROGRESS, broken, result({}, 1), broken));
    post(plugin, batch(CALL, toolCall("add", 2)), { headers, body });
    expect(undecoded(plugin)).toEqual({ not_jsonrpc: 3 });
    // One of those that could not be read may have been its answer.
    expect(outcomes(plugin)).toEqual({ "echo ok": 1, "add undecoded": 1 });
    expect(notifications(plugin)).toEqual({ server_to_client: 1 });
  });

  test("without an MCP header: let go where it comes first, counted where it comes later", () => {
    const plugin = start();
    post(plugin, batch(broken, CALL), json(batch(result({}, 1))));
    expect(plugin.vm.metrics.size).toBe(0);
    post(plugin, batch(CALL, broken), json(batch(result({}, 1))));
    expect(undecoded(plugin)).toEqual({ not_jsonrpc: 1 });
    expect(outcomes(plugin)).toEqual({ "echo ok": 1 });
  });
});

describe("a batch that cannot be read to its end", () => {
  const WHOLE = batch(CALL, PROGRESS, toolCall("add", 2));
  const BROKEN: [string, string][] = [
    ["truncated", WHOLE.slice(0, -1)],
    ["truncated", WHOLE.slice(0, -5)],
    ["truncated", `[${CALL},${PROGRESS},`],
    ["syntax", `[${CALL},${PROGRESS},]`],
    ["syntax", `[${CALL},${PROGRESS},${toolCall("add", 2)}}`],
    ["syntax", `${WHOLE}]`],
    ["syntax", `${WHOLE}${WHOLE}`],
    ["depth", `[${CALL},${PROGRESS},${"[".repeat(600)}`],
  ];

  test.each(BROKEN)("counts what came before: %s in a request, %s", (reason, body) => {
    const plugin = start();
    post(plugin, body, json(batch(result({}, 1), result({}, 2))));
    const added = body.includes('"add"') && body !== WHOLE.slice(0, -5);
    expect(undecoded(plugin)).toEqual({ [reason]: 1 });
    expect(outcomes(plugin)).toEqual({ "echo ok": 1, ...(added && { "add ok": 1 }) });
    expect(notifications(plugin)).toEqual({ client_to_server: 1 });
    expect(streams(plugin)).toEqual({ "post complete": 1 });
  });

  const answers = batch(result({}, 1), PROGRESS, result({}, 2));
  test.each([
    ["truncated", answers.slice(0, -5)],
    ["truncated", `[${result({}, 1)},${PROGRESS},`],
    ["syntax", `[${result({}, 1)},${PROGRESS},]`],
    ["syntax", `[${result({}, 1)},${PROGRESS},nope`],
    ["depth", `[${result({}, 1)},${PROGRESS},${"[".repeat(600)}`],
  ])("counts what came before: %s in an answer, %s", (reason, body) => {
    for (const response of [json(body), { headers: SSE_ANSWER, body: event(body) }]) {
      const plugin = start();
      post(plugin, batch(CALL, toolCall("add", 2)), response);
      expect(undecoded(plugin)).toEqual({ [reason]: 1 });
      expect(outcomes(plugin)).toEqual({ "echo ok": 1, "add undecoded": 1 });
      expect(notifications(plugin)).toEqual({ server_to_client: 1 });
    }
  });

  test("in one event does not touch the next", () => {
    const plugin = start();
    const body = event(`[${result({}, 2)},{"jsonrpc":"2.0"`) + event(result({}, 1));
    post(plugin, batch(CALL, toolCall("add", 2)), { headers: SSE_ANSWER, body });
    expect(undecoded(plugin)).toEqual({ truncated: 1 });
    expect(outcomes(plugin)).toEqual({ "echo ok": 1, "add ok": 1 });
  });

  test("leaves open what the stream's end then ends", () => {
    const plugin = start();
    const body = `[${CALL},{"jsonrpc":"2.0",`;
    exchange(plugin, { request: { headers: MCP_HEADERS, body }, response: null, ended: "client" });
    expect(outcomes(plugin)).toEqual({ "echo disconnected": 1 });
    expect(undecoded(plugin)).toEqual({ truncated: 1 });
  });
});

describe("a batch without messages", () => {
  test.each(["[]", " [ ]\n"])("%j is not one of JSON-RPC", (body) => {
    const plugin = start();
    post(plugin, body, { status: 400 });
    expect(plugin.vm.metrics.size).toBe(0);
    post(plugin, body, { status: 400 }, { headers: LEGACY });
    expect(undecoded(plugin)).toEqual({ not_jsonrpc: 1 });
    expect(outcomes(plugin)).toEqual({});
    expect(streams(plugin)).toEqual({ "post complete": 1 });
  });
});

describe("a batch without an MCP header", () => {
  const ethereum = request("eth_call", {}, 7);

  test.each([
    ["other methods", batch(ethereum, ethereum)],
    ["another method first", batch(ethereum, CALL)],
    ["an answer first", batch(result({}, 1), CALL)],
    ["bad JSON", `[nope,${CALL}]`],
    ["an end within the first message", `[${CALL.slice(0, -1)}`],
    ["an end before it", "["],
    ["a batch in a batch", `[${batch(CALL)}]`],
  ])("is let go for %s", (_, body) => {
    const plugin = start();
    post(plugin, body, json(batch(result({}, 1))));
    expect(plugin.vm.metrics.size).toBe(0);
  });

  test("is MCP by its first message, and so is what follows", () => {
    const plugin = start();
    post(plugin, batch(PROGRESS, ethereum, result({}, 1), CALL), json(batch(result({}, 7), result({}, 1))));
    expect(countsBy(plugin, "mcp_operations_total", "mcp_method_name", "mcp_outcome")).toEqual({
      "_OTHER ok": 1,
      "tools/call ok": 1,
    });
    expect(notifications(plugin)).toEqual({ client_to_server: 1 });
    expect(undecoded(plugin)).toEqual({});
  });

  test("but all its methods count if it has one", () => {
    const plugin = start();
    post(plugin, batch(ethereum, CALL), json(batch(result({}, 7), result({}, 1))), { headers: LEGACY });
    expect(countsBy(plugin, "mcp_operations_total", "mcp_method_name", "mcp_outcome")).toEqual({
      "_OTHER ok": 1,
      "tools/call ok": 1,
    });
  });

  test("is not read on once it is let go", () => {
    const plugin = start();
    const chunks = [`[${ethereum},`, ...Array<string>(50).fill(`${CALL},`), `${CALL}]`];
    plugin.vm.calls.reset();
    exchange(plugin, { request: { headers: MCP_HEADERS, body: chunks }, response: json("[]") });
    expect(plugin.vm.calls.count("proxy_get_buffer_bytes")).toBe(1);
  });
});
