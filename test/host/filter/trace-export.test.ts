import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { itHolds } from "../../unit/property.ts";
import { exchange, loadModule, type Plugin, type PluginOptions, Vm } from "../../../scripts/host/index.ts";
import { attributeOf, CLUSTER, Collector, type CollectorAnswer, headerOf, requestOf, spansOf } from "./collector.ts";
import { countsBy, MCP_HEADERS, post, result, toolCall } from "./filter.ts";

/** A configuration in which each operation has one span, and sessions have no spans. */
const TRACE = { cluster: CLUSTER, sample: { ratio: 1 }, sessions: false };
const SECRET = "Bearer very-secret";
const SECOND = 1000;
const BATCH = 256 * 1024;
const RING = 1 << 20;

let vm: Vm;
let plugin: Plugin;
let collector: Collector;
/** The number of operations so far. */
let recorded: number;

beforeEach(() => start());
afterEach(() => expect(vm.failure).toBeUndefined());

function start(trace: object = {}, options: PluginOptions = {}): void {
  vm = new Vm(loadModule(), { clusters: [CLUSTER] });
  plugin = instance(trace, options);
  collector = new Collector(vm);
  recorded = 0;
}

function instance(trace: object = {}, options: PluginOptions = {}): Plugin {
  const properties = { "xds.cluster_name": "tools", ...options.properties };
  const configuration = { role: "server", trace: { ...TRACE, ...trace }, ...(options.configuration as object) };
  return vm.plugin({ ...options, properties, configuration });
}

/** Makes tool calls, all of which are recorded. */
function call(count = 1, through = plugin): void {
  for (let i = 0; i < count; i++) post(through, toolCall("echo", ++recorded));
}

/** Ticks once a second, and answers the calls of the previous second. */
function pass(seconds: number, answer?: CollectorAnswer, plugins: readonly Plugin[] = [plugin]): void {
  for (let i = 0; i < seconds; i++) {
    vm.clock.advance(SECOND);
    for (const each of plugins) each.tick();
    if (answer !== undefined) collector.answer(plugins, answer);
  }
}

interface Counts {
  exported?: number;
  rejected?: number;
  dropped?: number;
  expired?: number;
}

function counts(): Counts {
  return countsBy(plugin, "mcp_trace_spans_total", "mcp_result");
}

function total(): number {
  return Object.values(counts() as Record<string, number>).reduce((sum, count) => sum + count, 0);
}

/** Exports all waiting spans, and checks that each span was counted once. */
function settle(plugins: readonly Plugin[] = [plugin]): void {
  pass(60, {}, plugins);
  expect(collector.calls).toEqual([]);
  expect(total()).toBe(recorded);
  expect(counts().exported ?? 0).toBe(collector.spans.length);
  expect(counts().rejected ?? 0).toBeGreaterThanOrEqual(collector.rejected);
  expect(new Set(collector.spans.map(({ spanId }) => spanId)).size).toBe(collector.spans.length);
}

const warnings = () => vm.logs.filter(({ level }) => level === "warn").map(({ message }) => message);
const ids = () => collector.spans.map((span) => Number(attributeOf(span, "jsonrpc.request.id")));

