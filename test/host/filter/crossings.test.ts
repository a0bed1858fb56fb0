/** Ends, answers and configurations that meet at a bad moment. */
import { expect, test } from "vitest";
import { Clock, exchange, MetricStore, requestHead, SharedDataStore } from "../../../scripts/host/index.ts";
import {
  JSON_ANSWER,
  SSE_ANSWER,
  countsBy,
  notification,
  passSeconds,
  post,
  request,
  result,
  startFilter,
  startWorkers,
  toolCall,
  startVm,
} from "./filter.ts";
import { GET_HEADERS, OpenStream, inSession, openPost, priming } from "./open-stream.ts";

const sum = (counts: Record<string, number>) => Object.values(counts).reduce((all, each) => all + each, 0);

test("what waits is given up by a worker that tells fewer servers apart", () => {
  const shared = { metrics: new MetricStore(), clock: new Clock(), sharedData: new SharedDataStore() };
  const worker = (maxServers: number, cluster: string) => {
    const configuration = { labels: { maxServers }, sessions: { idleTimeout: "10s" } };
    return startVm(shared).plugin({ configuration, properties: { "xds.cluster_name": cluster } });
  };
  const [first, second, few] = [worker(8, "a"), worker(8, "b"), worker(1, "a")];
  post(first, toolCall("echo"), undefined, { headers: inSession("s1") });
  for (const each of [second, few]) post(each, toolCall("echo"), undefined, { headers: inSession("s2") });
  openPost(second, "s2", toolCall("echo", 7)).write(priming("1")).close();
  first.close();
  second.close();
  passSeconds([few], 30);
  expect(shared.metrics.counter("mcp_operations_total", { mcp_outcome: "unanswered" })).toBe(1);
});

test("more calls in a second than are gathered: each operation still counts as its own", () => {
  const plugin = startFilter({ configuration: { labels: { tools: ["echo", "add"] } } });
  const call = (name: string, text: string) => request("tools/call", { name, arguments: { text } });
  const headers = inSession("s");
  for (let i = 0; i < 3; i++) post(plugin, call("add", "again"), result(), { headers });
  for (let i = 0; i < 1500; i++) post(plugin, call("echo", String(i)), result(), { headers });
  expect(countsBy(plugin, "mcp_operations_total", "mcp_method_name", "gen_ai_tool_name")).toEqual({
    "tools/call add": 3,
    "tools/call echo": 1500,
  });
  passSeconds([plugin], 1);
  expect(countsBy(plugin, "mcp_repeated_calls_total", "gen_ai_tool_name")).toEqual({ add: 2 });
});

test("an event stream that is let go in the middle of an event leaves nothing behind", () => {
  const plugin = startFilter();
  const before = "data:\n\n".repeat(16);
  const body = `${before}data: [{"a":1}\ndata: ,{"b":2}]\n\ndata: {"jsonrpc":"2.0","method":"notifications/message"}\n\n`;
  const headers = { accept: "text/event-stream" };
  exchange(plugin, { request: { method: "GET", headers }, response: { headers: SSE_ANSWER, body } });
  expect(plugin.vm.metrics.counters()).toEqual({});
  for (let i = 0; i < 3; i++) post(plugin, toolCall("echo"));
  expect(countsBy(plugin, "mcp_operations_total", "mcp_outcome")).toEqual({ ok: 3 });
  expect(countsBy(plugin, "mcp_undecoded_total", "mcp_reason")).toEqual({});
});

test("an endpoint event whose data are messages makes one stream, of one kind", () => {
  const plugin = startFilter();
  const body = `event: endpoint\ndata: [${request("ping")}]\n\n`;
  const stream = new OpenStream(plugin, { method: "GET", headers: GET_HEADERS }).write(body);
  passSeconds([plugin], 10);
  expect(sum(plugin.vm.metrics.gauges("mcp_streams_active"))).toBe(1);
  stream.close();
  passSeconds([plugin], 10);
  expect(sum(plugin.vm.metrics.gauges("mcp_streams_active"))).toBe(0);
});

test("the stream of HTTP+SSE ends while a request for it comes: the request ends, too", () => {
  const plugin = startFilter();
  const stream = new OpenStream(plugin, { method: "GET", path: "/sse", headers: GET_HEADERS });
  stream.write("event: endpoint\ndata: /messages?id=1\n\n");
  const late = plugin.stream();
  late.requestHeaders(requestHead({ path: "/messages?id=1", headers: { "content-type": "application/json" } }));
  stream.close("client");
  late.requestBody(Buffer.from(toolCall("echo")), true);
  late.responseHeaders([[":status", "202"]], true);
  late.end();
  expect(countsBy(plugin, "mcp_operations_total", "mcp_outcome")).toEqual({ unanswered: 1 });
  passSeconds([plugin], 10);
  expect(plugin.vm.metrics.gauge("mcp_operations_in_flight")).toBe(0);
});

test("a task is reported before its acceptance: it keeps its tool and has a duration", () => {
  const workers = startWorkers(2, { configuration: { labels: { tools: ["echo"] } } });
  const status = (state: string) => notification("notifications/tasks/status", { taskId: "t", status: state });
  const get = new OpenStream(workers[1], { method: "GET", headers: { ...GET_HEADERS, "mcp-session-id": "s" } });
  const task = result({ task: { taskId: "t", status: "working" } });
  const call = workers[0].stream();
  call.requestHeaders(requestHead({ headers: inSession("s") }));
  call.requestBody(Buffer.from(toolCall("echo")), true);
  get.send(status("working"));
  workers[0].vm.clock.advance(200);
  call.responseHeaders([[":status", "200"], ...Object.entries(JSON_ANSWER)]);
  call.responseBody(Buffer.from(task), true);
  call.end();
  workers[0].vm.clock.advance(300);
  get.send(status("completed"));
  const { metrics } = workers[0].vm;
  expect(metrics.histogram("mcp_task_duration_milliseconds", { gen_ai_tool_name: "echo" }).values).toEqual([500]);
  expect(metrics.counter("mcp_tasks_total", { mcp_task_state: "working" })).toBe(1);
  expect(metrics.counter("mcp_tasks_total", { mcp_task_state: "completed", gen_ai_tool_name: "echo" })).toBe(1);
});
