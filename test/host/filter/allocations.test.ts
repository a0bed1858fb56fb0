import { expect, test } from "vitest";
import { modulePath } from "../../modules.ts";
import { exchange, loadModule, type Plugin, type PluginOptions, Vm } from "../../../scripts/host/index.ts";
import { limited } from "./limits.ts";
import { answer, call, hasPassed, runTurns } from "./queues.ts";
import { SSE_ANSWER, batch, error, event, notification, post, request, result, toolCall } from "./filter.ts";

const SESSION = { "mcp-session-id": "s1", "mcp-protocol-version": "2025-11-25" };
const MODERN = { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "echo" };
const POST = { "content-type": "application/json", accept: "application/json, text/event-stream" };
const texts = result({ content: [{ type: "text", text: "Tromsø ☃ by night" }], structuredContent: { n: 1 } });
const listed = result({ tools: [{ name: "echo", description: "Says it again", inputSchema: { type: "object" } }] });
const long = "Repeats its argument word by word. ".repeat(20);
const longList = result({ tools: [{ name: "echo", description: long }, { name: "add" }] });
const progress = event(notification("notifications/progress", { progress: 1 }));
const sampling = event(request("sampling/createMessage", { messages: [] }, "server-1"));

const EXCHANGES: Record<string, (plugin: Plugin) => void> = {
  "a call answered as JSON": (plugin) => post(plugin, toolCall("echo"), texts),
  "in a session": (plugin) => post(plugin, toolCall("echo"), texts, { headers: { ...POST, ...SESSION } }),
  "of 2026-07-28": (plugin) => post(plugin, toolCall("echo"), texts, { headers: { ...POST, ...MODERN } }),
  "a call answered as SSE": (plugin) =>
    post(plugin, toolCall("echo"), { headers: SSE_ANSWER, body: progress + sampling + event(texts) }),
  "a batch": (plugin) => post(plugin, batch(toolCall("echo", 1), toolCall("echo", 2)), batch(texts)),
  "a list": (plugin) => post(plugin, request("tools/list"), listed),
  "a list that comes again": (plugin) => post(plugin, request("tools/list"), longList),
  "a notification": (plugin) => post(plugin, notification("notifications/initialized"), { status: 202 }),
  "an error": (plugin) => post(plugin, toolCall("nobody knows"), error(-32602)),
  "a message of 100 KB": (plugin) => post(plugin, toolCall("echo"), result({ content: "long ".repeat(20_000) })),
  "what is no JSON": (plugin) =>
    post(plugin, '{"jsonrpc":"2.0",', { status: 400 }, { headers: { ...POST, ...SESSION } }),
  "a stream that breaks off": (plugin) => post(plugin, toolCall("echo"), null, { ended: "client" }),
  "what is not MCP": (plugin) =>
    exchange(plugin, { request: { method: "GET", headers: { accept: "text/html" } }, response: {} }),
};

let allocations = 0;
/** The tracing hook of the compiler, called for each memory access; it must return the address. */
const passOn = (address: number) => address;
const count = () => void allocations++;
const rtrace = {
  ...{ oninit: passOn, onalloc: count, onresize: count, onmove: passOn, onfree: passOn },
  ...{ onvisit: () => 1, oncollect: passOn, onstore: passOn, onload: passOn },
};

function startTraced(configuration: object = {}, options: PluginOptions = {}): Plugin {
  const vm = new Vm(loadModule(modulePath("test/host/filter/modules/traced.ts")), { imports: { rtrace } });
  return vm.plugin({ properties: { "xds.cluster_name": "tools" }, ...options, configuration });
}

test.each(Object.entries(EXCHANGES))("nothing is allocated, managed or not, for %s in steady state", (_name, run) => {
  const plugin = startTraced();
  for (let i = 0; i < 20; i++) run(plugin);
  allocations = 0;
  for (let i = 0; i < 100; i++) run(plugin);
  expect(allocations).toBe(0);
});

test.each(Object.entries(EXCHANGES))("where traces are recorded, only their ring grows for %s", (_name, run) => {
  const plugin = startTraced({ trace: { cluster: "none", sample: { ratio: 1 } } });
  for (let i = 0; i < 20; i++) run(plugin);
  allocations = 0;
  for (let i = 0; i < 100; i++) run(plugin);
  // It doubles from 16 KiB.
  expect(allocations).toBeLessThanOrEqual(4);
});

