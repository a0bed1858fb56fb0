import { describe, expect, test } from "vitest";
import { exchange, type Plugin, type PluginOptions } from "../../../scripts/host/index.ts";
import {
  MCP_HEADERS,
  SSE_ANSWER,
  countsBy,
  passSeconds,
  post,
  request,
  result,
  startWorkers,
  startVm,
} from "./filter.ts";

const GOOD = { server: "good" };
const BETTER = { server: "better" };
const BAD = { server: 5 };

/** A reconfiguration as in Envoy with unchanged code: a new root context in the same VM. */
function reconfigure(plugin: Plugin, configuration: object): Plugin {
  return plugin.vm.plugin({ properties: { "xds.cluster_name": "tools" }, configuration });
}

/** The effect of a trap or new code: a new VM with the data that all VMs share. */
function replaceVm({ vm }: Plugin, options: PluginOptions): Plugin {
  const { metrics, clock, sharedData } = vm;
  const next = startVm({ metrics, clock, sharedData });
  return next.plugin({ properties: { "xds.cluster_name": "tools" }, ...options });
}

const invalid = (plugin: Plugin) => plugin.vm.metrics.gauge("mcp_configuration_invalid");

/** The server under which a request through this plugin is counted; undefined if it is not. */
function countedUnder(plugin: Plugin): string | undefined {
  plugin.vm.metrics.reset();
  post(plugin, request("ping"));
  return Object.keys(countsBy(plugin, "mcp_operations_total", "mcp_server")).find(
    (server) => plugin.vm.metrics.counter("mcp_operations_total", { mcp_server: server }) > 0,
  );
}

