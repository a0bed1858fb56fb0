import { expect, test } from "vitest";
import { effort } from "../../effort.ts";
import { exchange, type Plugin } from "../../../scripts/host/index.ts";
import { MCP_HEADERS, SSE_ANSWER, error, event, post, request, result, startFilter, toolCall } from "./filter.ts";

const REQUESTS = effort(200_000, 1_000_000);
const progress = '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1}}';
const sampling = { messages: [{ role: "user", content: { type: "text", text: "What is the weather in Oslo?" } }] };
const long = result({ content: [{ type: "text", text: "long ".repeat(2000) }] });

/** Requests for every kind of stream: responses as JSON and SSE, texts of each kind, endless lists, errors, resets, and
 *  streams that are not MCP. */
const SHAPES: ((plugin: Plugin, i: number) => void)[] = [
  (plugin, i) => post(plugin, toolCall("echo", i), result({ content: [] }, i)),
  (plugin, i) =>
    post(plugin, toolCall("echo", i), { headers: SSE_ANSWER, body: event(progress) + event(result({}, i)) }),
  (plugin, i) => post(plugin, toolCall(`unknown-${i}`, i), error(-32602, i)),
  (plugin, i) => post(plugin, request("tools/list", {}, `id-${i}`), result({ tools: [{ name: "echo" }] }, `id-${i}`)),
  (plugin, i) => {
    const description = "It does what its name says. ".repeat(20 + (i % 97));
    post(
      plugin,
      request("tools/list", {}, i),
      result({ tools: [{ name: "echo", description }, { name: `n${i % 1000}` }] }, i),
    );
  },
  (plugin, i) => post(plugin, request("tools/list", { cursor: `${i}` }), result({ tools: [], nextCursor: `n${i}` })),
  (plugin, i) => {
    const asked = event(request("sampling/createMessage", sampling, `server-${i}`));
    const content = [{ type: "text", text: `Tromsø ☃ ${i}` }];
    const answered = event(result({ content, structuredContent: { [`n${i}`]: i } }, i));
    post(plugin, toolCall("echo", i), { headers: SSE_ANSWER, body: asked + answered });
  },
  (plugin) => post(plugin, toolCall("echo"), long),
  (plugin) => post(plugin, toolCall("echo"), { headers: SSE_ANSWER, body: long.slice(0, 5000), ended: "client" }),
  (plugin) => post(plugin, toolCall("echo"), null, { ended: "client" }),
  (plugin) => post(plugin, '{"jsonrpc":"2.0",', { status: 400 }),
  (plugin) => post(plugin, request("eth_call")),
  (plugin) => exchange(plugin, { request: { method: "GET", headers: { accept: "text/html" } }, response: {} }),
  (plugin, i) =>
    post(
      plugin,
      JSON.stringify({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: i } }),
      { status: 202 },
      { headers: { ...MCP_HEADERS, "mcp-session-id": `s${i}` } },
    ),
];

test(`memory does not grow by a page over ${REQUESTS} requests`, { timeout: effort(120_000, 600_000) }, () => {
  const plugin = startFilter();
  const run = (from: number, to: number) => {
    for (let i = from; i < to; i++) {
      SHAPES[i % SHAPES.length](plugin, i);
      if (i % 500 === 0) {
        plugin.vm.clock.advance(1000);
        plugin.tick();
      }
    }
  };
  run(0, 20_000);
  const pages = plugin.vm.memoryPages();
  run(20_000, REQUESTS);
  expect(plugin.vm.memoryPages()).toBe(pages);
});

const GET = { method: "GET", headers: { accept: "text/event-stream", "mcp-session-id": "s" } };
const CALL = { method: "POST", headers: { ...MCP_HEADERS, "mcp-session-id": "s" }, body: toolCall("echo") };

test.each([
  ["a GET stream", GET, ": x\n\n"],
  ["a GET stream on which messages came", GET, event(progress).repeat(3)],
  ["a call that is answered as SSE and has had progress", CALL, event(progress).repeat(3)],
])("%s costs at most 1 KiB while it is open, and its memory serves the next one", (_name, request, body) => {
  const plugin = startFilter();
  const open = (count: number) =>
    Array.from({ length: count }, () => {
      const response = { headers: SSE_ANSWER, body, ended: "open" } as const;
      return exchange(plugin, { request, response }).stream;
    });
  for (const stream of open(100)) stream.reset("client");
  const before = plugin.vm.memoryPages();
  // The memory doubles when it is full, the next time with about 5000 streams.
  const streams = open(4500);
  const peak = plugin.vm.memoryPages();
  expect(((peak - before) * 65536) / 4500).toBeLessThanOrEqual(1024);
  for (const stream of streams) stream.reset("client");
  // Besides open operations, those that may still be cancelled are kept for a while.
  for (const stream of open(5000)) stream.reset("client");
  const steady = plugin.vm.memoryPages();
  for (const stream of open(5000)) stream.reset("client");
  expect(plugin.vm.memoryPages()).toBe(steady);
});

test.each([
  ["info", 1],
  ["warn", 0],
])("growth is logged on the tick at log level %s: %i line", (log, lines) => {
  const plugin = startFilter({ configuration: { log } });
  plugin.tick();
  plugin.tick();
  const line = `memory: ${plugin.vm.memoryPages()} pages of 64 KiB`;
  expect(plugin.vm.logs.map(({ message }) => message)).toEqual(Array(lines).fill(line));
});