describe("a batch", () => {
  test.each([
    ["protobuf", "application/x-protobuf"],
    ["json", "application/json"],
  ])("in %s is sent on the tick", (encoding, type) => {
    start({ encoding, path: "/in", authority: "collector:4318", headers: { "x-api-key": SECRET, "x-b": "c" } });
    call(3);
    expect(collector.calls).toEqual([]);
    pass(1);
    const [sent] = collector.calls;
    expect(sent).toMatchObject({ cluster: CLUSTER, rootId: plugin.id, timeoutMs: 10_000 });
    expect(sent.headers).toEqual([
      [":method", "POST"],
      [":path", "/in"],
      [":authority", "collector:4318"],
      ["content-type", type],
      ["user-agent", expect.stringMatching(/^mcp-proxy-wasm\/\d/)],
      ["x-api-key", SECRET],
      ["x-b", "c"],
    ]);
    expect(spansOf(sent).map(({ name }) => name)).toEqual(Array(3).fill("tools/call echo"));
    expect(collector.answer(plugin)).toBe(1);
    settle();
    expect(counts()).toEqual({ exported: 3 });
    expect(collector.sent).toBe(1);
  });

  test("goes to /v1/traces of the cluster if only the cluster is configured", () => {
    call();
    pass(1);
    expect(headerOf(collector.calls[0], ":path")).toBe("/v1/traces");
    expect(headerOf(collector.calls[0], ":authority")).toBe(CLUSTER);
  });

  test("is sent before the tick when 256 KB are waiting, and is not larger", () => {
    while (collector.calls.length === 0) call();
    const [{ body }] = collector.calls;
    expect(body.length).toBeGreaterThan(BATCH * 0.95);
    expect(body.length).toBeLessThan(BATCH * 1.05);
    call(recorded);
    // Only one call is in flight. Its answer sends the spans that were recorded meanwhile.
    expect(collector.calls.length).toBe(1);
    expect(collector.answer(plugin)).toBe(1);
    expect(collector.calls.length).toBe(1);
    settle();
    expect(counts()).toEqual({ exported: recorded });
  });

  test("waits for the tick even if another batch has just been answered", () => {
    call(3);
    pass(1);
    call(2);
    collector.answer(plugin);
    expect(collector.calls).toEqual([]);
    pass(1);
    expect(spansOf(collector.calls[0]).length).toBe(2);
  });

  test("is not sent if nothing was recorded", () => {
    pass(10);
    expect(collector.sent).toBe(0);
  });
});

describe("the resource", () => {
  const ENVOY = {
    "xds.node.id": "sidecar~10.0.0.1~orders-1.shop~shop.svc.cluster.local",
    "xds.node.cluster": "orders.shop",
    "xds.node.metadata.NAMESPACE": "shop",
  };
  const ISTIO = { ...ENVOY, "xds.node.metadata.LABELS.service.istio.io/canonical-name": "orders" };
  const SDK = {
    "mcp.role": "server",
    "telemetry.sdk.name": "mcp-proxy-wasm",
    "telemetry.sdk.language": "webassembly",
    "telemetry.sdk.version": expect.stringMatching(/^\d/),
  };

  test.each([
    ["Istio's canonical service", {}, ISTIO, { "service.name": "orders", "service.namespace": "shop" }],
    ["the node's cluster", {}, ENVOY, { "service.name": "orders.shop", "service.namespace": "shop" }],
    ["the node's id", {}, { "xds.node.id": "n", "xds.node.cluster": "" }, { "service.name": "n" }],
    ["what no text names", {}, { "xds.node.id": 5 }, {}],
    [
      "what is configured",
      { resource: { "service.name": "mine", team: "é" } },
      ISTIO,
      { "service.name": "mine", team: "é", "service.namespace": "shop" },
    ],
  ])("is %s", (_name, trace, properties, expected) => {
    start(trace, { properties });
    call();
    pass(1);
    const [{ resource, scopeSpans }] = requestOf(collector.calls[0]).resourceSpans;
    const attributes = Object.fromEntries(resource.attributes!.map(({ key, value }) => [key, value.stringValue]));
    expect(attributes).toEqual({ ...expected, ...SDK });
    expect(scopeSpans.map(({ scope }) => scope.name)).toEqual(["mcp-proxy-wasm"]);
  });
});

