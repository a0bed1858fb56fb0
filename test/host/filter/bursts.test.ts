import { expect, test } from "vitest";
import {
  MCP_HEADERS,
  SSE_ANSWER,
  event,
  notification,
  post,
  request,
  result,
  startFilter,
  toolCall,
} from "./filter.ts";

const FAMILIES = [
  "mcp_notifications_total",
  "mcp_payload_bytes_total",
  "mcp_progress_total",
  "mcp_label_overflow_total",
  "mcp_operations_total",
  "mcp_tasks_total",
];

const task = { taskId: "t", status: "working" };
/** Notifications of one method in a row, and of others between them. */
const messages = [
  ...Array<string>(3).fill(notification("notifications/progress", { progress: 1 })),
  ...Array<string>(4).fill(notification("notifications/later", { x: "unknown" })),
  notification("notifications/message", { level: "info", data: "one" }),
  notification("notifications/message", { level: "info", data: "another" }),
  ...Array<string>(2).fill(notification("notifications/cancelled", { requestId: 99 })),
  ...Array<string>(2).fill(notification("notifications/tasks/status", task)),
  notification("notifications/progress", { progress: 2 }),
  request("sampling/createMessage", { messages: [] }, 7),
  notification("notifications/progress", { progress: 3 }),
  result({ content: [] }),
  ...Array<string>(2).fill(notification("notifications/progress", { progress: 4 })),
];

/** The counters of an exchange whose answer has this body. */
function countersOf(body: string | string[]): object {
  const plugin = startFilter();
  post(plugin, request("tools/list"), result({ tools: [{ name: "echo", inputSchema: {} }] }));
  post(plugin, toolCall("echo"), { headers: SSE_ANSWER, body }, { headers: MCP_HEADERS });
  return Object.fromEntries(FAMILIES.map((family) => [family, plugin.vm.metrics.counters(family)]));
}

test("notifications that come together are counted as those that come one by one", () => {
  const events = messages.map((message) => event(message));
  const alone = countersOf(events);
  expect(countersOf(events.join(""))).toEqual(alone);
  expect(countersOf([...events.join("")])).toEqual(alone);
  const sums = (family: string) =>
    Object.values((alone as Record<string, Record<string, number>>)[family]).reduce((sum, count) => sum + count, 0);
  expect(sums("mcp_notifications_total")).toBe(messages.length - 2);
  expect(sums("mcp_progress_total")).toBe(7);
  expect(sums("mcp_label_overflow_total")).toBe(4);
});
