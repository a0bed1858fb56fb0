/** SDKs of other languages: clients see through Envoy what they see without it, and every number is what a tap recorded. */
import { describe, it } from "vitest";
import { effort } from "../effort.ts";
import { type ClientKind, connectClient } from "../../scripts/demo/client.ts";
import { takeSteps } from "../fixtures/clients/steps.ts";
import { hasSdk, runSdkClient, type Sdk, type SdkTransport, startSdkServer } from "../fixtures/sdks.ts";
import { startFixtureServer } from "../../scripts/demo/servers/fixture-server.ts";
import { createProtocolServer } from "../../scripts/demo/servers/protocol.ts";
import { startSseServer } from "../fixtures/servers/sse-server.ts";
import { endsAfterAll } from "./cleanup.ts";
import { expectSame } from "./tapped.ts";
import { listedNames, messagesOf } from "./wire.ts";

const BUILD_MS = 900_000;
const LEGACY = "2025-11-25";
const MODERN = "2026-07-28";

/** Of other languages, or the two SDKs of TypeScript. */
type Party = Sdk | "sdk1" | "sdk2";

interface Endpoint {
  kind: "sessions" | "stateless" | "fallback" | "HTTP+SSE";
  transport: SdkTransport;
  path: string;
  /** The newest revision that clients are to ask for. */
  revision: string;
}

const SESSIONS: Endpoint = { kind: "sessions", transport: "http", path: "/mcp", revision: LEGACY };
const STATELESS: Endpoint = { kind: "stateless", transport: "http", path: "/mcp", revision: MODERN };
const HTTP_SSE: Endpoint = { kind: "HTTP+SSE", transport: "sse", path: "/sse", revision: LEGACY };

/** Clients ask for the newest revision first, and fall back to a session. */
const FALLBACK: Endpoint = { kind: "fallback", transport: "http", path: "/mcp", revision: MODERN };

const SERVERS: Record<Party, Endpoint[]> = {
  "go-sdk": [SESSIONS, { ...STATELESS, path: "/stateless" }, FALLBACK, HTTP_SSE],
  "mcp-go": [SESSIONS, STATELESS, HTTP_SSE],
  rmcp: [SESSIONS, STATELESS],
  "java-sdk": [SESSIONS, FALLBACK, HTTP_SSE],
  sdk1: [HTTP_SSE],
  sdk2: [SESSIONS, STATELESS],
};

const CLIENTS: Record<Party, Endpoint[]> = {
  "go-sdk": [SESSIONS, STATELESS, FALLBACK, HTTP_SSE],
  "mcp-go": [SESSIONS, STATELESS, FALLBACK, HTTP_SSE],
  rmcp: [SESSIONS, STATELESS, FALLBACK],
  "java-sdk": [SESSIONS, HTTP_SSE],
  sdk1: [SESSIONS, HTTP_SSE],
  sdk2: [SESSIONS, STATELESS],
};

/** Pairs that do not work without Envoy either, or whose clients differ from run to run. */
const EXCLUDED = new Set([
  // These two clients fail where a server answers `server/discover` with older revisions alone.
  "rmcp → go-sdk, fallback",
  "mcp-go → go-sdk, fallback",
  // The client waits for the end of a stream that the server leaves open.
  "java-sdk → go-sdk, sessions",
  // The server holds each POST until its handler ends, and this client closes what it cancels.
  "java-sdk → java-sdk, HTTP+SSE",
  // The server refuses a cancellation of 2026-07-28, which sometimes ends the client.
  "go-sdk → mcp-go, stateless",
]);

const PARTIES = effort<Party[]>(["go-sdk", "sdk1", "sdk2"], ["go-sdk", "mcp-go", "rmcp", "java-sdk", "sdk1", "sdk2"]);
const CAN_RUN = PARTIES.filter((party) => isTypeScript(party) || hasSdk(party));

const PAIRS = CAN_RUN.flatMap((client) =>
  CAN_RUN.flatMap((server) =>
    SERVERS[server]
      .filter(({ kind }) => CLIENTS[client].some((spoken) => spoken.kind === kind))
      .map((endpoint) => ({ client, server, ...endpoint })),
  ),
).filter(
  ({ client, server, kind }) =>
    // Those of TypeScript alone have tests of their own.
    (!isTypeScript(client) || !isTypeScript(server)) && !EXCLUDED.has(`${client} → ${server}, ${kind}`),
);

interface Running {
  host: string;
  port: number;
  close(): Promise<void>;
}

describe("each client with each server", { timeout: BUILD_MS }, () => {
  const keep = endsAfterAll();
  const servers = new Map<string, Promise<Running>>();

  /** One server for all its clients. */
  const serverOf = (party: Party, transport: SdkTransport): Promise<Running> => {
    const key = isTypeScript(party) ? `${party} ${transport}` : party;
    const started = servers.get(key) ?? start(party, transport).then(keep);
    servers.set(key, started);
    return started;
  };

  it.concurrent.for(PAIRS)("$client → $server, $kind", async (pair, { expect }) => {
    const upstream = await serverOf(pair.server, pair.transport);
    const exchanges = await expectSame(expect, upstream, (origin) => run(pair.client, pair, `${origin}${pair.path}`));
    const messages = exchanges.flatMap(messagesOf);
    expect(messages.filter((text) => text.includes("notifications/progress"))).not.toEqual([]);
    expect(exchanges.flatMap(listedNames)).toContain("get_weather");
  });
});

function isTypeScript(party: Party): party is "sdk1" | "sdk2" {
  return party === "sdk1" || party === "sdk2";
}

function start(party: Party, transport: SdkTransport): Promise<Running> {
  if (!isTypeScript(party)) return startSdkServer(party);
  return transport === "sse" ? startSseServer(() => createProtocolServer()) : startFixtureServer();
}

async function run(client: Party, { transport, revision }: Endpoint, url: string): Promise<unknown[]> {
  if (!isTypeScript(client)) return (await runSdkClient(client, transport, url, revision)).seen;
  const connected = await connectClient(
    kindOf(client, transport, revision),
    url,
    client,
    undefined,
    () => "It is sunny.",
  );
  return takeSteps(connected, revision < MODERN);
}

function kindOf(party: "sdk1" | "sdk2", transport: SdkTransport, revision: string): ClientKind {
  if (party === "sdk1") return transport === "sse" ? "sdk1-sse" : "sdk1";
  return revision === MODERN ? "sdk2-modern" : "sdk2-legacy";
}