describe("consecutive configurations", () => {
  const CASES: [string, object[], string | undefined, number][] = [
    ["a good one", [GOOD], "good", 0],
    ["another good one", [GOOD, BETTER], "better", 0],
    ["a bad one, at a cold start", [BAD], undefined, 1],
    ["a bad one after a good one", [GOOD, BAD], "good", 1],
    ["a bad one twice", [GOOD, BAD, BAD], "good", 1],
    ["a good one after a bad one", [BAD, GOOD], "good", 0],
    ["a bad one, pushed again after a good one", [BAD, GOOD, BAD], "good", 1],
    ["a bad one after two good ones", [GOOD, BETTER, BAD], "better", 1],
  ];

  test.each(CASES)("%s", (_, configurations, server, isInvalid) => {
    let [plugin] = startWorkers(1, { configuration: configurations[0] });
    plugin.tick();
    for (const configuration of configurations.slice(1)) {
      plugin = reconfigure(plugin, configuration);
      plugin.tick();
    }
    expect(invalid(plugin)).toBe(isInvalid);
    expect(countedUnder(plugin)).toBe(server);
  });

  test.each(CASES)("%s, each time in a new VM", (_, configurations, server, isInvalid) => {
    let [plugin] = startWorkers(1, { configuration: configurations[0] });
    plugin.tick();
    for (const configuration of configurations.slice(1)) {
      plugin = replaceVm(plugin, { configuration });
      plugin.tick();
    }
    expect(invalid(plugin)).toBe(isInvalid);
    expect(countedUnder(plugin)).toBe(server);
  });

  test("the last good one serves the very first request", () => {
    const [plugin] = startWorkers(1, { configuration: GOOD });
    plugin.tick();
    expect(countedUnder(replaceVm(plugin, { configuration: BAD }))).toBe("good");
  });

  test("an invalid one is reported as it arrives, then with the plugin's names, and again each minute", () => {
    const configuration = { ...BAD, instance: "i" };
    const [plugin] = startWorkers(1, { configuration, name: "one", rootId: "mcp" });
    passSeconds([plugin], 130);
    const lines = plugin.vm.logs.map(({ level, message }) => `${level}: ${message}`);
    const error = "server: expected a string of at most 256 bytes, got 5";
    const named = `error: invalid configuration of plugin "one" (root id "mcp", instance "i"): ${error}`;
    expect(lines).toEqual([`error: invalid configuration (instance "i"): ${error}`, named, named, named]);
  });

  test("its replacement is logged with the plugin's names", () => {
    const [plugin] = startWorkers(1, { configuration: GOOD, name: "one" });
    plugin.tick();
    const next = replaceVm(plugin, { configuration: { ...BAD, unheard: 1 }, name: "one" });
    const subject = 'of plugin "one" (root id "", instance "default")';
    const linesAfter = (act: () => void) => {
      next.vm.logs.length = 0;
      act();
      return next.vm.logs.map(({ level, message }) => `${level}: ${message}`);
    };
    expect(linesAfter(() => post(next, request("ping")))).toEqual([
      `warn: configuration ${subject}: unheard: unknown field, ignored`,
      `error: invalid configuration ${subject}: server: expected a string of at most 256 bytes, got 5`,
      `warn: configuration ${subject}: the last valid one remains active`,
    ]);
    expect(linesAfter(() => next.tick())).toEqual([]);
  });

  test("an older instance that returns, as in Envoy while it drains, is recognized once streams arrive", () => {
    const [first] = startWorkers(1, { configuration: GOOD });
    first.tick();
    reconfigure(first, BETTER).tick();
    reconfigure(first, BAD).tick();
    expect(invalid(first)).toBe(1);
    first.tick();
    expect(invalid(first)).toBe(1);
    expect(countedUnder(first)).toBe("good");
    first.tick();
    expect(invalid(first)).toBe(0);
    const next = reconfigure(first, BAD);
    next.tick();
    expect(countedUnder(next)).toBe("good");
  });

  test("a bad one that returns continues with the latest good one", () => {
    const [first] = startWorkers(1, { configuration: GOOD });
    first.tick();
    const second = reconfigure(first, BAD);
    second.tick();
    expect(countedUnder(second)).toBe("good");
    second.tick();
    reconfigure(first, BETTER).tick();
    expect(invalid(first)).toBe(0);
    second.tick();
    expect(countedUnder(second)).toBe("better");
    second.tick();
    expect(invalid(first)).toBe(1);
  });

  test("plugins of different names do not use each other's", () => {
    const [plugin] = startWorkers(1, { configuration: GOOD, name: "one" });
    plugin.tick();
    const other = replaceVm(plugin, { configuration: BAD, name: "two" });
    other.tick();
    expect(countedUnder(other)).toBeUndefined();
    const third = replaceVm(plugin, { configuration: BAD, name: "three" });
    third.tick();
    expect(invalid(third)).toBe(2);
  });
});