describe("a collector", () => {
  test("that is down for an hour under load only increases counters", { timeout: 120_000 }, () => {
    const down = (seconds: number) => {
      for (let i = 0; i < seconds; i++) {
        call(20);
        pass(1, { status: 503 });
      }
    };
    down(600);
    const pages = vm.memoryPages();
    const sent = collector.sent;
    down(3000);
    expect(vm.memoryPages()).toBe(pages);
    // At least three quarters of 30 s pass between two calls.
    expect(collector.sent - sent).toBeLessThanOrEqual(3000 / 22);
    expect(collector.sent - sent).toBeGreaterThan(3000 / 40);
    expect(warnings().length).toBeLessThanOrEqual(61);
    expect(vm.metrics.counter("mcp_operations_total")).toBe(recorded);
    const waiting = recorded - total();
    expect(counts().dropped).toBeGreaterThan(0);
    expect(counts().expired).toBeGreaterThan(0);
    settle();
    expect(counts().exported).toBe(waiting);
    // The newest spans have been kept, and a batch that was in flight.
    const kept = ids();
    expect(kept.slice(-3)).toEqual([recorded - 2, recorded - 1, recorded]);
    call();
    settle();
  });

  test("that is slow gets one call at a time, and all spans", () => {
    for (let i = 0; i < 300; i++) {
      call(10);
      pass(1);
      expect(collector.calls.length).toBe(1);
      if (i % 9 === 8) collector.answer(plugin);
    }
    settle();
    expect(counts()).toEqual({ exported: recorded });
    expect(ids()).toEqual(Array.from({ length: recorded }, (_, i) => i + 1));
  });

  test("that never answers does not block later spans", () => {
    call();
    pass(1);
    const [lost] = collector.calls;
    vm.callouts.pending.clear();
    pass(14);
    expect(collector.sent).toBe(1);
    pass(3);
    expect(collector.sent).toBe(2);
    // The late response still arrives.
    vm.callouts.pending.set(lost.token, lost);
    plugin.respond(lost.token, { headers: [[":status", "200"]], body: Buffer.alloc(0) });
    expect(total()).toBe(0);
    settle();
    expect(counts()).toEqual({ exported: 1 });
  });

  test("that does not respond receives the same batch again", () => {
    call();
    pass(1);
    const [{ token, body }] = collector.calls;
    plugin.respond(token);
    pass(1);
    expect(collector.calls.map((call) => call.body)).toEqual([body]);
    settle();
  });

  test.each([429, 502, 503, 504])("that answers %i receives the same batch again, with growing delays", (status) => {
    call(2);
    pass(1);
    const { body } = collector.calls[0];
    const times: number[] = [];
    for (let second = 0; second < 200; second++) {
      if (collector.calls.length > 0) {
        expect(collector.calls[0].body).toEqual(body);
        times.push(second);
        collector.answer(plugin, { status });
      }
      call();
      pass(1);
    }
    const gaps = times.slice(1).map((time, i) => time - times[i]);
    [1, 2, 4, 8, 16, 30, 30].forEach((most, i) => {
      expect(gaps[i]).toBeLessThanOrEqual(most);
      expect(gaps[i]).toBeGreaterThanOrEqual(Math.floor(most * 0.75));
    });
    settle();
    expect(counts()).toEqual({ exported: recorded });
  });

  test("that has not accepted a batch for five minutes makes it expire", () => {
    call(2);
    pass(299, { status: 503 });
    call(3);
    pass(1, { status: 503 });
    expect(counts()).toEqual({});
    pass(2, { status: 503 });
    expect(counts()).toEqual({ expired: 2 });
    settle();
    expect(counts()).toEqual({ expired: 2, exported: 3 });
  });

  test.each([
    ["7", 7],
    ["0", 1],
    ["299", 299],
    ["4000", 300],
    ["99999999999999999999", 300],
    ["soon", 1],
    ["-5", 1],
    ["", 1],
  ])("that asks for time by Retry-After: %s gets %i s", (value, seconds) => {
    expect(secondsAfter(value)).toBe(seconds);
  });

  test.each([
    [0, 1],
    [-5000, 1],
    [90, 90],
    [4000, 300],
  ])("that asks for time until %i s from now gets %i s", (after, seconds) => {
    const now = Number(vm.clock.now / 1_000_000n) + SECOND;
    expect(secondsAfter(new Date(now + after * SECOND).toUTCString())).toBe(seconds);
  });

  test("that rejects some spans receives none of them again", () => {
    for (const encoding of ["protobuf", "json"]) {
      start({ encoding });
      call(5);
      pass(1, { rejected: 2 });
      settle();
      expect(counts()).toEqual({ exported: 3, rejected: 2 });
      expect(collector.sent).toBe(1);
    }
  });

  test("that reports more rejected spans than were sent has rejected all", () => {
    call(2);
    pass(1, { rejected: 7 });
    expect(counts()).toEqual({ rejected: 2 });
  });

  test.each([400, 401, 404, 413, 500, 301, 101])("that answers %i has rejected the batch", (status) => {
    call(2);
    pass(1, { status });
    call();
    settle();
    expect(counts()).toEqual({ exported: 1, rejected: 2 });
    expect(warnings().filter((line) => line.includes(String(status))).length).toBe(1);
  });

  test.each([
    ["a page", { headers: { "content-type": "text/html" }, body: Buffer.from("<p>\x08\x02") }],
    ["a body without a type", { headers: { "content-type": "" }, body: Buffer.from("fine") }],
    ["another good status", { status: 202 }],
  ])("that answers with %s has accepted the batch", (_name, answer) => {
    call(2);
    pass(1, answer);
    expect(counts()).toEqual({ exported: 2 });
  });

  test("that is not a cluster of the proxy receives no call, and the log has one line a minute", () => {
    start({ cluster: "nowhere" });
    for (let i = 0; i < 60; i++) {
      call();
      pass(10);
    }
    expect(collector.sent).toBe(0);
    expect(total()).toBeGreaterThan(0);
    expect(counts().expired).toBe(total());
    expect(warnings().length).toBeGreaterThan(1);
    expect(warnings().length).toBeLessThanOrEqual(10);
    expect(warnings()[0]).toContain("nowhere");
  });
});

