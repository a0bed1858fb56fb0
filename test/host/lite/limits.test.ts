/** The build for plain hosts stays within what Google's documentation allows a plugin. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { LIMIT, measureStages, STAGES } from "../../../scripts/bench/lite/stages.ts";
import { WORKLOADS } from "../../../scripts/bench/workloads.ts";
import { exchange, google, type HttpStream, loadModule, type Plugin, Vm } from "../../../scripts/host/index.ts";
import { effort, FULL } from "../../effort.ts";
import { tools } from "../filter/access.ts";
import {
  JSON_ANSWER,
  MCP_HEADERS,
  SSE_ANSWER,
  batch,
  error,
  event,
  notification,
  post,
  request,
  result,
  toolCall,
} from "../filter/filter.ts";
import { startCounted } from "./live-bytes.ts";
import { LITE_MODULE, shippedConfiguration, startLite } from "./lite.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
/** What Google allows a VM. */
const VM_LIMIT = 16 * MIB;
const STREAMS = 1000;
/** The figures in the page's table of limits. */
const README = readFileSync("envoy/google/README.md", "utf8");
const STREAM_BYTES = figure(/at most (\d+) KiB for each request/) * KIB;
const VM_BYTES = figure(/at most (\d+) MiB for the whole VM with 1 000 requests/) * MIB;
const MODULE_BYTES = figure(/less than (\d+) KiB/) * KIB;

const STATISTICS = { role: "server", log: "info", logFields: true, match: { paths: ["/mcp"] } };
const POLICY = { ...STATISTICS, access: { rules: [tools("DENY", "no-rm", "rm*"), { name: "rest", action: "ALLOW" }] } };
const bytes = readFileSync(LITE_MODULE);

/** The only number that this pattern finds in the page. NaN, which no size is below, unless there is exactly one. */
function figure(pattern: RegExp): number {
  const found = [...README.matchAll(new RegExp(pattern, "g"))];
  return found.length === 1 ? Number(found[0][1]) : NaN;
}

test("the module is as small as the page says", () => {
  expect(bytes.byteLength).toBeLessThan(MODULE_BYTES);
});

test("the module's memory never grows beyond what a VM may have", () => {
  const vm = new Vm(loadModule(LITE_MODULE), { host: google() });
  // The last growth may be rejected, or lead to exactly the limit.
  while (vm.failure === undefined && vm.memoryPages() * 64 * KIB < VM_LIMIT) {
    try {
      vm.memory.give(Buffer.alloc(256 * KIB), 0, 4);
    } catch {
      break;
    }
  }
  expect(vm.memoryPages() * 64 * KIB).toBeLessThanOrEqual(VM_LIMIT);
});

/** A request whose body has not begun. */
function open(plugin: Plugin): HttpStream {
  const stream = plugin.stream();
  stream.requestHeaders([
    [":method", "POST"],
    [":path", "/mcp"],
    [":authority", "mcp.example"],
    ["content-type", "application/json"],
    ["mcp-session-id", "s"],
  ]);
  return stream;
}

const calling = (size: number) => request("tools/call", { name: "echo", arguments: { text: "x".repeat(size) } });
const pings = (count: number) => batch(...Array.from({ length: count }, (_, id) => request("ping", undefined, id)));
const list = result({ tools: [{ name: "a", description: "It does what it says. ".repeat(150) }] });

/** Sends a request and part of its answer. The stream stays open. */
function answerPart(plugin: Plugin, body: string, headers: Record<string, string>, part: string): void {
  exchange(plugin, { request: { headers: MCP_HEADERS, body }, response: { headers, body: part, ended: "open" } });
}

describe(`${STREAMS} streams at once`, () => {
  const CASES: [name: string, configuration: object, begin: (plugin: Plugin) => void][] = [
    ["before their bodies", POLICY, (plugin) => void open(plugin)],
    [
      "with the largest bodies that are held",
      POLICY,
      (plugin) => void open(plugin).requestBody(Buffer.from(calling(8100))),
    ],
    [
      "with half a body that passes",
      STATISTICS,
      (plugin) => void open(plugin).requestBody(Buffer.from(calling(99)), false),
    ],
    [
      "with an open event stream",
      POLICY,
      (plugin) => {
        answerPart(plugin, toolCall("echo"), SSE_ANSWER, event(notification("notifications/progress")));
      },
    ],
    [
      "with half an answer",
      POLICY,
      (plugin) => answerPart(plugin, toolCall("echo"), JSON_ANSWER, result().slice(0, 20)),
    ],
    [
      "within an element of a list",
      POLICY,
      (plugin) => {
        answerPart(plugin, request("tools/list"), JSON_ANSWER, list.slice(0, 3000));
      },
    ],
    ["with a batch of 128 requests", STATISTICS, (plugin) => answerPart(plugin, pings(128), SSE_ANSWER, "")],
    [
      "with a batch of 128 requests, which a policy has allowed",
      POLICY,
      (plugin) => {
        answerPart(plugin, pings(128), SSE_ANSWER, "");
      },
    ],
  ];

  test.each(CASES)("%s need no more memory than the page says, each and in total", (_name, configuration, begin) => {
    const { plugin, live } = startCounted(configuration);
    const before = live();
    for (let i = 0; i < STREAMS; i++) begin(plugin);
    expect((live() - before) / STREAMS).toBeLessThanOrEqual(STREAM_BYTES);
    const real = startLite(configuration);
    for (let i = 0; i < STREAMS; i++) begin(real);
    expect(real.vm.memoryPages() * 64 * KIB).toBeLessThanOrEqual(VM_BYTES);
    expect([...real.vm.alerts, real.vm.failure]).toEqual([undefined]);
  });
});

