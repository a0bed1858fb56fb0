/** Tests memory on a host that never ticks: whatever a tick would remove, write or collect must be bounded without one. */
import { expect, test } from "vitest";
import { effort } from "../../effort.ts";
import type { Plugin } from "../../../scripts/host/index.ts";
import { ask, auditOf, startGuarded, tools } from "./access.ts";
import { JSON_ANSWER, MCP_HEADERS, SSE_ANSWER, error, event, post, request, result, toolCall } from "./filter.ts";
import { openSession, send } from "./http-sse.ts";
import { inSession, initializeResult } from "./open-stream.ts";

/** More than the size of any table of the filter. */
const COUNT = effort(9_000, 20_000);
const INITIALIZE = (name: string) =>
  request("initialize", { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name, version: "1" } }, 0);
const cancelled = (requestId: number) =>
  JSON.stringify({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId } });
const call = (name: string, id: unknown, args: object) => request("tools/call", { name, arguments: args }, id);

const access = {
  audit: { perSecond: 100 },
  rules: [tools("DENY", "no-rm", "rm*"), { name: "all", action: "ALLOW" }],
};

/** What comes, each time another one. */
const KINDS: Record<string, (plugin: Plugin, i: number) => void> = {
  "sessions and clients": (plugin, i) => {
    const headers = { ...JSON_ANSWER, "mcp-session-id": `s${i}` };
    post(plugin, INITIALIZE(`client ${i}`), { headers, body: initializeResult("2025-11-25") });
  },
  "sessions of unknown ids": (plugin, i) =>
    post(plugin, toolCall("echo"), result(), { headers: inSession(`unknown-${i}`) }),
  callers: (plugin, i) =>
    post(plugin, toolCall("echo"), result(), {
      properties: { "source.address": `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}:1` },
    }),
  servers: (plugin, i) =>
    post(plugin, toolCall("echo"), result(), { properties: { "xds.cluster_name": `cluster-${i}` } }),
  "tools and prompts": (plugin, i) => {
    post(plugin, request("tools/list"), result({ tools: [{ name: `listed-${i}`, description: `Number ${i}` }] }));
    post(plugin, toolCall(`called-${i}`), result());
    post(plugin, toolCall(`refused-${i}`), error(-32602));
    post(plugin, request("prompts/get", { name: `prompt-${i}` }), result({ messages: [] }));
  },
  "pages of lists": (plugin, i) =>
    post(plugin, request("tools/list", { cursor: `${i}` }), result({ tools: [], nextCursor: `n${i}` })),
  "calls that may be repeated": (plugin, i) =>
    post(plugin, call("echo", i, { number: i }), result({}, i), { headers: inSession("s") }),
  "operations that wait for a client to come back": (plugin, i) =>
    post(plugin, toolCall("slow", i), { headers: SSE_ANSWER, body: "id: 1\ndata:\n\n" }, { headers: inSession("s") }),
  "what the server asks": (plugin, i) => {
    const asked = event(request("roots/list", {}, `ask-${i}`));
    post(
      plugin,
      toolCall("echo", i),
      { headers: SSE_ANSWER, body: asked + event(result({}, i)) },
      { headers: inSession("s") },
    );
  },
  "cancellations and answers that nobody waits for": (plugin, i) => {
    post(plugin, cancelled(i), { status: 202 }, { headers: inSession("s") });
    post(
      plugin,
      toolCall("echo", i),
      { headers: SSE_ANSWER, body: event(result({}, -i)) },
      { headers: inSession("s") },
    );
  },
  tasks: (plugin, i) =>
    post(plugin, toolCall("echo"), result({ task: { taskId: `t${i}`, status: "working", ttl: 60000 } })),
  "streams of HTTP+SSE": (plugin, i) => {
    const path = `/messages?sessionId=${i}`;
    const stream = openSession(plugin, plugin, path);
    send(plugin, toolCall("echo", i), { path });
    stream.stream.reset("client");
  },
  "denials and refusals": (plugin, i) => {
    ask(plugin, toolCall(`rm-${i}`, i));
    ask(plugin, `{"Method":"${i}"}`, { headers: { ...MCP_HEADERS, "x-request-id": `${i}` } });
  },
};

test.each(Object.entries(KINDS))(`%s: ${COUNT} more of them need no memory`, (_kind, run) => {
  const plugin = startGuarded(access, { more: { labels: { caller: true }, log: "warn" } });
  for (let i = 0; i < COUNT; i++) run(plugin, i);
  const pages = plugin.vm.memoryPages();
  for (let i = COUNT; i < 2 * COUNT; i++) run(plugin, i);
  expect(plugin.vm.memoryPages()).toBe(pages);
  expect(plugin.vm.failure).toBeUndefined();
});

test("requests are denied and observed without ticks", () => {
  const plugin = startGuarded(access);
  KINDS["denials and refusals"](plugin, 1);
  expect(auditOf(plugin)).toHaveLength(2);
});
