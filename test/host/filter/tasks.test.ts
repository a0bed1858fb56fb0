/** Tests tasks: tool calls whose result arrives later. */
import { describe, expect, test } from "vitest";
import { exchange, type Plugin } from "../../../scripts/host/index.ts";
import {
  SSE_ANSWER,
  VERSIONED_HEADERS,
  countsBy,
  error,
  event,
  notification,
  post,
  request,
  result,
  startFilter,
  startWorkers,
  toolCall,
} from "./filter.ts";
import { openGet } from "./open-stream.ts";
import { has } from "./matrix.ts";

const configuration = { labels: { tools: ["echo", "add"] } };
const states = (plugin: Plugin) => countsBy(plugin, "mcp_tasks_total", "gen_ai_tool_name", "mcp_task_state");
const times = (plugin: Plugin) =>
  Object.fromEntries(
    Object.entries(plugin.vm.metrics.histograms("mcp_task_duration_milliseconds")).map(([name, { values }]) => [
      `${/gen_ai_tool_name="([^"]*)"/.exec(name)?.[1]} ${/mcp_task_state="([^"]*)"/.exec(name)?.[1]}`,
      values,
    ]),
  );

const task = (taskId: string, status: string) => ({ taskId, status, ttl: 60000, createdAt: "2026-01-01T00:00:00Z" });

/** Calls a tool. The response is a task in this state. */
function begin(worker: Plugin, taskId: string, status = "working", tool = "echo"): void {
  post(worker, toolCall(tool), result({ task: task(taskId, status) }), { responseDelay: 15 });
}

const headers = VERSIONED_HEADERS;

/** Requests the state of the task, with this state in the response. */
function poll(worker: Plugin, taskId: string, status: string): void {
  post(worker, request("tasks/get", { taskId }), result(task(taskId, status)), { headers });
}

function fetchResult(worker: Plugin, taskId: string, answer: string): void {
  post(worker, request("tasks/result", { taskId }), answer, { headers });
}

