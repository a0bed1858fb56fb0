/** Sessions behind NGINX: several sidecars, and sidecars that end. */
import { beforeAll, describe, expect, it } from "vitest";
import type { Envoy } from "../../../scripts/envoy/process.ts";
import { startFixtureServer } from "../../../scripts/demo/servers/fixture-server.ts";
import { hasComponent } from "../../components.ts";
import { endsAfterAll } from "../../envoy/cleanup.ts";
import * as mcp from "../../envoy/mcp-messages.ts";
import { countersOf, readMetrics, series } from "../../envoy/prometheus.ts";
import { freePort } from "../../envoy/sessions/free-port.ts";
import { RawSession } from "../../envoy/sessions/raw-session.ts";
import { INSTALL_NGINX } from "./nginx.ts";
import { callerOf, type Caller, type Edge, type Files, makeFiles, startEdge, startSidecar } from "./setup.ts";

/** So many that neither of two sidecars gets all of them by chance. */
const AGENTS = 20;

const calls = (tool: string, outcome: string) =>
  series("mcp_operations_total", { mcp_method_name: "tools/call", gen_ai_tool_name: tool, mcp_outcome: outcome });

describe.runIf(hasComponent("nginx", INSTALL_NGINX))("sessions behind NGINX", () => {
  const keep = endsAfterAll();
  let files: Files;
  let alice: Caller;
  const ports: number[] = [];
  const envoys: Envoy[] = [];

  beforeAll(async () => {
    files = keep(makeFiles());
    alice = keep(callerOf(files, files.key));
    for (let index = 0; index < 2; index++) {
      const server = keep(await startFixtureServer());
      ports.push(await freePort());
      envoys.push(keep(await startSidecar(files, server, ports[index], {})));
    }
    for (let index = 0; index < AGENTS; index++) {
      files.addCaller(`agent-${index}`, `spiffe://mcp.example/user/agent-${index}`);
    }
  });

  /** The statuses of one tool call in a session of each agent. */
  async function callInSessions(edge: Edge): Promise<number[]> {
    const statuses: number[] = [];
    for (let index = 0; index < AGENTS; index++) {
      const { fetch } = keep(callerOf(files, `key-of-agent-${index}`));
      const session = await new RawSession(`${edge.url}/mcp`, fetch, "raw").open();
      statuses.push(await session.call("get_weather"));
      if (statuses.at(-1) === 200) await session.remove();
    }
    return statuses;
  }

  /** The number of sessions that began at each sidecar. */
  const initialized = () => {
    const key = series("mcp_operations_total", { mcp_method_name: "initialize", mcp_outcome: "ok" });
    return Promise.all(envoys.map(async (envoy) => countersOf(await readMetrics(envoy))[key] ?? 0));
  };

  it("with two sidecars, each caller's sessions stay where they began", async () => {
    const edge = keep(await startEdge(files, ports));
    expect(await callInSessions(edge)).toEqual(Array(AGENTS).fill(200));
    const [first, second] = await initialized();
    expect([first + second, first > 0, second > 0]).toEqual([AGENTS, true, true]);
  });

  it("by the session's id they would not, because the first request has none", async () => {
    const byId = { "hash $mcp_principal consistent;": "hash $http_mcp_session_id consistent;" };
    const statuses = await callInSessions(keep(await startEdge(files, ports, byId)));
    expect(statuses).toContain(404);
  });

  it("a sidecar that restarts loses open streams and its counters, but no session", async () => {
    const port = await freePort();
    const server = keep(await startFixtureServer());
    const before = keep(await startSidecar(files, server, port, {}));
    const edge = keep(await startEdge(files, [port]));
    const session = await new RawSession(`${edge.url}/mcp`, alice.fetch, "raw").open();
    expect(await session.call("get_weather")).toBe(200);
    const open = alice.fetch(`${edge.url}/mcp`, {
      method: "POST",
      headers: { ...mcp.LEGACY, "mcp-session-id": session.id! },
      body: mcp.request(9, "tools/call", { name: "wait_for_approval", arguments: {}, _meta: { progressToken: 9 } }),
    });
    const stream = expect((await open).text()).rejects.toThrow();
    await before.stop();
    await stream;
    expect(await session.call("get_weather")).toBe(502);
    const after = keep(await startSidecar(files, server, port, {}));
    // NGINX tries a sidecar that failed again after 10 s at the latest; a single one at once.
    expect(await session.call("get_weather")).toBe(200);
    expect(await session.remove()).toBe(200);
    const { [calls("get_weather", "ok")]: seen } = countersOf(await readMetrics(after));
    expect(seen).toBe(1);
  });

  it("a caller whose sidecar is gone begins anew at the other", async () => {
    const edge = keep(await startEdge(files, ports));
    const before = await initialized();
    const session = await new RawSession(`${edge.url}/mcp`, alice.fetch, "raw").open();
    expect(await session.call("get_weather")).toBe(200);
    const home = (await initialized()).findIndex((count, index) => count > before[index]);
    await envoys[home].stop();
    expect(await session.call("get_weather")).toBe(404);
    await session.open();
    expect(await session.call("get_weather")).toBe(200);
  });
});
