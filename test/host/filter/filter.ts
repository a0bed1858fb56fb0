import {
  Clock,
  type Exchange,
  type ExchangeOptions,
  exchange,
  google,
  type HostKind,
  loadModule,
  MetricStore,
  nginx,
  type Plugin,
  type PluginOptions,
  SharedDataStore,
  SharedQueues,
  Vm,
  type VmOptions,
} from "../../../scripts/host/index.ts";
import { has, TESTED } from "./matrix.ts";

/** The headers that MCP's clients send with a POST. */
export const MCP_HEADERS = { "content-type": "application/json", accept: "application/json, text/event-stream" };
/** The headers that clients since 2025-06-18 send: methods of tasks are MCP's only with them. */
export const VERSIONED_HEADERS = { ...MCP_HEADERS, "mcp-protocol-version": "2025-11-25" };
export const JSON_ANSWER = { "content-type": "application/json" };
export const SSE_ANSWER = { "content-type": "text/event-stream" };

/** What the cluster and the listener tell in Envoy. */
const NAMED = { server: "tools", role: "server" };

/** The hosts of the builds besides Envoy's. */
const HOSTS: Record<string, HostKind> = {
  nginx: nginx({ clientBodyBufferBytes: 1 << 24 }),
  lite: google(),
};

/** The VMs that the running test has started, if it runs with another build than Envoy's. */
export const started: Vm[] = [];

/** A VM with the build under test. */
export function startVm(options: VmOptions = {}): Vm {
  const host = HOSTS[TESTED.name];
  const vm = new Vm(loadModule(TESTED.module), { ...options, host });
  if (host !== undefined) started.push(vm);
  return vm;
}

/** A plugin whose streams go to the server `tools`. Where the host does not name the upstream, the configuration does. */
function startPlugin(vm: Vm, options: PluginOptions): Plugin {
  const { configuration = {} } = options;
  const isObject = typeof configuration === "object" && !(configuration instanceof Uint8Array);
  if (!has("clusters") && isObject) return vm.plugin({ ...options, configuration: { ...NAMED, ...configuration } });
  return vm.plugin({ properties: { "xds.cluster_name": "tools" }, ...options });
}

/** One plugin instance of the filter, alone in a VM of its own. */
export function startFilter(options: PluginOptions = {}): Plugin {
  return startPlugin(startVm(), options);
}

/** A proxy with this many workers: a VM with the same plugin on each, and the data that they share. */
export function startWorkers(count: number, options: PluginOptions = {}): Plugin[] {
  const shared = {
    metrics: new MetricStore(),
    clock: new Clock(),
    sharedData: new SharedDataStore(),
    queues: new SharedQueues(),
  };
  return Array.from({ length: count }, () => startPlugin(startVm(shared), options));
}

/** Lets this many seconds pass, with a tick of each worker in each second. */
export function passSeconds(workers: readonly Plugin[], seconds: number): void {
  for (let i = 0; i < seconds; i++) {
    workers[0].vm.clock.advance(1000);
    for (const worker of workers) worker.tick();
  }
}

/** A JSON-RPC request as text. */
export function request(method: string, params?: object, id: unknown = 1): string {
  return JSON.stringify({ jsonrpc: "2.0", id, method, params });
}

export function toolCall(name: string, id: unknown = 1): string {
  return request("tools/call", { name, arguments: { text: "hello" } }, id);
}

/** A JSON-RPC response as text. */
export function result(value: object = { content: [] }, id: unknown = 1): string {
  return JSON.stringify({ result: value, jsonrpc: "2.0", id });
}

export function error(code: number, id: unknown = 1): string {
  return JSON.stringify({ jsonrpc: "2.0", id, error: { code, message: "no" } });
}

export function notification(method: string, params: object = {}): string {
  return JSON.stringify({ jsonrpc: "2.0", method, params });
}

/** Messages as a batch. */
export function batch(...messages: string[]): string {
  return `[${messages.join(",")}]`;
}

/** An event of the type `message`. */
export function event(data: string): string {
  return `event: message\ndata: ${data}\n\n`;
}

/** Posts a message and answers it with JSON, or with what `response` says. */
export function post(
  plugin: Plugin,
  body: string,
  response: Exchange["response"] | string = result(),
  options?: ExchangeOptions & { headers?: Record<string, string>; path?: string; ended?: Exchange["ended"] },
): void {
  const answer = typeof response === "string" ? { headers: JSON_ANSWER, body: response } : response;
  const headers = options?.headers ?? MCP_HEADERS;
  exchange(
    plugin,
    { request: { headers, body, path: options?.path }, response: answer, ended: options?.ended },
    options,
  );
}

/** The counters or gauges of a family by the values of two labels, `a b`: short enough to compare at a glance. */
export function countsBy(plugin: Plugin, family: string, ...labels: string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  const { metrics } = plugin.vm;
  for (const [name, value] of Object.entries({ ...metrics.counters(family), ...metrics.gauges(family) })) {
    const key = labels.map((label) => new RegExp(`[{,]${label}="([^"]*)"`).exec(name)?.[1] ?? "").join(" ");
    counts[key] = (counts[key] ?? 0) + value;
  }
  return counts;
}
