/** A caller that opens more sessions than the store holds evicts its own sessions only. */
import { beforeAll, describe, expect, it } from "vitest";
import { type Envoy, startEnvoy } from "../../../scripts/envoy/process.ts";
import { endsAfterAll } from "../cleanup.ts";
import { Load, type Post } from "../load.ts";
import * as mcp from "../mcp-messages.ts";
import { type Metric, readMetrics } from "../prometheus.ts";
import { SessionServer } from "./session-server.ts";

const CAP = 100;
const CALLERS = 20;
const FLOOD = 2_000;
/** Windows that a caller may have by the names of its software, and the one that all further names share. */
const WINDOWS = 16;
const POLL = { timeout: 30_000, interval: 500 };

// Linux has all of 127.0.0.0/8 as addresses of its own.
describe.runIf(process.platform === "linux")("one caller among many", { timeout: 120_000 }, () => {
  const keep = endsAfterAll();
  let server: SessionServer;
  let envoy: Envoy;

  beforeAll(async () => {
    server = keep(await SessionServer.start());
    const pluginConfig = JSON.stringify({ sessions: { max: CAP } });
    envoy = keep(await startEnvoy({ upstream: server, concurrency: 2, pluginConfig }));
    for (let i = 0; i < CALLERS; i++) {
      const load = keep(new Load(envoy.proxyUrl, `127.0.0.${i + 10}`, 1));
      await load.run(1, () => (i % 2 ? initialize("quiet") : modern("quiet")));
    }
  });

  function initialize(name: string): Post {
    const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name, version: "1" } };
    return { path: server.path, headers: mcp.LEGACY, body: mcp.request(1, "initialize", params) };
  }

  function modern(name: string): Post {
    const _meta = {
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientInfo": { name, version: "1" },
    };
    return { path: server.path, headers: mcp.MODERN, body: mcp.request(1, "ping", { _meta }) };
  }

  async function sum(matches: (metric: Metric) => boolean): Promise<number> {
    return (await readMetrics(envoy)).filter(matches).reduce((total, { value }) => total + value, 0);
  }

  /** The live sessions of a client. */
  function active(client: string): Promise<number> {
    return sum(({ name, labels }) => name === "mcp_sessions_active" && labels.mcp_client_name === client);
  }

  it("that invents names of its software has a few windows, and evicts nobody", async () => {
    await expect.poll(() => active("quiet"), POLL).toBe(CALLERS);
    const load = keep(new Load(envoy.proxyUrl, "127.0.0.2"));
    await load.run(FLOOD, (index) => modern(`invented ${index}`));
    await expect.poll(() => sum(({ name }) => name === "mcp_sessions_active"), POLL).toBe(CALLERS + WINDOWS);
    expect(await active("quiet")).toBe(CALLERS);
    expect(await sum(({ name }) => name === "mcp_store_evictions_total")).toBe(0);
  });

  it("that initializes again and again evicts its own sessions", async () => {
    const load = keep(new Load(envoy.proxyUrl, "127.0.0.3"));
    await load.run(FLOOD, () => initialize("flood"));
    const isActive = ({ name }: Metric) => name === "mcp_sessions_active";
    await expect.poll(() => sum(isActive), POLL).toBeLessThanOrEqual(CAP * 1.05);
    await expect.poll(() => active("flood"), POLL).toBeGreaterThan(0);
    expect(await sum(isActive)).toBe(CAP);
    expect(await active("quiet")).toBe(CALLERS);
    const evicted = await sum(({ name }) => name === "mcp_store_evictions_total");
    expect(evicted).toBe(FLOOD + CALLERS + WINDOWS - CAP);
  });
});