/** Seconds until a batch is sent again after a 429 with this header. */
function secondsAfter(retryAfter: string): number {
  call();
  pass(1);
  collector.answer(plugin, { status: 429, headers: { "retry-after": retryAfter } });
  for (let seconds = 1; seconds < 1000; seconds++) {
    pass(1);
    if (collector.calls.length > 0) return seconds;
    // An expired batch is not sent again. A new batch is.
    call();
  }
  throw new Error("not sent again");
}

test("spans beyond the limit evict the oldest", () => {
  call();
  pass(1);
  const size = 4 + collector.calls[0].body.length - 300;
  call(Math.ceil((3 * RING) / size));
  const { dropped = 0 } = { ...counts(), ...(pass(1), counts()) };
  expect(dropped).toBeGreaterThan(0);
  settle();
  const kept = ids();
  expect(kept[0]).toBe(1);
  expect(kept.slice(1)).toEqual(Array.from({ length: kept.length - 1 }, (_, i) => dropped + 2 + i));
});

describe("plugin instances of a VM", () => {
  test("share one call at a time, and take turns", () => {
    const all = [plugin, instance(), instance({ encoding: "json" })];
    const seen = new Map<number, number>();
    for (let i = 0; i < 60; i++) {
      for (const each of all) call(1, each);
      for (const each of all) each.tick();
      vm.clock.advance(SECOND);
      expect(collector.calls.length).toBe(1);
      const [{ rootId }] = collector.calls;
      seen.set(rootId, (seen.get(rootId) ?? 0) + 1);
      if (i % 3 === 2) collector.answer(all, {});
    }
    for (const { id } of all) expect(seen.get(id)).toBeGreaterThan(10);
    settle(all);
    expect(counts()).toEqual({ exported: recorded });
  });

  test("send for both roles, one right after the other", () => {
    start({}, { configuration: { role: undefined } });
    for (const direction of [1, 2]) {
      const body = toolCall("echo", ++recorded);
      const properties = { "xds.listener_direction": direction };
      exchange(plugin, { request: { headers: MCP_HEADERS, body }, response: { body: result() } }, { properties });
    }
    pass(1);
    expect(collector.answer(plugin)).toBe(1);
    expect(collector.answer(plugin)).toBe(1);
    settle();
    expect(countsBy(plugin, "mcp_trace_spans_total", "mcp_role", "mcp_result")).toEqual({
      "server exported": 1,
      "client exported": 1,
    });
  });

  test("are not blocked by an instance that is gone", () => {
    const other = instance();
    call(1, other);
    vm.clock.advance(SECOND);
    other.tick();
    expect(collector.calls.length).toBe(1);
    // The plugin's context and its call are gone without notice.
    vm.callouts.pending.clear();
    call();
    pass(14);
    expect(collector.sent).toBe(1);
    pass(3);
    expect(collector.calls.length).toBe(1);
    collector.answer(plugin);
    expect(counts()).toEqual({ exported: 1 });
  });

  test("that end wait for the answer to their last batch", () => {
    call(3);
    plugin.close();
    expect(plugin.isPending).toBe(true);
    expect(collector.calls.length).toBe(1);
    plugin.tick();
    expect(collector.sent).toBe(1);
    collector.answer(plugin);
    expect(plugin.isPending).toBe(false);
    expect(counts()).toEqual({ exported: 3 });
    expect(vm.logs.filter(({ level }) => level === "error")).toEqual([]);
  });

  test("that end send the spans recorded while a batch was in flight, even next to another instance's batch", () => {
    const other = instance();
    call(3);
    pass(1);
    call(2);
    call(1, other);
    other.close();
    plugin.close();
    expect(collector.calls.length).toBe(2);
    collector.answer([plugin, other]);
    expect(other.isPending).toBe(false);
    expect(plugin.isPending).toBe(true);
    collector.answer([plugin, other]);
    expect(plugin.isPending).toBe(false);
    expect(counts()).toEqual({ exported: 6 });
  });

  test.each([
    ["503", 503],
    ["no headers", undefined],
  ])("that end give up after an answer with %s", (_name, status) => {
    call(3);
    plugin.close();
    if (status === undefined) plugin.respond(collector.calls[0].token);
    else collector.answer(plugin, { status });
    expect(plugin.isPending).toBe(false);
    expect(counts()).toEqual({ dropped: 3 });
    expect(collector.sent).toBe(1);
  });

  test("that end while the collector is down drop the waiting spans", () => {
    call(3);
    pass(3, { status: 503 });
    call(2);
    plugin.close();
    expect(plugin.isPending).toBe(false);
    expect(counts()).toEqual({ dropped: 5 });
  });

  test("that end without an answer end with a later tick", () => {
    call(3);
    plugin.close();
    pass(14);
    expect(plugin.isPending).toBe(true);
    pass(2);
    expect(plugin.isPending).toBe(false);
    expect(counts()).toEqual({ dropped: 3 });
  });

  test("that have nothing to send end at once", () => {
    plugin.close();
    expect(plugin.isPending).toBe(false);
  });
});

