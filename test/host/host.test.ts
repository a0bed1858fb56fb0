import { beforeEach, describe, expect, it } from "vitest";

import { captureNames, readCapture } from "../fixtures/captures.ts";
import { modulePath } from "../modules.ts";
import {
  Action,
  exchange,
  loadModule,
  MetricStore,
  type Plugin,
  Vm,
  type VmOptions,
} from "../../scripts/host/index.ts";

/** A VM with the probe module, which logs all that it receives and can read. */
function probe(options: VmOptions = {}): Vm {
  return new Vm(loadModule(modulePath("test/host/modules/probe.ts")), options);
}

/** The new log lines of level info and above. */
function takeLog(vm: Vm): string[] {
  return vm.logs.splice(0).flatMap(({ level, message }) => (level === "debug" ? [] : message));
}

/** What the probe read, as text. */
function takeRead(vm: Vm): string[] {
  return vm.logs.splice(0).flatMap(({ level, message }) => (level === "debug" ? message : []));
}

describe("a VM", () => {
  it("starts each plugin as a root context of its own", () => {
    const vm = probe({ vmConfiguration: "vm" });
    expect(takeLog(vm)).toEqual(["initialize"]);
    const first = vm.plugin({ configuration: "one" });
    expect(takeLog(vm)).toEqual([
      "create 1 of 0",
      "vm_start 1 2",
      "buffer 6: result 0, 2 bytes",
      "buffer 7: result 1, 0 bytes",
      "configure 1 3",
      "buffer 7: result 0, 3 bytes",
    ]);
    const second = vm.plugin({ configuration: "fails" });
    expect([first.configured, second.configured]).toEqual([true, false]);
    expect(vm.plugin({ configuration: { a: 1 } }).id).toBe(3);
    expect(takeRead(vm)).toEqual(["vm", "fails", "vm", '{"a":1}']);
  });

  it("does not instantiate a module that imports anything else", () => {
    const importsAbort = Buffer.from("0061736d0100000001040160000002" + "0d0103656e760561626f72740000", "hex");
    expect(() => new Vm(new WebAssembly.Module(importsAbort))).toThrow(/abort/);
  });

  it("stays down after a trap", () => {
    const vm = probe();
    const plugin = vm.plugin({ configuration: "trap" });
    expect(() => plugin.stream().requestHeaders([], true)).toThrow(/proxy_on_request_headers: unreachable/);
    expect(vm.failure).toBeDefined();
    expect(() => plugin.tick()).toThrow(/has failed/);
  });

  it("shows its memory's pages", () => {
    const vm = probe();
    const plugin = vm.plugin();
    const before = vm.memoryPages();
    exchange(plugin, { request: { body: new Uint8Array(300_000) }, response: {} });
    expect(vm.memoryPages()).toBeGreaterThan(before);
  });
});

describe("metrics", () => {
  it("are shared by the VMs of one store and follow Envoy's rules", () => {
    const metrics = new MetricStore();
    const plugins = [probe({ metrics }).plugin(), probe({ metrics }).plugin()];
    for (const plugin of plugins) expect(plugin.tick()).toBe(true);
    expect(metrics.counters()).toEqual({ 'hits{role="server"}': 4 });
    expect(metrics.gauges()).toEqual({ active: 3 });
    expect(metrics.histograms()).toEqual({ took: { count: 2, sum: 14, values: [7, 7] } });
    expect(metrics.counter("hits", { role: "server" })).toBe(4);
    expect(metrics.counter("hits", { role: "client" })).toBe(0);
    expect(metrics.labelValues("role")).toEqual(["server"]);
    const results = plugins[0].vm.logs.filter(({ level }) => level === "warn").map(({ message }) => message);
    expect(results).toEqual(["increment: 0 2", "increment: 2 1", "twice: true", "histogram: 2"]);
  });

  it("come with a clock that only tests move", () => {
    const vm = probe();
    const plugin = vm.plugin();
    vm.clock.advance(1.5);
    vm.logs.length = 0;
    plugin.tick();
    expect(takeLog(vm)[0]).toBe("tick 1 at 1795000000001500000");
  });
});

