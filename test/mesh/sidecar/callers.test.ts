/** Who may call behind NGINX: the sidecar decides by what the edge says, and by nothing that a caller writes. */
import { Agent } from "undici";
import { beforeAll, describe, expect, it } from "vitest";
import type { Envoy } from "../../../scripts/envoy/process.ts";
import { CLIENT_KINDS, connectClient } from "../../../scripts/demo/client.ts";
import { type FixtureServer, startFixtureServer } from "../../../scripts/demo/servers/fixture-server.ts";
import { fetchBy } from "../../access/tls-client.ts";
import { hasComponent } from "../../components.ts";
import { endsAfterAll } from "../../envoy/cleanup.ts";
import * as mcp from "../../envoy/mcp-messages.ts";
import { freePort } from "../../envoy/sessions/free-port.ts";
import { INSTALL_NGINX } from "./nginx.ts";
import { readShipped } from "../shipped.ts";
import { callerOf, type Caller, type Edge, type Files, makeFiles, startEdge, startSidecar } from "./setup.ts";

describe.runIf(hasComponent("nginx", INSTALL_NGINX))("callers behind NGINX", () => {
  const keep = endsAfterAll();
  let files: Files;
  let fixture: FixtureServer;
  let alice: Caller;
  let guest: string;
  let envoy: Envoy;
  let edge: Edge;
  let port: number;

  beforeAll(async () => {
    files = keep(makeFiles());
    fixture = keep(await startFixtureServer());
    alice = keep(callerOf(files, files.key));
    guest = files.addCaller("guest", "spiffe://mcp.example/guest/bob");
    port = await freePort();
    envoy = keep(await startSidecar(files, fixture, port));
    edge = keep(await startEdge(files, [port]));
  });

  it("the README's command shows a call", async () => {
    const client = await connectClient("sdk1", `${edge.url}/mcp`, "sdk1", alice.fetch);
    await client.callTool("get_weather", { city: "Oslo" });
    await client.close();
    const shown = /^```text\n(mcp_.*)$/m.exec(readShipped("sidecar/README.md"))![1];
    await expect.poll(async () => (await envoy.stats()).split("\n")).toContain(shown);
  });

  it.each(CLIENT_KINDS)("a user can do what the policy allows: %s", async (kind) => {
    const client = await connectClient(kind, `${edge.url}/mcp`, kind, alice.fetch);
    const tools = await client.listTools();
    expect(tools).toContain("get_weather");
    expect(tools).not.toContain("charge_card");
    await client.callTool("get_weather", { city: "Oslo" });
    await expect(client.callTool("charge_card")).rejects.toMatchObject({ code: 403, data: { rule: "_default" } });
    await client.close();
  });

  it("another caller can only shake hands, whatever it writes into headers", async () => {
    const forged = "URI=spiffe://mcp.example/user/alice";
    const caller = keep(callerOf(files, guest, { "x-forwarded-client-cert": forged, x_forwarded_client_cert: forged }));
    const client = await connectClient("sdk1", `${edge.url}/mcp`, "sdk1", caller.fetch);
    await expect(client.listTools()).rejects.toMatchObject({ code: 403, data: { rule: "_default" } });
    await client.close();
  });

  it("without a known key, the edge answers, and the sidecar sees nothing", async () => {
    const requests = async () => /^envoy_http_downstream_rq_total\{.*"mcp"\} (\d+)$/m.exec(await envoy.stats())?.[1];
    const before = await requests();
    const stranger = keep(callerOf(files, "unknown"));
    const answer = await stranger.fetch(`${edge.url}/mcp`, initialize());
    expect([answer.status, answer.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
    // A page's preflight request is no exception.
    expect((await stranger.fetch(`${edge.url}/mcp`, { method: "OPTIONS" })).status).toBe(401);
    expect(before).toBeDefined();
    expect(await requests()).toBe(before);
  });

  it.each<[what: string, name: string | undefined]>([
    ["no certificate", undefined],
    ["a certificate of the authority for another name", "public"],
  ])("%s: no connection to the sidecar", async (_, name) => {
    await expect(direct(name)).rejects.toThrow();
  });

  it("the edge's certificate connects", async () => {
    expect(await direct("edge")).toBe(200);
  });

  /** Sends a client's first message to the sidecar, past the edge. Resolves to the status. */
  async function direct(name: string | undefined): Promise<number> {
    const identity = name === undefined ? {} : files.identity(name);
    const dispatcher = new Agent({ connect: { ca: files.ca, servername: "sidecar.mcp.example", ...identity } });
    try {
      const answer = await fetchBy(dispatcher)(`https://127.0.0.1:${port}/mcp`, initialize());
      await answer.text();
      return answer.status;
    } finally {
      await dispatcher.destroy();
    }
  }
});

function initialize(): RequestInit {
  const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "raw", version: "1" } };
  return { method: "POST", headers: mcp.LEGACY, body: mcp.request(1, "initialize", params) };
}
