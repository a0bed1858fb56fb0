/** Tests `mcp_oldest_operation_milliseconds`: how long the oldest open operations have been open. */
import { expect, test } from "vitest";
import { exchange, type HttpStream, type Plugin } from "../../../scripts/host/index.ts";
import {
  MCP_HEADERS,
  SSE_ANSWER,
  countsBy,
  event,
  passSeconds,
  post,
  request,
  result,
  startWorkers,
  toolCall,
} from "./filter.ts";
import { ENDPOINT, openStream, POST_HEADERS } from "./http-sse.ts";

const FAMILY = "mcp_oldest_operation_milliseconds";
const TOOLS = { configuration: { labels: { tools: ["pay", "search"] } } };

/** A request without a response yet. */
function open(plugin: Plugin, body: string, headers: Record<string, string> = MCP_HEADERS): HttpStream {
  const response = { headers: SSE_ANSWER, body: ": x\n\n", ended: "open" } as const;
  return exchange(plugin, { request: { method: "POST", headers, body }, response }).stream;
}

/** The gauges in seconds, rounded, by method and target. */
function ages(plugin: Plugin): Record<string, number> {
  const { metrics } = plugin.vm;
  const labels = (name: string) => ["", ...metrics.labelValues(name, FAMILY)];
  const found: Record<string, number> = {};
  for (const method of labels("mcp_method_name")) {
    for (const tool of labels("gen_ai_tool_name")) {
      const selector = { mcp_method_name: method, ...(tool && { gen_ai_tool_name: tool }) };
      const matching = Object.keys(metrics.gauges(FAMILY)).filter(
        (name) => name.includes(`mcp_method_name="${method}"`) && (tool !== "") === name.includes("gen_ai_tool_name"),
      );
      const isThere = matching.some((name) => tool === "" || name.includes(`gen_ai_tool_name="${tool}"`));
      if (isThere) found[`${method} ${tool}`.trim()] = Math.round(metrics.gauge(FAMILY, selector) / 1000);
    }
  }
  return found;
}

test("the oldest of each tool on any worker, and 0 once it has ended", () => {
  const workers = startWorkers(2, TOOLS);
  const [one, two] = workers;
  const first = open(one, toolCall("pay"));
  passSeconds(workers, 20);
  const second = open(two, toolCall("pay"));
  open(two, toolCall("search"));
  open(one, request("resources/read", { uri: "a://b" }));
  passSeconds(workers, 10);
  const young = ages(one);
  expect(young["tools/call pay"]).toBeGreaterThanOrEqual(24);
  expect(young["tools/call pay"]).toBeLessThanOrEqual(30);
  expect(young["tools/call search"]).toBeLessThanOrEqual(10);
  expect(young["resources/read"]).toBeGreaterThanOrEqual(4);
  first.responseBody(Buffer.from(event(result())));
  passSeconds(workers, 10);
  expect(ages(one)["tools/call pay"]).toBeLessThanOrEqual(20);
  expect(ages(one)["tools/call pay"]).toBeGreaterThanOrEqual(14);
  second.responseBody(Buffer.from(event(result())));
  passSeconds(workers, 10);
  expect(ages(one)).toMatchObject({ "tools/call pay": 0 });
  expect(ages(one)["tools/call search"]).toBeGreaterThanOrEqual(20);
});

test("none of a worker that has died", () => {
  const workers = startWorkers(2, TOOLS);
  open(workers[0], toolCall("pay"));
  passSeconds(workers, 12);
  expect(ages(workers[0])["tools/call pay"]).toBeGreaterThan(0);
  passSeconds([workers[1]], 12);
  expect(ages(workers[1])).toEqual({ "tools/call pay": 0 });
});

test("calls that end within a second have no gauge, nor has a subscription", () => {
  const workers = startWorkers(1, TOOLS);
  for (let i = 0; i < 20; i++) {
    post(workers[0], toolCall("pay"), result());
    passSeconds(workers, 1);
  }
  open(workers[0], request("subscriptions/listen", {}), { ...MCP_HEADERS, "mcp-protocol-version": "2026-07-28" });
  passSeconds(workers, 20);
  expect(workers[0].vm.metrics.gauges(FAMILY)).toEqual({});
});

test("operations that wait in the store for a response on another stream count until it arrives", () => {
  const workers = startWorkers(2, TOOLS);
  const { stream } = openStream(workers[0]);
  post(workers[1], toolCall("pay"), { status: 202 }, { path: ENDPOINT, headers: POST_HEADERS });
  passSeconds(workers, 30);
  expect(ages(workers[0])["tools/call pay"]).toBeGreaterThanOrEqual(24);
  stream.responseBody(Buffer.from(event(result())));
  passSeconds(workers, 10);
  expect(ages(workers[0])).toEqual({ "tools/call pay": 0 });
});

test("a worker shows its 16 oldest operations, and series stay within their budget", () => {
  const names = Array.from({ length: 1500 }, (_, i) => `tool-${i}`);
  const configuration = { labels: { tools: names.slice(0, 1024), maxTools: 1024 } };
  const workers = startWorkers(1, { configuration });
  const oldest = names.slice(0, 16).map((name) => open(workers[0], toolCall(name)));
  passSeconds(workers, 3);
  for (const name of names.slice(16, 200)) open(workers[0], toolCall(name));
  passSeconds(workers, 10);
  expect(workers[0].vm.metrics.labelValues("gen_ai_tool_name", FAMILY).sort()).toEqual(names.slice(0, 16).sort());
  for (const stream of oldest) stream.responseBody(Buffer.from(event(result())));
  passSeconds(workers, 10);
  expect(workers[0].vm.metrics.labelValues("gen_ai_tool_name", FAMILY)).toHaveLength(32);
});

test("unknown names are _OTHER", () => {
  const workers = startWorkers(1);
  for (let i = 0; i < 16; i++) open(workers[0], toolCall(`invented-${i}`));
  passSeconds(workers, 10);
  expect(countsBy(workers[0], "mcp_operations_total", "gen_ai_tool_name")).toEqual({});
  expect(workers[0].vm.metrics.labelValues("gen_ai_tool_name", FAMILY)).toEqual(["_OTHER"]);
});

test("operations beyond the series budget are shown as _OTHER", () => {
  const names = Array.from({ length: 1024 }, (_, i) => `tool-${i}`);
  const [plugin] = startWorkers(1, { configuration: { labels: { tools: names, maxTools: 1024 } } });
  for (const name of names) post(plugin, toolCall(name), result());
  open(plugin, request("prompts/get", { name: "p" }));
  passSeconds([plugin], 20);
  expect(Object.keys(plugin.vm.metrics.gauges(FAMILY))).toEqual([expect.stringContaining("_OTHER")]);
});