/** A call in a session of its own, whose answer may come on another stream. */
const IN_SESSION = (plugin: Plugin, i: number) => {
  const headers = { ...MCP_HEADERS, "mcp-session-id": `s${i}`, "mcp-protocol-version": "2025-11-25" };
  post(plugin, toolCall("slow", i), { headers: SSE_ANSWER, body: "id: 1\ndata:\n\n" }, { headers });
};

/** One stream of each kind. */
const KINDS: ((plugin: Plugin, i: number) => void)[] = [
  (plugin, i) => post(plugin, toolCall("echo", i), result({ content: [{ type: "text", text: "hello" }] }, i)),
  (plugin, i) => post(plugin, toolCall(`rm-${i}`, i)),
  (plugin, i) => post(plugin, toolCall(`unknown-${i}`, i), error(-32602, i)),
  (plugin, i) => post(plugin, calling(8000 - (i % 100))),
  (plugin, i) => post(plugin, request("tools/list", {}, i), result({ tools: [{ name: `tool-${i}` }] }, i)),
  (plugin) => post(plugin, batch(toolCall("echo", 1), toolCall("rm_x", 2)), batch(result({}, 1))),
  (plugin) => post(plugin, '{"jsonrpc":"2.0",', { status: 400 }),
  (plugin) => post(plugin, notification("notifications/initialized"), { status: 202 }),
  IN_SESSION,
  (plugin, i) => {
    const headers = { ...MCP_HEADERS, "mcp-session-id": `s${i}` };
    exchange(plugin, { request: { headers, body: toolCall("echo", i) }, response: null, ended: "client" });
  },
];

const MORE = effort(20_000, 100_000);

test(`${MORE} more streams, one after the other, need no more memory`, { timeout: 120_000 }, () => {
  const plugin = startLite(POLICY);
  const run = (from: number, to: number) => {
    for (let i = from; i < to; i++) KINDS[i % KINDS.length](plugin, i);
    plugin.vm.logs.length = 0;
  };
  run(0, 5_000);
  // The table of sessions is the largest one.
  for (let i = 0; i < 10_000; i++) IN_SESSION(plugin, i);
  const pages = plugin.vm.memoryPages();
  for (let done = 0; done < MORE; done += 5_000) run(10_000 + done, 15_000 + done);
  expect(plugin.vm.memoryPages()).toBe(pages);
  expect([...plugin.vm.alerts, plugin.vm.failure]).toEqual([undefined]);
});

test.each([
  ["statistics.json", { proxy_get_buffer_bytes: 2, proxy_get_header_map_pairs: 2, proxy_log: 1 }],
  [
    "access.json",
    {
      proxy_get_buffer_bytes: 2,
      proxy_get_header_map_pairs: 2,
      proxy_log: 1,
      proxy_remove_header_map_value: 1,
      proxy_set_buffer_bytes: 2,
    },
  ],
])("with %s, a call needs few functions of the host", (file, expected) => {
  const plugin = startLite(shippedConfiguration(file));
  const run = () =>
    exchange(
      plugin,
      { request: { body: toolCall("get_weather") }, response: { body: result() } },
      {
        requestEnd: "with-last",
        responseEnd: "with-last",
      },
    );
  for (let i = 0; i < 5; i++) run();
  plugin.vm.calls.reset();
  run();
  const { proxy_get_current_time_nanoseconds: times, ...others } = plugin.vm.calls.snapshot();
  expect(times).toBeLessThanOrEqual(6);
  expect(others).toEqual(expected);
});

/** The rest of the tests asserts no times. This limit is a hundred times what a stage needs, so only a stage that
 *  has become much slower fails. */
describe.runIf(FULL)("CPU time", () => {
  const [small] = WORKLOADS;

  test.each(["statistics.json", "access.json"])("%s: no stage of a small call needs 1 ms", (file) => {
    const costs = measureStages(small, shippedConfiguration(file));
    for (const stage of STAGES) expect(costs[stage], stage).toBeLessThan(LIMIT);
  });
});

test(`a body of any size passes in parts of any size without a policy`, () => {
  const plugin = startLite(STATISTICS);
  const body = calling(effort(200_000, 2_000_000));
  const parts = [body.slice(0, 10), body.slice(10, 70_000), body.slice(70_000)];
  const { stream } = exchange(plugin, { request: { body: parts }, response: { body: result() } });
  expect(stream.forwarded.toString()).toBe(body);
});