describe.each([1, 4])("a task, with %i workers", (count) => {
  const start = () => startWorkers(count, { configuration });
  const on = (workers: Plugin[], i: number) => workers[i % count];

  test("counts each state once, and its duration at the final one", () => {
    const workers = start();
    begin(workers[0], "t1");
    expect(countsBy(workers[0], "mcp_operations_total", "mcp_outcome")).toEqual({ task_accepted: 1 });
    workers[0].vm.clock.advance(1000);
    const told = [
      "working",
      "working",
      "input_required",
      "input_required",
      "working",
      "completed",
      "completed",
      "working",
    ];
    told.forEach((status, i) => poll(on(workers, i), "t1", status));
    expect(states(workers[0])).toEqual({ "echo working": 2, "echo input_required": 1, "echo completed": 1 });
    expect(times(workers[0])).toEqual({ "echo completed": [1015] });
  });

  test.each(["completed", "failed", "cancelled"])("that has ended when it is accepted: %s", (status) => {
    const workers = start();
    begin(workers[0], "t1", status);
    workers.forEach((worker) => poll(worker, "t1", status));
    expect(states(workers[0])).toEqual({ [`echo ${status}`]: 1 });
    expect(times(workers[0])).toEqual({ [`echo ${status}`]: [15] });
  });

  test("belongs to its tool", () => {
    const workers = start();
    begin(workers[0], "t1", "working", "echo");
    begin(on(workers, 1), "t2", "working", "add");
    poll(on(workers, 2), "t1", "failed");
    poll(on(workers, 3), "t2", "completed");
    expect(states(workers[0])).toEqual({ "echo working": 1, "echo failed": 1, "add working": 1, "add completed": 1 });
  });

  test.each([
    ["a result", result({ content: [] }), "completed"],
    ["a tool's error", result({ content: [], isError: true }), "failed"],
    ["a JSON-RPC error", error(-32603), "failed"],
    ["the refusal of an unknown task", error(-32602), undefined],
  ])("whose tasks/result is answered by %s", (_, answer, state) => {
    const workers = start();
    begin(workers[0], "t1");
    workers[0].vm.clock.advance(500);
    workers.forEach((worker) => fetchResult(worker, "t1", answer));
    expect(states(workers[0])).toEqual({ "echo working": 1, ...(state && { [`echo ${state}`]: 1 }) });
    expect(times(workers[0])).toEqual(state ? { [`echo ${state}`]: [515] } : {});
  });

  test("is read from lists, notifications and cancellations", () => {
    const workers = start();
    const ids = ["t1", "t2", "t3", "t4", "t5"];
    ids.forEach((id, i) => begin(on(workers, i), id));
    post(
      on(workers, 1),
      request("tasks/list"),
      result({ tasks: [task("t1", "completed"), { status: "failed", taskId: "t2" }, task("t3", "working")] }),
      { headers },
    );
    openGet(on(workers, 2), "s").send(notification("notifications/tasks/status", task("t3", "completed")));
    const body = event(notification("notifications/tasks", task("t4", "completed"))) + event(result({}));
    post(on(workers, 3), request("ping"), { headers: SSE_ANSWER, body });
    post(on(workers, 1), request("tasks/cancel", { taskId: "t5" }), result(task("t5", "cancelled")), { headers });
    expect(states(workers[0])).toEqual({
      "echo working": 5,
      "echo completed": 3,
      "echo failed": 1,
      "echo cancelled": 1,
    });
  });

  test("of the extension of 2026-07-28 is the result itself", () => {
    const workers = start();
    post(workers[0], toolCall("echo"), result({ resultType: "task", ...task("t1", "working") }));
    workers[0].vm.clock.advance(300);
    const answer = { resultType: "complete", ...task("t1", "completed"), result: { content: [] } };
    post(on(workers, 1), request("tasks/get", { taskId: "t1" }), result(answer), { headers });
    expect(states(workers[0])).toEqual({ "echo working": 1, "echo completed": 1 });
    expect(times(workers[0])).toEqual({ "echo completed": [300] });
  });

  test("whose id is missing in the response to tasks/update or tasks/cancel is the requested one", () => {
    const workers = start();
    begin(workers[0], "t1", "input_required");
    post(on(workers, 1), request("tasks/update", { taskId: "t1", inputResponses: {} }), result({ status: "working" }), {
      headers,
    });
    post(on(workers, 2), request("tasks/cancel", { taskId: "t1" }), result({ status: "cancelled" }), { headers });
    expect(states(workers[0])).toEqual({ "echo input_required": 1, "echo working": 1, "echo cancelled": 1 });
  });
});

test("tasks that started elsewhere have states, but no tool and no duration", () => {
  const plugin = startFilter({ configuration });
  poll(plugin, "old", "working");
  poll(plugin, "old", "completed");
  expect(states(plugin)).toEqual({ "_OTHER working": 1, "_OTHER completed": 1 });
  expect(times(plugin)).toEqual({});
});

test.runIf(has("clusters"))("tasks of different servers are separate, even with the same ids", () => {
  const plugin = startFilter({ configuration });
  begin(plugin, "t1");
  const elsewhere = { headers, properties: { "xds.cluster_name": "other" } };
  post(plugin, request("tasks/get", { taskId: "t1" }), result(task("t1", "completed")), elsewhere);
  expect(countsBy(plugin, "mcp_tasks_total", "mcp_server", "mcp_task_state")).toEqual({
    "tools working": 1,
    "other completed": 1,
  });
});

test.each([
  ["a state that is none", { taskId: "t1", status: "paused" }],
  ["a state that is no text", { taskId: "t1", status: 1 }],
  ["no state", { taskId: "t1" }],
  ["an id that is no text", { taskId: 1, status: "completed" }],
])("%s counts as nothing", (_, told) => {
  const plugin = startFilter({ configuration });
  begin(plugin, "t1");
  openGet(plugin, "s").send(notification("notifications/tasks/status", told));
  expect(states(plugin)).toEqual({ "echo working": 1 });
});

test("a list of tasks is read only if it was requested", () => {
  const plugin = startFilter({ configuration });
  begin(plugin, "t1");
  const listed = { tasks: [task("t1", "completed")] };
  post(plugin, toolCall("echo"), result(listed));
  expect(states(plugin)).toEqual({ "echo working": 1 });
  exchange(plugin, { request: { headers, body: request("tasks/list") }, response: { body: result(listed) } });
  expect(states(plugin)).toEqual({ "echo working": 1, "echo completed": 1 });
});
