/** Tests messages that refer to their subject: to a tool by its task, and to resources by the URIs of a subscription. */
import { describe, expect, test } from "vitest";

import { ask, auditOf, deniedBy, methods, startGuarded, tools } from "./access.ts";
import { MCP_HEADERS, request, result, toolCall } from "./filter.ts";
import { has } from "./matrix.ts";

const TASK = { taskId: "t-1", status: "working", ttl: 60000 };
const OF_TASKS = ["tasks/get", "tasks/result", "tasks/cancel", "tasks/update"];
const resources = (action: "ALLOW" | "DENY", name: string, ...resources: string[]) => ({
  ...{ name, action },
  to: [{ operation: { resources } }],
});
const listen = (notifications: unknown) => request("subscriptions/listen", { notifications });
const subscribed = (...resourceSubscriptions: unknown[]) => listen({ resourceSubscriptions });
const headers = { ...MCP_HEADERS, "mcp-session-id": "s-1" };

describe.runIf(has("sharedData"))("a message about a task", () => {
  const open = { defaultAction: "ALLOW", rules: [tools("DENY", "no-rm", "rm*")] };
  const closed = { rules: [methods("ALLOW", "calls", "tools/call"), tools("ALLOW", "echo", "echo")] };
  const begin = (plugin: ReturnType<typeof startGuarded>, tool: string, taskId = "t-1") =>
    ask(plugin, toolCall(tool), { headers, response: { body: result({ task: { ...TASK, taskId } }) } });

  test.each(OF_TASKS)("is decided like a call of its tool: %s", (method) => {
    const plugin = startGuarded(closed);
    begin(plugin, "echo");
    begin(plugin, "other", "t-2");
    expect(ask(plugin, request(method, { taskId: "t-1" }), { headers }).reply).toBeUndefined();
    expect(ask(plugin, request(method, { taskId: "t-2" }), { headers }).reply).toEqual(deniedBy("_default"));
  });

  test("whose tool is unknown is denied if a rule denies tools, and not allowed if one allows them", () => {
    const get = request("tasks/get", { taskId: "t-9" });
    const plugin = startGuarded(open);
    expect(ask(plugin, get, { headers }).reply).toEqual(deniedBy("no-rm"));
    expect(auditOf(plugin)).toMatchObject([{ rule: "no-rm", undetermined: "to[0].operation.tools" }]);
    expect(ask(startGuarded(closed), get, { headers }).reply).toEqual(deniedBy("_default"));
    for (const params of [{}, { taskId: 5 }, { taskId: null }]) {
      expect(ask(startGuarded(open), request("tasks/get", params), { headers }).reply).toEqual(deniedBy("no-rm"));
    }
  });

  test("passes by rules that name no tools", () => {
    const plugin = startGuarded({ rules: [methods("ALLOW", "tasks", "tasks/*")] });
    expect(ask(plugin, request("tasks/get", { taskId: "t-9" }), { headers }).reply).toBeUndefined();
    const list = startGuarded({ ...open, rules: [tools("DENY", "no-rm", "rm*")] });
    expect(ask(list, request("tasks/list", {}), { headers }).reply).toBeUndefined();
  });

  test("keeps the tool with which it started, and shows it in the audit", () => {
    const plugin = startGuarded({ ...open, rules: [tools("DENY", "no-rm", "rm-late")] });
    begin(plugin, "echo");
    ask(plugin, request("tasks/get", { taskId: "t-1" }), {
      headers,
      response: { body: result({ ...TASK, status: "input_required" }) },
    });
    expect(ask(plugin, request("tasks/get", { taskId: "t-1" }), { headers }).reply).toBeUndefined();
    const later = startGuarded({ ...closed, rules: [...closed.rules.slice(0, 1), tools("ALLOW", "other", "other")] });
    begin(later, "echo");
    expect(ask(later, request("tasks/get", { taskId: "t-1" }), { headers }).reply).toEqual(deniedBy("_default"));
    expect(auditOf(later)).toMatchObject([{ method: "tasks/get", target: "echo" }]);
  });

  test("of a tool with a name that is too long is unknown", () => {
    const plugin = startGuarded(open);
    begin(plugin, "n".repeat(128));
    expect(ask(plugin, request("tasks/get", { taskId: "t-1" }), { headers }).reply).toBeUndefined();
    begin(plugin, "n".repeat(129), "t-2");
    expect(ask(plugin, request("tasks/get", { taskId: "t-2" }), { headers }).reply).toEqual(deniedBy("no-rm"));
  });
});