describe("a stream", () => {
  let vm: Vm;
  let plugin: Plugin;

  beforeEach(() => {
    vm = probe();
    plugin = vm.plugin();
    vm.logs.length = 0;
    vm.calls.reset();
  });

  it("shows headers in their own phase and to the log, bodies as new bytes only", () => {
    const { actions } = exchange(
      plugin,
      { request: { body: ["ab", "c"] }, response: { body: "xyz" } },
      { responseEnd: "with-last" },
    );
    const log = vm.logs.map(({ message }) => message);
    expect(log).toEqual([
      ...["create 2 of 1", "request_headers 2 8 0", "headers 0: result 0, 8 pairs"],
      ...["property: result 0, 10 bytes", "mcp_server", "property: result 1, 0 bytes"],
      ...["request_body 2 2 0", "headers 0: result 0, 0 pairs"],
      ...["buffer 0: result 0, 2 bytes", "ab", "buffer 0: result 0, 0 bytes"],
      ...["request_body 2 1 0", "headers 0: result 0, 0 pairs"],
      ...["buffer 0: result 0, 1 bytes", "c", "buffer 0: result 0, 0 bytes"],
      ...["request_body 2 0 1", "headers 0: result 0, 0 pairs"],
      ...["buffer 0: result 0, 0 bytes", "buffer 0: result 0, 0 bytes"],
      ...["response_headers 2 2 0", "headers 2: result 0, 2 pairs"],
      ...["response_body 2 3 1", "buffer 1: result 0, 3 bytes", "xyz"],
      ...["log 2", "headers 0: result 0, 8 pairs", "headers 2: result 0, 2 pairs"],
      ...["buffer 1: result 0, 0 bytes", "property: result 0, 12 bytes", "via_upstream"],
      ...["integer: 0, result 0", "integer: 0, result 0"],
      ...["done 2", "headers 0: result 0, 0 pairs", "delete 2"],
    ]);
    expect(actions).toEqual([0, 0, 0, 0, 0, 0]);
    expect(vm.calls.bodyBytes).toBe(6);
    expect(vm.calls.count("proxy_get_header_map_pairs")).toBe(8);
    expect(vm.calls.snapshot()).toMatchObject({ proxy_get_property: 5 });
  });

  it("ends by headers alone, or by trailers and then without end_of_stream", () => {
    exchange(plugin, { request: { method: "GET" }, response: { status: 204 } });
    const heads = takeLog(vm).filter((line) => /^re.*headers /.test(line));
    expect(heads).toEqual(["request_headers 2 8 1", "response_headers 2 2 1"]);

    exchange(
      plugin,
      { request: { body: "a" }, response: { body: "b" } },
      { requestEnd: "trailers", responseEnd: "trailers" },
    );
    const log = takeLog(vm);
    expect(log.filter((line) => /^re.*body/.test(line))).toEqual(["request_body 3 1 0", "response_body 3 1 0"]);
    expect(log).toContain("request_trailers 3 1");
    expect(log).toContain("headers 1: result 0, 1 pairs");
  });

  it("gives the whole buffer again after a pause", () => {
    const holding = vm.plugin({ configuration: "buffers" });
    vm.logs.length = 0;
    const { actions } = exchange(holding, { request: { body: ["ab", "c"] }, response: null, ended: "open" });
    expect(actions).toEqual([Action.Continue, Action.Pause, Action.Pause, Action.Pause]);
    expect(takeRead(vm)).toEqual(["mcp_server", "ab", "abc", "abc"]);
  });

  it("sends no body behind headers that are held", () => {
    const stream = vm.plugin({ configuration: "holds" }).stream();
    expect(stream.requestHeaders([])).toBe(Action.Pause);
    expect(() => stream.requestBody(Buffer.from("a"))).toThrow(/never arrives/);
  });

  it("fails a read that begins beyond the buffer", () => {
    const stream = vm.plugin({ configuration: "overreads" }).stream();
    stream.requestHeaders([]);
    expect(() => stream.requestBody(Buffer.from("a"))).toThrow(/beyond its 1 bytes/);
  });

  it("ends by the client or the server leaving", () => {
    exchange(plugin, { request: {}, response: { body: "a", ended: "client" } });
    expect(takeRead(vm).at(-1)).toBe("downstream_remote_disconnect");
    exchange(plugin, { request: {}, response: { body: "a", ended: "server" } });
    expect(takeRead(vm).at(-1)).toBe("upstream_reset_after_response_started{protocol_error}");
    const { stream } = exchange(plugin, { request: {}, response: null, ended: "server" });
    expect(stream.properties.get("response.code")).toBe(503);
    expect(stream.properties.get("response.flags")).toBe(64);
    const read = takeRead(vm);
    expect(read).toContain(
      "upstream connect error or disconnect/reset before headers. reset reason: connection termination",
    );
    expect(read.at(-1)).toBe("upstream_reset_before_response_started{connection_termination}");
    exchange(plugin, { request: {}, response: null });
    expect(takeLog(vm)).not.toContain("response_headers 5 2 0");
  });

  it.each(captureNames())("plays capture %s", (name) => {
    for (const captured of readCapture(name)) {
      vm.logs.length = 0;
      exchange(plugin, captured);
      const bytes = captured.response?.body.reduce((size, { length }) => size + length, 0) ?? 0;
      const sizes = takeLog(vm).map((line) => Number(/^response_body \d+ (\d+) /.exec(line)?.[1] ?? 0));
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(bytes);
    }
  });
});