test("a later configuration sends earlier spans", () => {
  call(2);
  plugin.configure({ role: "server" });
  pass(1);
  expect(collector.answer(plugin)).toBe(1);
  expect(counts()).toEqual({ exported: 2 });
});

test("no log line contains headers of calls", () => {
  start({ headers: { authorization: SECRET }, cluster: CLUSTER }, { configuration: { log: "trace" } });
  for (const status of [200, 400, 503, 429]) {
    call();
    pass(2, { status });
  }
  start({ headers: { authorization: SECRET }, cluster: "nowhere" }, { configuration: { log: "trace" } });
  call();
  pass(2);
  expect(vm.logs.length).toBeGreaterThan(0);
  expect(JSON.stringify(vm.logs)).not.toContain(SECRET);
});

describe("responses", () => {
  const header = fc.oneof(
    fc.record({ ":status": fc.string(), "content-type": fc.string(), "retry-after": fc.string() }),
    fc.record({
      ":status": fc.constantFrom("200", "204", "400", "429", "503"),
      "content-type": fc.constantFrom("application/json", "application/x-protobuf", "text/plain"),
      "retry-after": fc.oneof(
        fc.nat().map(String),
        fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
      ),
    }),
  );
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc
      .integer({ min: 0, max: 5 })
      .map((count) => Buffer.from(JSON.stringify({ partialSuccess: { rejectedSpans: count } }))),
    fc.constant(Buffer.alloc(100_000, 0x0a)),
  );
  itHolds(
    "may be any bytes",
    300,
    fc.property(fc.array(fc.tuple(fc.option(header), body), { minLength: 1, maxLength: 8 }), (answers) => {
      start();
      for (const [headers, bytes] of answers) {
        call(2);
        for (let i = 0; i < 301 && collector.calls.length === 0; i++) pass(1);
        const [{ token }] = collector.calls;
        const all = headers === null ? [] : Object.entries(headers);
        plugin.respond(token, { headers: all, body: Buffer.from(bytes) });
      }
      for (let i = 0; i < 400 && total() < recorded; i++) pass(1, {});
      expect(vm.failure).toBeUndefined();
      expect(total()).toBe(recorded);
    }),
  );
});