describe("a subscription", () => {
  const open = { defaultAction: "ALLOW", rules: [resources("DENY", "secrets", "a:secret*")] };
  const closed = { rules: [resources("ALLOW", "public", "a:public/*")] };

  test("is denied if any of its resources is denied", () => {
    const plugin = startGuarded(open);
    expect(ask(plugin, subscribed("a:x", "a:y")).reply).toBeUndefined();
    expect(ask(plugin, subscribed("a:x", "a:secret/1", "a:y")).reply).toEqual(deniedBy("secrets"));
    expect(ask(plugin, subscribed("a:secret/1")).reply).toEqual(deniedBy("secrets"));
    expect(auditOf(plugin)).toMatchObject([{ target: "a:secret/1" }, { target: "a:secret/1" }]);
  });

  test("is allowed if each of its resources is allowed", () => {
    const plugin = startGuarded(closed);
    expect(ask(plugin, subscribed("a:public/1", "a:public/2")).reply).toBeUndefined();
    for (const uris of [["a:public/1", "a:x"], ["a:x", "a:public/1"], []]) {
      expect(ask(plugin, subscribed(...uris)).reply, uris.join()).toEqual(deniedBy("_default"));
    }
  });

  test("without resources is decided by its method", () => {
    for (const notifications of [{}, { toolsListChanged: true }, { resourceSubscriptions: [] }]) {
      expect(ask(startGuarded(open), listen(notifications)).reply).toBeUndefined();
      expect(ask(startGuarded(closed), listen(notifications)).reply).toEqual(deniedBy("_default"));
      const byMethod = startGuarded({ rules: [methods("ALLOW", "listen", "subscriptions/listen")] });
      expect(ask(byMethod, listen(notifications)).reply).toBeUndefined();
    }
  });

  const UNDETERMINED: [string, unknown][] = [
    ["a number among them", { resourceSubscriptions: ["a:x", 5] }],
    ["null among them", { resourceSubscriptions: [null] }],
    ["a list among them", { resourceSubscriptions: [["a:x"], "a:x"] }],
    ["an object among them", { resourceSubscriptions: [{ uri: "a:x" }, "a:x"] }],
    ["no list", { resourceSubscriptions: "a:x" }],
    ["null", { resourceSubscriptions: null }],
    ["an object", { resourceSubscriptions: { 0: "a:x" } }],
    ["notifications that are a list", ["a:x"]],
    ["a URI that servers may read in two ways", { resourceSubscriptions: ["A:x"] }],
    ["a long URI", { resourceSubscriptions: [`a:${"x".repeat(255)}`] }],
    ["too many", { resourceSubscriptions: Array<string>(65).fill("a:x") }],
    ["more text than is kept", { resourceSubscriptions: Array<string>(40).fill(`a:${"x".repeat(200)}`) }],
  ];
  const readable = UNDETERMINED.filter(([name]) => name !== "more text than is kept" || has("slices"));
  test.each(readable)("of resources that cannot be determined is denied if resources are: %s", (_, notifications) => {
    expect(ask(startGuarded(open), listen(notifications)).reply).toEqual(deniedBy("secrets"));
    const all = startGuarded({ rules: [resources("ALLOW", "all", "a:*")] });
    expect(ask(all, listen(notifications)).reply).toEqual(deniedBy("_default"));
    const byMethod = startGuarded({ rules: [methods("ALLOW", "listen", "subscriptions/listen")] });
    expect(ask(byMethod, listen(notifications)).reply).toBeUndefined();
  });

  test("may name 64 resources", () => {
    const uris = Array.from({ length: 64 }, (_, i) => `a:public/${i}`);
    const plugin = startGuarded(closed);
    expect(ask(plugin, subscribed(...uris)).reply).toBeUndefined();
    expect(ask(plugin, subscribed(...uris.slice(1), "a:x")).reply).toEqual(deniedBy("_default"));
  });
});
