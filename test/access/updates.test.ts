/**
 * A new policy applies to every later request, including those on connections that a draining filter chain or listener
 * of the old one still serves, as updates by Consul and Kuma leave them.
 */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Envoy, startEnvoy } from "../../scripts/envoy/process.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import * as mcp from "../envoy/mcp-messages.ts";
import { readMetrics } from "../envoy/prometheus.ts";
import { until } from "../envoy/sessions/until.ts";
import { ALLOWED, call, FORBIDDEN } from "./attack-list.ts";
import { guardedListener, type Listener } from "./proxy.ts";
import { type Recorder, startRecorder } from "./recorder.ts";

const allowing = (...tools: string[]) => ({
  rules: [{ name: "tools", action: "ALLOW", to: [{ operation: { tools } }] }],
});
const BOTH = allowing(ALLOWED, FORBIDDEN);
const WEATHER = allowing(ALLOWED);
const CARD = allowing(FORBIDDEN);
const TOOLS = [ALLOWED, FORBIDDEN];
/**
 * Milliseconds between the calls on each connection. Envoy closes a draining connection at one of its responses, with a
 * probability that rises with time, so connections with few calls last.
 */
const PAUSES = [10, 10, ...Array.from({ length: 14 }, () => 500)];
/** Three ticks. */
const SETTLING_MS = 3000;

const keep = endsAfterAll();
let recorder: Recorder;
let marks = 0;

beforeAll(async () => {
  recorder = keep(await startRecorder());
});

interface UpdatedEnvoy extends Envoy {
  /** Applies another policy; null for none. */
  push(access: object | null): Promise<void>;
}

/**
 * An Envoy that reads its listener from a file. `replaced`: each update replaces the whole listener; otherwise its
 * filter chains in place.
 */
