/** Bridges between stdio and HTTP: what they bridge is the same through Envoy, and every number is what a tap recorded. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import { effort } from "../effort.ts";
import { type Bridge, clientBridge, startServerBridge } from "../fixtures/bridges.ts";
import { type ClientKind, connectClient, connectStdio } from "../../scripts/demo/client.ts";
import { takeSteps } from "../fixtures/clients/steps.ts";
import { hasPython } from "../fixtures/python.ts";
import { buildSdk, hasSdk, runSdkClient, type SdkTransport, startSdkServer } from "../fixtures/sdks.ts";
import { startFixtureServer } from "../../scripts/demo/servers/fixture-server.ts";
import { endsAfterAll } from "./cleanup.ts";
import { expectSame } from "./tapped.ts";

const INSTALL_MS = 600_000;
const HAS_GO = hasSdk("go-sdk");
const isPossible = (bridge: Bridge) => bridge !== "mcp-proxy (PyPI)" || HAS_PYTHON;
const HAS_PYTHON = effort(false, true) && (await hasPython());

interface Running {
  host: string;
  port: number;
}

/** Bridges of an agent that speaks stdio alone. */
type ClientBridge = Exclude<Bridge, "mcp-proxy">;

const CLIENT_SIDE = effort<ClientBridge[]>(["mcp-remote"], ["mcp-remote", "supergateway", "mcp-proxy (PyPI)"])
  .filter(isPossible)
  .flatMap((bridge) => [
    { bridge, server: "our fixture server", transport: "http" as const },
    ...(HAS_GO
      ? [
          { bridge, server: "go-sdk", transport: "http" as const },
          { bridge, server: "go-sdk", transport: "sse" as const },
        ]
      : []),
  ]);

/** Bridges of a server that speaks stdio alone. */
interface Serving {
  bridge: Exclude<Bridge, "mcp-remote">;
  transport: SdkTransport;
  options: string[];
  client: ClientKind | "go-sdk";
  /** The newest that the client asks for. */
  revision: string;
}

const serving = (
  bridge: Serving["bridge"],
  transport: SdkTransport,
  options: string[],
  clients: Serving["client"][],
): Serving[] =>
  clients.map((client) => {
    const revision = client === "sdk2-modern" ? "2026-07-28" : "2025-11-25";
    return { bridge, transport, options, client, revision };
  });

const SERVER_SIDE = effort<Serving[]>(
  [],
  [
    ...serving("supergateway", "http", ["--stateful"], ["sdk1", "go-sdk"]),
    ...serving("supergateway", "sse", [], ["sdk1-sse", "go-sdk"]),
    ...serving("mcp-proxy", "http", [], ["sdk1", "sdk2-modern", "go-sdk"]),
    ...serving("mcp-proxy", "sse", [], ["sdk1-sse", "go-sdk"]),
    ...serving("mcp-proxy (PyPI)", "http", [], ["sdk1", "go-sdk"]),
    ...serving("mcp-proxy (PyPI)", "sse", [], ["sdk1-sse", "go-sdk"]),
  ],
).filter(({ bridge }) => HAS_GO && isPossible(bridge));

describe("an agent's bridge", { timeout: INSTALL_MS }, () => {
  const keep = endsAfterAll();
  const servers = new Map<string, Running>();
  let home: string;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), "mcp-bridges-"));
    servers.set("our fixture server", keep(await startFixtureServer()));
    if (HAS_GO) servers.set("go-sdk", keep(await startSdkServer("go-sdk")));
  }, INSTALL_MS);
  afterAll(() => rm(home, { recursive: true, force: true }));

  it.concurrent.for(CLIENT_SIDE)("$bridge → $server, $transport", async ({ bridge, server, transport }, { expect }) => {
    const path = transport === "sse" ? "/sse" : "/mcp";
    const run = async (origin: string) => {
      const command = await clientBridge(bridge, transport, `${origin}${path}`);
      // What they keep of servers is not to outlive the test, nor is a browser to open.
      const env = { PATH: process.env.PATH!, HOME: home, MCP_REMOTE_CONFIG_DIR: home, BROWSER: "none" };
      return takeSteps(await connectStdio(command, env, () => "It is sunny."), true);
    };
    // supergateway's GET accepts anything: only its path tells what it is.
    const pluginConfig = JSON.stringify(bridge === "supergateway" ? { match: { paths: [path] } } : {});
    await expectSame(expect, servers.get(server)!, run, { pluginConfig });
  });
});

describe.runIf(SERVER_SIDE.length > 0)("a server's bridge", { timeout: INSTALL_MS }, () => {
  it.concurrent.for(SERVER_SIDE)("$client → $bridge, $transport", async (pair, { expect }) => {
    const { bridge, transport, options, client, revision } = pair;
    const [program] = await buildSdk("go-sdk");
    const start = () => startServerBridge(bridge, transport, [program, "stdio"], options);
    const [upstream, another] = [await start(), await start()];
    const path = transport === "sse" ? "/sse" : "/mcp";
    try {
      const run = async (origin: string) => {
        const url = `${origin}${path}`;
        if (client === "go-sdk") return (await runSdkClient(client, transport, url, revision)).seen;
        const connected = await connectClient(client, url, client, undefined, () => "It is sunny.");
        return takeSteps(connected, client !== "sdk2-modern");
      };
      await expectSame(expect, upstream, run, { another });
    } finally {
      await upstream.close();
      await another.close();
    }
  });
});