test("nothing is allocated where responses get headers", () => {
  const plugin = startTraced({ responseHeaders: true });
  const runs = Object.values(EXCHANGES);
  for (let i = 0; i < 20; i++) for (const run of runs) run(plugin);
  allocations = 0;
  for (let i = 0; i < 100; i++) for (const run of runs) run(plugin);
  expect(allocations).toBe(0);
});

/** Rules that never wait, and one for which all but one request waits. */
const PLENTY = { amount: 1_000_000_000, per: "1s" };
const RULE = {
  name: "all",
  key: ["address", "tool"],
  requests: PLENTY,
  tokens: PLENTY,
  concurrency: 1000,
  repeats: PLENTY,
};
const ONE = { name: "one", key: ["address"], concurrency: 1, queue: { maxWait: "30s" } };

test("nothing is allocated for a call that limits admit", () => {
  const plugin = startTraced(limited([RULE]));
  for (let i = 0; i < 20; i++) post(plugin, toolCall("echo"), texts);
  allocations = 0;
  for (let i = 0; i < 100; i++) post(plugin, toolCall("echo"), texts);
  expect(allocations).toBe(0);
});

test("nothing is allocated for calls that wait or expire", () => {
  const plugin = startTraced(limited([ONE]));
  const wait = () => {
    const [first, second, third, fourth] = [1, 2, 3, 4].map((id) => call(plugin, id));
    runTurns(plugin);
    plugin.vm.clock.advance(20);
    second.reset("client");
    answer(first, 1);
    runTurns(plugin);
    answer(third, 3);
    runTurns(plugin);
    expect([third, fourth].every(hasPassed)).toBe(true);
    answer(fourth, 4);
    runTurns(plugin);
  };
  for (let i = 0; i < 20; i++) wait();
  allocations = 0;
  for (let i = 0; i < 100; i++) wait();
  expect(allocations).toBe(0);
});

test.each([
  ["is exported", { ratio: 1 }],
  ["is not", { ratio: 0 }],
])("nothing is allocated for a call whose span %s", (_name, sample) => {
  // The ring has its final size once it has been full. Nothing is sent, since no time passes and the proxy lacks the
  // cluster.
  const plugin = startTraced({ trace: { cluster: "otel", sample } });
  const run = EXCHANGES["in a session"];
  for (let i = 0; i < 4000; i++) run(plugin);
  allocations = 0;
  for (let i = 0; i < 100; i++) run(plugin);
  expect(allocations).toBe(0);
});

test("nothing is allocated for calls whose context becomes that of their headers", () => {
  const trace = { cluster: "otel", setTraceparent: true, sample: { ratio: 0 } };
  const plugin = startTraced(limited([RULE], {}, { hold: { headers: true }, trace }), { allowHeadersStop: true });
  const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
  const meta = { traceparent, tracestate: String.raw`a="b"` };
  const call = (id: number) => request("tools/call", { name: "echo", arguments: {}, _meta: meta }, id);
  const run = () => {
    const both = batch(result({}, 1), result({}, 2));
    for (const [body, answer] of [
      [call(1), texts],
      [batch(call(1), call(2)), both],
    ]) {
      const { stream } = exchange(plugin, { request: { body }, response: { body: answer } });
      expect(stream.requestHead).toContainEqual(["traceparent", traceparent]);
    }
  };
  for (let i = 0; i < 20; i++) run();
  allocations = 0;
  for (let i = 0; i < 100; i++) run();
  expect(allocations).toBe(0);
});

test("nothing more is allocated for the span of a call that the default denies", () => {
  const access = { defaultAction: "DENY" };
  const counts = [{}, { trace: { cluster: "otel", sample: { ratio: 1 } } }].map((trace) => {
    const plugin = startTraced({ match: { paths: ["/mcp"] }, access, ...trace });
    const run = () => exchange(plugin, { request: { body: toolCall("echo") }, response: null });
    for (let i = 0; i < 4000; i++) run();
    allocations = 0;
    for (let i = 0; i < 100; i++) run();
    return allocations;
  });
  expect(counts[1]).toBe(counts[0]);
});

test("the test detects allocations", () => {
  const plugin = startTraced();
  allocations = 0;
  post(plugin, toolCall("echo"), texts);
  expect(allocations).toBeGreaterThan(0);
});