async function start(access: object, replaced: boolean): Promise<UpdatedEnvoy> {
  const folder = mkdtempSync(join(tmpdir(), "mcp-proxy-wasm-updates-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "listeners.json");
  let shipped: Listener;
  let version = 0;
  const write = (policy: object | null) => {
    version++;
    // A change outside of the filter chains prevents Envoy from an update in place.
    const changed = { per_connection_buffer_limit_bytes: 1_048_576 + (replaced ? version : 0) };
    const listener = guardedListener(
      shipped,
      "mcp",
      policy ? { access: policy, listener: changed } : { listener: changed },
    );
    const resource = { "@type": "type.googleapis.com/envoy.config.listener.v3.Listener", ...listener };
    writeFileSync(`${file}.new`, JSON.stringify({ version_info: String(version), resources: [resource] }));
    renameSync(`${file}.new`, file);
  };
  const vary = (config: string) => {
    const bootstrap = JSON.parse(config) as { static_resources: { listeners?: Listener[] } };
    shipped = bootstrap.static_resources.listeners![0];
    delete bootstrap.static_resources.listeners;
    write(access);
    const lds_config = { resource_api_version: "V3", path_config_source: { path: file } };
    return JSON.stringify({
      ...bootstrap,
      node: { id: "test", cluster: "test" },
      dynamic_resources: { lds_config },
    });
  };
  const envoy = keep(await startEnvoy({ upstream: recorder, concurrency: 2, vary }));
  const stat = async (name: string) => {
    const text = await (await fetch(`${envoy.adminUrl}/stats?filter=${name}`)).text();
    return Number(/: (\d+)/.exec(text)?.[1] ?? 0);
  };
  const push = async (policy: object | null) => {
    const how = replaced ? "listener_manager.listener_modified" : "listener_manager.listener_in_place_updated";
    const before = await stat(how);
    write(policy);
    await until(async () => (await stat(how)) > before, `update ${version}: ${envoy.log().slice(-2000)}`);
    await until(async () => (await stat("listener_manager.total_listeners_warming")) === 0, "a listener warms");
  };
  return { ...envoy, push };
}

interface Called {
  tool: string;
  mark: string;
  isAllowed: boolean;
  /** The client's port, which identifies the connection. */
  port: number;
  begunAt: number;
}

/** Calls a tool on a connection of the agent. */
function callTool(url: string, tool: string, agent: Agent): Promise<Called> {
  const mark = `mark-${++marks}-end`;
  const begunAt = performance.now();
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/mcp`, { method: "POST", headers: mcp.LEGACY, agent }, (answer) => {
      const port = answer.socket.localPort!;
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk: string) => (text += chunk));
      answer.on("error", reject);
      answer.on("end", () => resolve({ tool, mark, isAllowed: !text.includes('"error"'), port, begunAt }));
    });
    sent.on("error", reject);
    sent.end(call(tool, mark));
  });
}

/** Calls that continue, one after the other on each of several connections that stay open. */
class Load {
  readonly calls: Called[] = [];
  readonly failures: unknown[] = [];
  readonly #agents = PAUSES.map(() => new Agent({ keepAlive: true, maxSockets: 1 }));
  readonly #running: Promise<void>[];
  #isStopped = false;

  constructor(url: string) {
    this.#running = this.#agents.map((agent, index) => this.#run(url, agent, PAUSES[index]));
  }

  async #run(url: string, agent: Agent, pause: number): Promise<void> {
    for (let i = 0; !this.#isStopped; i++) {
      try {
        this.calls.push(await callTool(url, TOOLS[i % TOOLS.length], agent));
      } catch (error) {
        this.failures.push(error);
      }
      await sleep(pause);
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#running);
    for (const agent of this.#agents) agent.destroy();
  }
}

describe.each([
  ["in place (Consul, Kuma)", false],
  ["of the whole listener", true],
])("a policy that changes under load by an update %s", (_how, replaced) => {
  it("holds on connections that were open before, and on new ones", { timeout: 180_000 }, async () => {
    const envoy = await start(BOTH, replaced);
    const load = new Load(envoy.proxyUrl);
    const allowedSince = (time: number) => [
      ...new Set(load.calls.filter(({ begunAt, isAllowed }) => begunAt >= time && isAllowed).map(({ tool }) => tool)),
    ];
    const onNewConnections = async () => {
      const agent = new Agent({ keepAlive: false });
      const calls = await Promise.all(
        TOOLS.flatMap((tool) => [0, 1, 2, 3].map(() => callTool(envoy.proxyUrl, tool, agent))),
      );
      return TOOLS.filter((tool) => calls.some((each) => each.tool === tool && each.isAllowed));
    };
    await until(() => Promise.resolve(load.calls.length > 200), "the load begins");
    expect(await onNewConnections()).toEqual(TOOLS);
    const ports = new Set(load.calls.map(({ port }) => port));

    // What may be called on new connections, and on those that the first policy's chain still serves.
    const updates: [access: object | null, onNew: string[], onKept: string[]][] = [
      [WEATHER, [ALLOWED], [ALLOWED]],
      [null, TOOLS, TOOLS],
      [CARD, [FORBIDDEN], [FORBIDDEN]],
      [allowing("nothing"), [], []],
    ];
    for (const [access, onNew, onKept] of updates) {
      await envoy.push(access);
      await sleep(SETTLING_MS);
      const since = performance.now();
      expect(await onNewConnections()).toEqual(onNew);
      await sleep(1000);
      // Each tool has been called since on a connection to the first policy's filter chain.
      const sinceThen = () => load.calls.filter(({ begunAt, port }) => begunAt >= since && ports.has(port));
      const isEachCalled = () => TOOLS.every((tool) => sinceThen().some((each) => each.tool === tool));
      await until(() => Promise.resolve(isEachCalled()), "calls on connections that drain");
      expect(allowedSince(since).sort()).toEqual([...onKept].sort());
    }
    await load.stop();
    expect(load.failures).toEqual([]);
    const received = new Set(recorder.requests.flatMap(({ body }) => /mark-\d+-end/.exec(body) ?? []));
    expect(load.calls.filter(({ mark, isAllowed }) => received.has(mark) !== isAllowed)).toEqual([]);
    expect(envoy.log()).toContain('"rule":"_default"');
    expect(await newerDenials(envoy)).toBeGreaterThan(0);
  });
});

it("a policy that comes back while it drains, without a call, holds once a new connection has proved it", async () => {
  const envoy = await start(WEATHER, false);
  const kept = new Agent({ keepAlive: true, maxSockets: 1 });
  const fresh = new Agent({ keepAlive: false });
  const allows = async (agent: Agent) => {
    const calls: Called[] = [];
    for (const tool of TOOLS) calls.push(await callTool(envoy.proxyUrl, tool, agent));
    return calls.filter(({ isAllowed }) => isAllowed).map(({ tool }) => tool);
  };
  expect(await allows(kept)).toEqual([ALLOWED]);
  await sleep(SETTLING_MS);
  await envoy.push(CARD);
  await expect.poll(() => allows(fresh), { timeout: 20_000 }).toEqual([FORBIDDEN]);
  await expect.poll(() => allows(kept), { timeout: 20_000 }).toEqual([]);
  await sleep(SETTLING_MS + 1000);
  await envoy.push(WEATHER);
  await expect.poll(() => allows(fresh), { timeout: 30_000, interval: 500 }).toEqual([ALLOWED]);
  await expect.poll(() => allows(kept), { timeout: 20_000 }).toEqual([ALLOWED]);
  await expect.poll(() => gauge(envoy, "mcp_access_outdated"), { timeout: 20_000 }).toBe(1);
  expect(await gauge(envoy, "mcp_access_policy")).toBe(1);
  expect(await gauge(envoy, "mcp_access_rules")).toBe(1);
  kept.destroy();
});

async function newerDenials(envoy: Envoy): Promise<number> {
  const decisions = (await readMetrics(envoy)).filter(({ name }) => name === "mcp_access_decisions_total");
  const newer = decisions.filter(({ labels }) => labels.mcp_access_rule === "_newer");
  return newer.reduce((sum, { value }) => sum + value, 0);
}

/** The value of a gauge; for a gauge with modes, that of enforced policies. */
async function gauge(envoy: Envoy, name: string): Promise<number | undefined> {
  const found = (await readMetrics(envoy)).filter((metric) => metric.name === name);
  return found.find(({ labels }) => (labels.mcp_access_mode ?? "enforce") === "enforce")?.value;
}