describe("a reconfiguration does not affect", () => {
  const headers = { ...MCP_HEADERS, "mcp-session-id": "s" };

  test("sessions, also of servers beyond the new maximum", () => {
    const [plugin] = startWorkers(1);
    for (const cluster of ["a", "b", "c"]) {
      post(plugin, request("ping"), result(), { headers, properties: { "xds.cluster_name": cluster } });
    }
    passSeconds([plugin], 7);
    const next = reconfigure(plugin, { labels: { maxServers: 1 }, sessions: { idleTimeout: "1s" } });
    for (const cluster of ["a", "b", "c"]) {
      post(next, request("ping"), result(), { headers, properties: { "xds.cluster_name": cluster } });
    }
    passSeconds([next], 7);
    expect(plugin.vm.metrics.counter("mcp_sessions_adopted_total", { mcp_server: "a" })).toBe(1);
    expect(plugin.vm.metrics.counter("mcp_sessions_active", { mcp_server: "a" })).toBe(0);
  });

  test("the sweep, also without further traffic", () => {
    const [plugin] = startWorkers(1, { configuration: { sessions: { idleTimeout: "30s" } } });
    post(plugin, request("ping"), result(), { headers });
    passSeconds([plugin], 6);
    const next = reconfigure(plugin, { sessions: { idleTimeout: "20s" } });
    plugin.close();
    passSeconds([next], 45);
    expect(countsBy(next, "mcp_sessions_ended_total", "mcp_session_end")).toEqual({ idle: 1 });
    expect(next.vm.metrics.gauge("mcp_sessions_active")).toBe(0);
  });

  test("streams that are open when the same plugin is configured again", () => {
    const [plugin] = startWorkers(1);
    const get = { method: "GET", headers: { accept: "text/event-stream", "mcp-session-id": "s" } };
    const open = { headers: SSE_ANSWER, body: ": x\n\n", ended: "open" } as const;
    const { stream } = exchange(plugin, { request: get, response: open });
    plugin.configure({ server: "renamed" });
    exchange(plugin, { request: { method: "GET", headers: { accept: "text/html" } }, response: {} });
    stream.responseBody(Buffer.from('data: {"jsonrpc":"2.0","method":"notifications/message"}\n\n'));
    post(plugin, request("ping"), result(), { headers });
    stream.reset("client");
    passSeconds([plugin], 6);
    expect(countsBy(plugin, "mcp_streams_total", "mcp_server", "mcp_stream_kind")).toEqual({
      "tools get": 1,
      "renamed post": 1,
    });
    expect(plugin.vm.metrics.gauge("mcp_streams_active")).toBe(0);
  });

  test("a clock that is set back stops neither sweep nor gauges for long", () => {
    const workers = startWorkers(2, { configuration: { sessions: { idleTimeout: "30s" } } });
    for (const worker of workers) post(worker, request("ping"), result(), { headers });
    passSeconds(workers, 6);
    workers[0].vm.clock.advance(-3_600_000);
    passSeconds([workers[1]], 8);
    expect(workers[1].vm.metrics.gauge("mcp_sessions_active")).toBe(1);
    workers[0].vm.clock.advance(3_600_000);
    passSeconds([workers[1]], 45);
    expect(countsBy(workers[1], "mcp_sessions_ended_total", "mcp_session_end")).toEqual({ idle: 1 });
  });

  test("memory: a hundred reconfigurations leave no more than ten do", () => {
    const [plugin] = startWorkers(1);
    const reload = (times: number) => {
      for (let i = 0; i < times; i++) {
        const next = reconfigure(plugin, { labels: { tools: [`tool-${i}`] } });
        for (let call = 0; call < 50; call++) post(next, request("ping"), result(), { headers });
        passSeconds([next], 1);
        next.close();
      }
    };
    reload(10);
    const pages = plugin.vm.memoryPages();
    reload(100);
    expect(plugin.vm.memoryPages()).toBeLessThanOrEqual(pages + 2);
  });
});

describe("counting units", () => {
  const sessionOf = (plugin: Plugin) => {
    post(plugin, request("ping"), result(), { headers: { ...MCP_HEADERS, "mcp-session-id": "s" } });
  };

  test("plugins of the same instance and role are one", () => {
    const [plugin] = startWorkers(1);
    sessionOf(plugin);
    sessionOf(replaceVm(plugin, { configuration: { log: "error" } }));
    sessionOf(reconfigure(plugin, {}));
    expect(plugin.vm.metrics.counter("mcp_sessions_adopted_total")).toBe(1);
  });

  test("plugins of different instances are several", () => {
    const [plugin] = startWorkers(1);
    sessionOf(plugin);
    sessionOf(reconfigure(plugin, { instance: "other" }));
    expect(plugin.vm.metrics.counter("mcp_sessions_adopted_total")).toBe(2);
  });

  test("and so are the two roles", () => {
    const [plugin] = startWorkers(1);
    sessionOf(plugin);
    sessionOf(reconfigure(plugin, { role: "client" }));
    expect(countsBy(plugin, "mcp_sessions_adopted_total", "mcp_role")).toEqual({ client: 1, server: 1 });
  });
});
