/** Tests `mcp_limit_queue_length` and `mcp_limit_wait_milliseconds` with waits that modules/waiting.ts reports. */
import { expect, test } from "vitest";
import { modulePath } from "../../modules.ts";
import {
  Clock,
  exchange,
  type HttpStream,
  loadModule,
  MetricStore,
  type Plugin,
  SharedDataStore,
  Vm,
} from "../../../scripts/host/index.ts";
import { countsBy, MCP_HEADERS, passSeconds, SSE_ANSWER, toolCall } from "./filter.ts";
import { limited } from "./limits.ts";

const LENGTH = "mcp_limit_queue_length";
const WAIT = "mcp_limit_wait_milliseconds";
const rule = (name: string) => ({ name, key: [], concurrency: 100, queue: {} });

const passOn = (address: number) => address;
const rtrace = {
  ...{ oninit: passOn, onalloc: passOn, onresize: passOn, onmove: passOn, onfree: passOn },
  ...{ onvisit: () => 1, oncollect: passOn, onstore: passOn, onload: passOn },
};

/** A number of workers with these rules. */
function start(count: number, ...names: string[]): Plugin[] {
  const shared = { metrics: new MetricStore(), clock: new Clock(), sharedData: new SharedDataStore() };
  const configuration = limited(names.map(rule));
  const properties = { "xds.cluster_name": "tools" };
  return Array.from({ length: count }, () =>
    new Vm(loadModule(modulePath("test/host/filter/modules/waiting.ts")), { ...shared, imports: { rtrace } }).plugin({
      properties,
      configuration,
    }),
  );
}

/** A request that waits for the rule with this index until its stream ends. */
function wait(plugin: Plugin, index = 0): HttpStream {
  const request = { path: `/mcp?wait=${index}`, headers: MCP_HEADERS, body: toolCall("pay") };
  const response = { headers: SSE_ANSWER, body: ": x\n\n", ended: "open" } as const;
  return exchange(plugin, { request, response }).stream;
}

const lengths = ([plugin]: Plugin[]) => countsBy(plugin, LENGTH, "mcp_server", "mcp_limit_rule");

test("each rule shows how many requests wait on all workers, and 0 once none does", () => {
  const workers = start(2, "calls", "search");
  const [one, two] = workers;
  const streams = [wait(one), wait(one), wait(two), wait(two, 1)];
  passSeconds(workers, 6);
  expect(lengths(workers)).toEqual({ "tools calls": 3, "tools search": 1 });
  streams[0].end();
  streams[3].end();
  passSeconds(workers, 6);
  expect(lengths(workers)).toEqual({ "tools calls": 2, "tools search": 0 });
  streams[1].end();
  streams[2].end();
  passSeconds(workers, 6);
  expect(lengths(workers)).toEqual({ "tools calls": 0, "tools search": 0 });
  expect(countsBy(one, "mcp_limit_decisions_total", "mcp_limit_rule", "mcp_limit_decision")).toMatchObject({
    "calls queued": 3,
    "search queued": 1,
  });
});

test("waits are recorded by server and rule when they end, in milliseconds", () => {
  const workers = start(1, "calls", "search");
  const streams = [wait(workers[0]), wait(workers[0]), wait(workers[0], 1)];
  expect(workers[0].vm.metrics.histograms(WAIT)).toEqual({});
  for (const stream of streams) stream.end();
  const labels = (name: string) => ({ mcp_role: "server", mcp_server: "tools", mcp_limit_rule: name });
  expect(workers[0].vm.metrics.histogram(WAIT, labels("calls")).values).toEqual([250, 250]);
  expect(workers[0].vm.metrics.histogram(WAIT, labels("search")).values).toEqual([250]);
});

test("a rule for which nothing has waited has no gauge", () => {
  const workers = start(1, "calls");
  passSeconds(workers, 6);
  expect(lengths(workers)).toEqual({});
});

test("a rule for which something has waited between two counts has one, which shows 0", () => {
  const workers = start(2, "calls");
  wait(workers[1]).end();
  passSeconds(workers, 6);
  expect(lengths(workers)).toEqual({ "tools calls": 0 });
});

test("requests that wait on a dead worker do not count", () => {
  const workers = start(2, "calls");
  wait(workers[0]);
  wait(workers[1]);
  passSeconds(workers, 6);
  expect(lengths(workers)).toEqual({ "tools calls": 2 });
  passSeconds([workers[1]], 12);
  expect(lengths(workers)).toEqual({ "tools calls": 1 });
});

test("a rule keeps its gauge if a new configuration moves it, and does not inherit another rule's", () => {
  const workers = start(1, "calls", "search");
  const [worker] = workers;
  const streams = [wait(worker), wait(worker, 1)];
  passSeconds(workers, 6);
  worker.configure(limited([rule("search"), rule("new")]));
  const later = [wait(worker), wait(worker, 1)];
  passSeconds(workers, 6);
  expect(lengths(workers)).toEqual({ "tools calls": 1, "tools search": 2, "tools new": 1 });
  for (const stream of [...streams, ...later]) stream.end();
  passSeconds(workers, 6);
  expect(lengths(workers)).toEqual({ "tools calls": 0, "tools search": 0, "tools new": 0 });
});
