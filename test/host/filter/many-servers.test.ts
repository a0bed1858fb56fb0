/** Tests that servers beyond `labels.maxServers` share a label value, and nothing else. */
import { expect, test } from "vitest";
import { type Plugin, SharedDataStore } from "../../../scripts/host/index.ts";
import {
  countsBy,
  MCP_HEADERS,
  passSeconds,
  post,
  request,
  result,
  startWorkers,
  toolCall,
  VERSIONED_HEADERS,
  startVm,
} from "./filter.ts";
import { inSession, numbered, openGet, OpenStream, priming } from "./open-stream.ts";

/** The first two use the available label values; c and d are `_OTHER`. */
const configuration = { labels: { maxServers: 2, tools: ["echo"] }, sessions: { idleTimeout: "60s" } };
const on = (cluster: string) => ({ properties: { "xds.cluster_name": cluster } });
const task = (taskId: string, status: string) => ({ taskId, status, ttl: 60000, createdAt: "2026-01-01T00:00:00Z" });

function start(): Plugin[] {
  const workers = startWorkers(2, { configuration });
  for (const cluster of ["a", "b"]) post(workers[0], request("ping"), result(), on(cluster));
  return workers;
}

test("lists of tools are compared with those of the same server", () => {
  const workers = start();
  const list = (cluster: string, name: string) =>
    post(workers[1], request("tools/list"), result({ tools: [{ name, inputSchema: {} }] }), on(cluster));
  list("c", "one");
  list("d", "two");
  list("c", "one");
  expect(countsBy(workers[0], "mcp_tool_definition_changes_total", "mcp_change")).toEqual({});
  list("d", "three");
  expect(countsBy(workers[0], "mcp_tool_definition_changes_total", "mcp_server", "mcp_change")).toEqual({
    "_OTHER added": 1,
    "_OTHER removed": 1,
  });
});

test("a tool is unknown if its own server does not list it", () => {
  const workers = start();
  const list = (cluster: string, name: string) =>
    post(workers[0], request("tools/list"), result({ tools: [{ name, inputSchema: {} }] }), on(cluster));
  list("c", "echo");
  list("d", "add");
  post(workers[1], toolCall("echo"), result({ isError: true }), on("c"));
  expect(workers[0].vm.metrics.counter("mcp_unknown_tool_calls_total")).toBe(0);
  post(workers[1], toolCall("echo"), result({ isError: true }), on("d"));
  expect(workers[0].vm.metrics.counter("mcp_unknown_tool_calls_total")).toBe(1);
});

test("tasks with one id on two servers are different", () => {
  const workers = start();
  for (const cluster of ["c", "d"])
    post(workers[0], toolCall("echo"), result({ task: task("1", "working") }), on(cluster));
  const poll = (cluster: string, status: string) =>
    post(workers[1], request("tasks/get", { taskId: "1" }), result(task("1", status)), {
      ...on(cluster),
      headers: VERSIONED_HEADERS,
    });
  poll("c", "failed");
  expect(countsBy(workers[0], "mcp_tasks_total", "mcp_task_state")).toEqual({ working: 2, failed: 1 });
  poll("d", "completed");
  expect(countsBy(workers[0], "mcp_tasks_total", "mcp_task_state")).toEqual({ working: 2, failed: 1, completed: 1 });
});

test("sessions with one id, and activity windows of one caller, are separate for each server", () => {
  const workers = start();
  passSeconds(workers, 80);
  const before = workers[0].vm.metrics.gauge("mcp_sessions_active");
  for (const cluster of ["c", "d"]) {
    post(workers[0], request("ping"), result(), { headers: { ...MCP_HEADERS, "mcp-session-id": "s" }, ...on(cluster) });
    post(workers[1], request("ping"), result(), on(cluster));
  }
  passSeconds(workers, 6);
  expect(workers[0].vm.metrics.gauge("mcp_sessions_active") - before).toBe(4);
});

test("an operation that ends on another worker, or by the sweep, keeps the label of its server", () => {
  const workers = start();
  const open = (cluster: string, session: string, id: number) =>
    new OpenStream(workers[0], { headers: inSession(session), body: toolCall("echo", id) }, on(cluster).properties);
  open("b", "s1", 1).write(priming("1-0")).close();
  open("c", "s2", 2).write(priming("2-0")).close();
  const headers = { accept: "text/event-stream", "mcp-session-id": "s1", "last-event-id": "1-0" };
  new OpenStream(workers[1], { method: "GET", headers }, on("b").properties).write(numbered("1-1", result({}, 1)));
  expect(countsBy(workers[0], "mcp_operations_total", "mcp_server", "mcp_outcome")).toMatchObject({ "b ok": 2 });
  passSeconds(workers, 80);
  expect(countsBy(workers[0], "mcp_operations_total", "mcp_server", "mcp_outcome")).toEqual({
    "a ok": 1,
    "b ok": 2,
    "_OTHER unanswered": 1,
  });
});

test("a stream keeps the label that its server had when it started", () => {
  /** While `isBusy`, other workers change the list of servers before each write to it. */
  class BusyStore extends SharedDataStore {
    isBusy = true;
    override set(key: string, bytes: Uint8Array, cas: number): boolean {
      return !(this.isBusy && key.includes("/servers/")) && super.set(key, bytes, cas);
    }
  }
  const sharedData = new BusyStore();
  const plugin = startVm({ sharedData }).plugin(on("a"));
  const active = () => {
    passSeconds([plugin], 10);
    return countsBy(plugin, "mcp_streams_active", "mcp_server");
  };
  const first = openGet(plugin, "s1");
  sharedData.isBusy = false;
  const second = openGet(plugin, "s2");
  expect(active()).toEqual({ _OTHER: 1, a: 1 });
  first.close();
  expect(active()).toEqual({ _OTHER: 0, a: 1 });
  second.close();
  expect(active()).toEqual({ _OTHER: 0, a: 0 });
});
