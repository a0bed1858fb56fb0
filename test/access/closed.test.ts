/** Requests under a policy that cannot be read, is in shadow mode or needs no body; and bodies that always stream. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startEnvoy } from "../../scripts/envoy/process.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import * as mcp from "../envoy/mcp-messages.ts";
import { type Metric, readMetrics } from "../envoy/prometheus.ts";
import { exchange, headOf, readAnswer } from "../envoy/raw-http.ts";
import { ALLOWED, call, FORBIDDEN } from "./attack-list.ts";
import { type Guarded, guardedListener, type GuardedEnvoy, type Listener, startGuarded } from "./proxy.ts";
import { type Recorder, startRecorder } from "./recorder.ts";

const WEATHER = { name: "weather", action: "ALLOW", to: [{ operation: { tools: [ALLOWED] } }] };
const POLICY = { rules: [WEATHER] };
const UNKNOWN_FIELD = { rules: [{ ...WEATHER, form: [] }] };
const KIB = 1024;

let marks = 0;
const newMark = () => `mark-${++marks}-end`;

async function post(url: string, tool: string, headers: Record<string, string> = mcp.LEGACY) {
  const answer = await exchange(`${url}/mcp`, { headers, body: [call(tool, newMark())] });
  return { status: answer.status, body: answer.body.toString() };
}

const PASSED = { status: 200, body: mcp.result(1) };
const deniedBy = (rule: string) => ({ status: 200, body: expect.stringContaining(`"rule":"${rule}"`) as string });

describe("a policy that cannot be read", () => {
  const keep = endsAfterAll();
  let recorder: Recorder;

  beforeAll(async () => {
    recorder = keep(await startRecorder());
  });

  it("the last valid one stays active until another valid one arrives", async () => {
    const folder = mkdtempSync(join(tmpdir(), "mcp-proxy-wasm-access-"));
    afterAll(() => rmSync(folder, { recursive: true }));
    const file = join(folder, "listeners.json");
    let shipped: Listener;
    const write = (guarded: Guarded) => {
      const listener = guardedListener(shipped, "mcp", guarded);
      const resource = { "@type": "type.googleapis.com/envoy.config.listener.v3.Listener", ...listener };
      writeFileSync(`${file}.new`, JSON.stringify({ resources: [resource] }));
      renameSync(`${file}.new`, file);
    };
    const fromFile = (config: string) => {
      const bootstrap = JSON.parse(config) as { static_resources: { listeners?: Listener[] } };
      shipped = bootstrap.static_resources.listeners![0];
      delete bootstrap.static_resources.listeners;
      write({ access: POLICY });
      const lds_config = { resource_api_version: "V3", path_config_source: { path: file } };
      const node = { id: "test", cluster: "test" };
      return JSON.stringify({ ...bootstrap, node, dynamic_resources: { lds_config } });
    };
    const envoy = keep(await startEnvoy({ upstream: recorder, vary: fromFile }));
    expect(await post(envoy.proxyUrl, ALLOWED)).toEqual(PASSED);

    write({ access: UNKNOWN_FIELD });
    await expect.poll(() => valueOf(envoy, "mcp_configuration_invalid"), { timeout: 10_000 }).toBe(1);
    expect(await post(envoy.proxyUrl, ALLOWED)).toEqual(PASSED);
    expect(await post(envoy.proxyUrl, FORBIDDEN)).toEqual(deniedBy("_default"));

    write({ access: { ...POLICY, defaultAction: "ALLOW" } });
    await expect.poll(() => post(envoy.proxyUrl, FORBIDDEN), { timeout: 10_000 }).toEqual(PASSED);
    await expect.poll(() => valueOf(envoy, "mcp_configuration_invalid"), { timeout: 5000 }).toBe(0);
  });

  it.each<[what: string, guarded: Guarded]>([
    ["an unknown field", { access: UNKNOWN_FIELD }],
    ["a wrong action", { access: { rules: [{ ...WEATHER, action: "AUDIT" }] } }],
    ["a policy that is none", { access: "deny" }],
    ["no paths", { access: POLICY, plugin: { match: {} } }],
    ["another field", { access: POLICY, plugin: { sessions: { max: "many" } } }],
  ])("without an earlier one, only MCP is closed: %s", async (_what, guarded) => {
    const envoy = await startGuarded({ mcp: guarded }, { upstream: recorder, concurrency: 1 });
    try {
      const url = envoy.urlOf("mcp");
      expect(await post(url, ALLOWED)).toEqual(deniedBy("_closed"));
      const modern = { ...mcp.MODERN, "mcp-method": "tools/call", "mcp-name": ALLOWED };
      expect(await post(url, ALLOWED, modern)).toEqual(deniedBy("_closed"));
      const twice = { headers: mcp.LEGACY, body: [call(ALLOWED, newMark()).replace('"id"', '"method":"ping","id"')] };
      expect((await exchange(`${url}/mcp`, twice)).body.toString()).toContain('"reason":"duplicate_key"');
      const passing: [headers: Record<string, string>, body: string][] = [
        [{ "content-type": "text/plain" }, "hello"],
        [{ "content-type": "application/x-www-form-urlencoded" }, "a=1"],
        [{ ...mcp.JSON_TYPE, accept: mcp.LEGACY.accept }, '{"model":"m","stream":true,"messages":[]}'],
        [{}, ""],
      ];
      for (const [headers, body] of passing) {
        const answer = await exchange(`${url}/api`, { headers, body: [body] });
        expect([answer.status, String(answer.body)]).toEqual([200, mcp.result(1)]);
        expect(recorder.requests.at(-1).body).toBe(body);
      }
      expect((await exchange(`${url}/page`, { method: "GET" })).status).toBe(200);
    } finally {
      await envoy.stop();
    }
  });
});

describe("with a policy that can be read", () => {
  const keep = endsAfterAll();
  let recorder: Recorder;
  let envoy: GuardedEnvoy;

  const anyone = [{ source: { anonymous: true } }];
  const LISTENERS: Record<string, Guarded> = {
    statistics: {},
    shadow: { access: { ...POLICY, mode: "shadow" } },
    tried: {
      access: { defaultAction: "ALLOW", rules: [{ ...WEATHER, name: "tried", action: "DENY", mode: "shadow" }] },
    },
    bodyless: { access: { rules: [{ name: "anyone", action: "ALLOW", from: anyone }] } },
    deciding: { access: POLICY },
    "wrongly held": { access: { ...POLICY, holdHeaders: true } },
  };

  beforeAll(async () => {
    recorder = keep(await startRecorder());
    envoy = keep(await startGuarded(LISTENERS, { upstream: recorder, concurrency: 1 }));
  });

  /** Runs `run`, and returns the decisions that it added: by rule, action and mode. */
  async function decisionsOf(run: () => Promise<unknown>): Promise<Record<string, number>> {
    const before = decisions(await readMetrics(envoy));
    await run();
    const after = decisions(await readMetrics(envoy));
    const changes = Object.entries(after).map(([key, value]) => [key, value - (before[key] ?? 0)] as const);
    return Object.fromEntries(changes.filter(([, change]) => change > 0));
  }

  it("a policy in shadow mode passes everything, and counts what it would deny", async () => {
    const added = await decisionsOf(async () => {
      expect(await post(envoy.urlOf("shadow"), ALLOWED)).toEqual(PASSED);
      expect(await post(envoy.urlOf("shadow"), FORBIDDEN)).toEqual(PASSED);
      const twice = { headers: mcp.LEGACY, body: [call(FORBIDDEN, newMark()).replace('"id"', '"method":"ping","id"')] };
      expect((await exchange(`${envoy.urlOf("shadow")}/mcp`, twice)).body.toString()).toBe(mcp.result(1));
    });
    expect(added).toEqual({ "weather allow shadow": 1, "_default deny shadow": 1, "_refused deny shadow": 1 });
    expect(envoy.log()).toContain('"event":"mcp_access_denied","mode":"shadow","rule":"_default"');
  });

  it("a rule in shadow mode changes nothing, and is counted", async () => {
    const added = await decisionsOf(async () => {
      expect(await post(envoy.urlOf("tried"), ALLOWED)).toEqual(PASSED);
      expect(await post(envoy.urlOf("tried"), FORBIDDEN)).toEqual(PASSED);
    });
    expect(added).toEqual({ "_default allow enforce": 2, "tried deny shadow": 1 });
  });

  it.each([
    ["statistics", "streams"],
    ["shadow", "streams"],
    ["bodyless", "streams"],
    ["deciding", "waits"],
  ])("a slow upload, %s: %s", async (listener, how) => {
    const mark = newMark();
    const text = call(ALLOWED, mark + "x".repeat(100 * KIB));
    const upload = httpRequest(`${envoy.urlOf(listener)}/mcp`, { method: "POST", headers: mcp.LEGACY, agent: false });
    const answered = headOf(upload);
    upload.write(text.slice(0, 50 * KIB));
    await sleep(400);
    expect(recorder.seen(mark)).toBe(how === "streams" ? "body" : "nothing");
    upload.end(text.slice(50 * KIB));
    expect((await readAnswer(await answered)).body.toString()).toBe(mcp.result(1));
    expect(recorder.requests.at(-1).body).toBe(text);
  });

  it("headers that are held where Envoy does not allow it are answered, and counted", async () => {
    const added = await decisionsOf(async () => {
      const { status, body } = await post(envoy.urlOf("wrongly held"), ALLOWED);
      expect([status, body]).toEqual([503, expect.stringContaining('"reason":"no_body"')]);
    });
    expect(added).toEqual({ "_refused deny enforce": 1 });
  });
});

/** Decisions by rule, action and mode. */
function decisions(metrics: Metric[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { name, labels, value } of metrics) {
    if (name !== "mcp_access_decisions_total") continue;
    const key = `${labels.mcp_access_rule} ${labels.mcp_access_action} ${labels.mcp_access_mode}`;
    sums[key] = (sums[key] ?? 0) + value;
  }
  return sums;
}

async function valueOf(envoy: Parameters<typeof readMetrics>[0], name: string): Promise<number | undefined> {
  return (await readMetrics(envoy)).find((metric) => metric.name === name)?.value;
}
