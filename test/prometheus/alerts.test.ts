/**
 * Each alert fires and resolves in a real Prometheus, with the rules that we ship and time that passes faster: of a namespace
 * that has every problem, beside a busy one with the same servers and tools that has none.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { endsAfterAll } from "../envoy/cleanup.ts";
import { hasPrometheus, type Prometheus, startPrometheus } from "./prometheus.ts";
import { rulesOf } from "./shipped.ts";

const ALERTS = rulesOf("alert-rules.yaml").flatMap(({ alert }) => alert ?? []);
/** A window of 5 minutes is one of 5 s, in which Prometheus scrapes five times. */
const TIMES = 60;
/** In which nothing fires. */
const SEEN_MS = 8000;
const FIRES = { timeout: 90_000, interval: 500 };
/** An hour takes a minute. */
const RESOLVES = { timeout: 150_000, interval: 500 };

/** A state of things: a problem, or health. */
class State {
  #startedAt = 0;
  #seconds = 0;
  isOn = false;

  start(): void {
    this.#startedAt = Date.now();
    this.isOn = true;
  }

  stop(): void {
    this.#seconds = this.seconds;
    this.isOn = false;
  }

  /** How long it was on. */
  get seconds(): number {
    return this.isOn ? (Date.now() - this.#startedAt) / 1000 : this.#seconds;
  }
}

/** The value of a series in a state; undefined for no series. */
type Value = (state: State) => number | undefined;

/** A counter that grows while the state is on. */
const grows =
  (perSecond: number): Value =>
  ({ seconds }) =>
    Math.floor(seconds * perSecond);
/** A counter that begins with the state, and stays. */
const occurs =
  (count: number): Value =>
  ({ seconds }) =>
    seconds > 0 ? count : undefined;
/** A gauge that is 1 while the state is on. */
const shows: Value = ({ isOn }) => (isOn ? 1 : 0);

const SERVER = 'mcp_role="server",mcp_server="inbound"';
const TOOL = `${SERVER},mcp_method_name="tools/call",gen_ai_tool_name`;
const operations = (tool: string, outcome: string) =>
  `mcp_operations_total{${TOOL}="${tool}",mcp_outcome="${outcome}"}`;
const bucket = (tool: string, le: string) => `mcp_operation_duration_milliseconds_bucket{${TOOL}="${tool}",le="${le}"}`;
const decided = (rule: string, action: string) =>
  `mcp_access_decisions_total{${SERVER},mcp_access_rule="${rule}",mcp_access_action="${action}",mcp_access_mode="enforce"}`;

const queued = (le: string) => `mcp_limit_wait_milliseconds_bucket{${SERVER},mcp_limit_rule="repeats",le="${le}"}`;
const limited = (decision: string) =>
  `mcp_limit_decisions_total{${SERVER},mcp_limit_rule="repeats",mcp_limit_decision="${decision}"}`;

/** What makes each alert fire: series, and their values while there is the problem. */
const PROBLEMS: Record<string, Record<string, Value>> = {
  McpToolErrorRatioHigh: { [operations("fails", "tool_error")]: grows(5) },
  McpServerFailing: {
    [`mcp_operations_total{mcp_role="server",mcp_server="down",mcp_method_name="initialize",mcp_outcome="upstream_error"}`]:
      grows(2),
  },
  McpToolLatencyHigh: {
    [operations("slow", "ok")]: grows(5),
    [bucket("slow", "10000")]: grows(0),
    [bucket("slow", "30000")]: grows(5),
    [bucket("slow", "+Inf")]: grows(5),
  },
  McpTrafficUndecoded: { [`mcp_undecoded_total{${SERVER},mcp_reason="compressed"}`]: grows(2) },
  McpLabelOverflow: { [`mcp_label_overflow_total{${SERVER},mcp_label="gen_ai_tool_name"}`]: grows(5) },
  McpToolDefinitionChanged: {
    [`mcp_tool_definition_changes_total{${SERVER},gen_ai_tool_name="slow",mcp_change="changed"}`]: occurs(1),
  },
  McpToolPinMismatch: {
    [`mcp_tool_pin_mismatches_total{${SERVER},gen_ai_tool_name="slow",mcp_withheld_reason="changed",mcp_access_mode="enforce"}`]:
      occurs(1),
  },
  McpUnknownToolCalls: { [`mcp_unknown_tool_calls_total{${SERVER}}`]: occurs(12) },
  McpRepeatedCalls: {
    [operations("again", "ok")]: grows(5),
    [`mcp_repeated_calls_total{${SERVER},gen_ai_tool_name="again"}`]: grows(4),
  },
  McpStoreEvictions: { [`mcp_store_evictions_total{${SERVER}}`]: occurs(3) },
  McpConfigurationInvalid: { mcp_configuration_invalid: shows },
  McpAccessPolicyGone: {
    'mcp_access_policy{mcp_role="server",mcp_access_mode="enforce"}': ({ isOn }) => (isOn ? undefined : 1),
  },
  McpAccessPolicyOutdated: { 'mcp_access_outdated{mcp_role="server"}': shows },
  McpAccessUnchecked: { [decided("_unchecked", "allow")]: occurs(2) },
  McpAccessRefused: { [decided("_refused", "deny")]: occurs(12) },
  McpAccessDenialsRising: { [decided("_default", "deny")]: grows(5) },
  McpCallersLimited: { [limited("admitted")]: grows(5), [limited("limited")]: grows(5) },
  McpRequestsWait: {
    [limited("queued")]: grows(8),
    ...{ [queued("1000")]: grows(0), [queued("2000")]: grows(8), [queued("+Inf")]: grows(8) },
  },
  McpLimitsRefuse: {
    [`mcp_limit_decisions_total{${SERVER},mcp_limit_rule="_held",mcp_limit_decision="limited"}`]: occurs(12),
  },
  McpLimitKeysExhausted: { [`mcp_limit_key_overflow_total{${SERVER},mcp_limit_rule="repeats"}`]: occurs(3) },
  McpSpansLost: { [`mcp_trace_spans_total{mcp_role="server",mcp_result="dropped"}`]: occurs(3) },
  McpModuleFetchFailed: { envoy_wasm_remote_load_fetch_failures: occurs(1) },
  McpOperationStuck: {
    [`mcp_oldest_operation_milliseconds{${TOOL}="slow"}`]: ({ isOn }) => (isOn ? 700_000 : 0),
  },
  McpTrafficUncounted: { 'envoy_cluster_upstream_rq_total{envoy_cluster_name="mcp_upstream"}': grows(5) },
};

/** What a busy and healthy proxy shows: the same servers and tools, a hundred times as much. */
const HEALTHY: Record<string, Value> = {
  ...Object.fromEntries(["fails", "slow", "again"].map((tool) => [operations(tool, "ok"), grows(500)])),
  ...Object.fromEntries(["10000", "30000", "+Inf"].map((le) => [bucket("slow", le), grows(500)])),
  'mcp_operations_total{mcp_role="server",mcp_server="down",mcp_method_name="initialize",mcp_outcome="ok"}': grows(500),
  'mcp_access_policy{mcp_role="server",mcp_access_mode="enforce"}': () => 1,
  'envoy_cluster_upstream_rq_total{envoy_cluster_name="mcp_upstream"}': grows(500),
  [`mcp_streams_total{${SERVER}}`]: grows(500),
  // A limit that stops a burst now and then.
  [limited("admitted")]: grows(500),
  [limited("limited")]: grows(50),
  // And one that smooths bursts.
  [limited("queued")]: grows(200),
  ...Object.fromEntries(["1000", "2000", "+Inf"].map((le) => [queued(le), grows(200)])),
  [`mcp_limit_decisions_total{${SERVER},mcp_limit_rule="tried",mcp_limit_decision="shadow_limited"}`]: grows(500),
  'mcp_trace_spans_total{mcp_role="server",mcp_result="exported"}': grows(500),
  mcp_configuration_invalid: () => 0,
};

it("each alert has a problem here that makes it fire", () => {
  expect(Object.keys(PROBLEMS).sort()).toEqual([...ALERTS].sort());
});

describe.runIf(hasPrometheus())("with a real Prometheus", () => {
  const keep = endsAfterAll();
  let prometheus: Prometheus;
  const problem = new State();
  const health = new State();

  beforeAll(async () => {
    health.start();
    const targets: Record<string, () => string> = {
      "/broken": () =>
        Object.values(PROBLEMS)
          .map((series) => exposition(series, problem))
          .join(""),
      "/busy": () => exposition(HEALTHY, health),
    };
    const server = createServer((request, response) => void response.end(targets[request.url ?? ""]()));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    keep({ stop: async () => server.close().closeAllConnections() });
    const found = Object.keys(targets).map((path) => ({
      targets: [`127.0.0.1:${port}`],
      labels: { __metrics_path__: path, instance: path.slice(1), namespace: path.slice(1) },
    }));
    prometheus = keep(await startPrometheus("raw", { envoy: found }, TIMES));
  });

  /** The namespaces of the alerts that fire, by their names. */
  async function firing(): Promise<Record<string, string[]>> {
    const alerts: Record<string, string[]> = {};
    for (const { labels } of await prometheus.query('ALERTS{alertstate="firing"}')) {
      (alerts[labels.alertname] ??= []).push(labels.namespace);
    }
    return alerts;
  }

  it("all fire for the namespace with problems and none for the busy one, and all resolve", async () => {
    await sleep(SEEN_MS);
    expect(await firing()).toEqual({});

    problem.start();
    const fired = new Set<string>();
    const namespaces = new Set<string>();
    const missing = async () => {
      for (const [name, found] of Object.entries(await firing())) {
        fired.add(name);
        found.forEach((namespace) => namespaces.add(namespace));
      }
      return ALERTS.filter((name) => !fired.has(name));
    };
    await expect.poll(missing, FIRES).toEqual([]);

    problem.stop();
    const left = async () => {
      const alerts = await firing();
      Object.values(alerts)
        .flat()
        .forEach((namespace) => namespaces.add(namespace));
      return Object.keys(alerts);
    };
    await expect.poll(left, RESOLVES).toEqual([]);
    expect([...namespaces]).toEqual(["broken"]);
  }, 300_000);
});

/** Series as Prometheus scrapes them. */
function exposition(series: Record<string, Value>, state: State): string {
  const values = Object.entries(series).map(([name, value]) => [name, value(state)] as const);
  return values.flatMap(([name, value]) => (value === undefined ? [] : `${name} ${value}\n`)).join("");
}
