/** Behind NGINX, the sidecar counts what clients do, and nothing else. */
import { setTimeout as sleep } from "node:timers/promises";
import { McpServer } from "@modelcontextprotocol/server";
import { beforeAll, describe, expect, it } from "vitest";
import { type ClientKind, connectClient } from "../../../scripts/demo/client.ts";
import { listen, serveBothEras } from "../../../scripts/demo/servers/eras.ts";
import { type FixtureServer, startFixtureServer } from "../../../scripts/demo/servers/fixture-server.ts";
import { hasComponent } from "../../components.ts";
import { endsAfterAll } from "../../envoy/cleanup.ts";
import { countersOf, readMetrics, series } from "../../envoy/prometheus.ts";
import { Recording } from "../../envoy/recording.ts";
import { freePort } from "../../envoy/sessions/free-port.ts";
import { MemoryEventStore } from "../../fixtures/servers/conformance/event-store.ts";
import { INSTALL_NGINX } from "./nginx.ts";
import { callerOf, type Caller, type Files, makeFiles, startEdge, startSidecar } from "./setup.ts";
import { expectTruth, runClients } from "../traffic.ts";

const SERIES = { mcp_role: "server", mcp_server: "mcp_upstream" };

const calls = (tool: string, outcome: string) =>
  series("mcp_operations_total", { mcp_method_name: "tools/call", gen_ai_tool_name: tool, mcp_outcome: outcome });

describe.runIf(hasComponent("nginx", INSTALL_NGINX))("statistics behind NGINX", () => {
  const keep = endsAfterAll();
  let files: Files;
  let fixture: FixtureServer;
  let alice: Caller;

  beforeAll(async () => {
    files = keep(makeFiles());
    fixture = keep(await startFixtureServer());
    alice = keep(callerOf(files, files.key));
  });

  it("equal what clients of every SDK and era saw, and no message is lost or repeated", async () => {
    const port = await freePort();
    const envoy = keep(await startSidecar(files, fixture, port, {}));
    const edge = keep(await startEdge(files, [port]));
    const recording = await runClients(edge.url, new Recording(alice.fetch));
    await expectTruth(envoy, recording, [SERIES]);
  });

  it("clients resume their streams", async () => {
    const legacy = { eventStore: new MemoryEventStore(), retryInterval: 40 };
    const serve = serveBothEras(createPolledServer, { legacy });
    const polled = keep(await listen(() => serve));
    const port = await freePort();
    const envoy = keep(await startSidecar(files, polled, port, {}));
    const edge = keep(await startEdge(files, [port]));
    const kinds: ClientKind[] = ["sdk1", "sdk2-legacy"];
    for (const kind of kinds) {
      const client = await connectClient(kind, `${edge.url}/mcp`, kind, alice.fetch);
      await client.listTools();
      for (let call = 0; call < 3; call++) expect(await client.callTool("poll")).toEqual({ isError: false });
      await client.close();
    }
    const counted = async () => countersOf(await readMetrics(envoy))[calls("poll", "ok")];
    await expect.poll(counted).toBe(6);
  });
});

/** Its tool closes the stream on which it was called, before it answers. */
function createPolledServer(): McpServer {
  const server = new McpServer({ name: "polled", version: "1.0.0" });
  server.registerTool("poll", {}, async ({ http }) => {
    http?.closeSSE?.();
    await sleep(250);
    return { content: [{ type: "text", text: "Answered elsewhere" }] };
  });
  return server;
}
