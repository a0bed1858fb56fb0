/** Emissary: its Envoy at the edge, and in the server's pod an Envoy with the filter, which verifies the callers' tokens. */
import { randomUUID } from "node:crypto";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { beforeAll, describe, expect, it } from "vitest";
import { startEnvoy } from "../../scripts/envoy/process.ts";
import { connectClient, type Fetch } from "../../scripts/demo/client.ts";
import { type FixtureServer, startFixtureServer } from "../../scripts/demo/servers/fixture-server.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import * as mcp from "../envoy/mcp-messages.ts";
import { Recording } from "../envoy/recording.ts";
import { startUpstream } from "../envoy/upstream.ts";
import { edgeOf, type Mapping, readMappings } from "./emissary.ts";
import {
  EVERY_TOOL,
  expectTwoPages,
  LABELS,
  type PodBootstrap,
  type PodEnvoy,
  readWithoutAccess,
  sendWith,
  startPodEnvoy,
} from "./pods.ts";
import { expectTruth, runClients } from "./traffic.ts";

const keep = endsAfterAll();
let server: FixtureServer;
let jwks: string;
/** A token of the issuer for this audience. */
let tokenOf: (audience?: string) => Promise<string>;
/** A token with the same claims that somebody else signed. */
let forge: typeof tokenOf;

beforeAll(async () => {
  server = keep(await startFixtureServer());
  const [own, other] = [await generateKeyPair("ES256"), await generateKeyPair("ES256")];
  const signer =
    (key: CryptoKey): typeof tokenOf =>
    (audience = "https://mcp.example") =>
      new SignJWT({})
        .setProtectedHeader({ alg: "ES256", kid: "1" })
        .setIssuer("https://issuer.example")
        .setSubject("alice")
        .setAudience(audience)
        .setExpirationTime("1h")
        .sign(key);
  [tokenOf, forge] = [signer(own.privateKey), signer(other.privateKey)];
  jwks = JSON.stringify({ keys: [{ ...(await exportJWK(own.publicKey)), alg: "ES256", kid: "1" }] });
});

/** Gives `jwt_authn` the keys themselves, instead of the issuer's address. */
function withKeys({ static_resources: { listeners } }: PodBootstrap): void {
  const [filter] = listeners[0].filter_chains[0].filters[0].typed_config.http_filters;
  const { issuer } = (filter.typed_config as { providers: { issuer: Record<string, object> } }).providers;
  delete issuer.remote_jwks;
  issuer.local_jwks = { inline_string: jwks };
}

/** Starts an edge in front of a pod's Envoy. Resolves to the URL of the edge. */
async function startEdge(mappings: readonly Mapping[], pod: PodEnvoy): Promise<string> {
  const vary = () => JSON.stringify(edgeOf(mappings, [Number(new URL(pod.proxyUrl).port)]));
  return keep(await startEnvoy({ upstream: server, vary })).proxyUrl;
}

const bearer = (token: string) => sendWith({ authorization: `Bearer ${token}` });

it("counts what the clients did", async () => {
  const pod = keep(await startPodEnvoy("emissary", server, EVERY_TOOL, withKeys));
  // The clients use further paths.
  const [first] = readMappings();
  const edge = await startEdge([{ spec: { ...first.spec, prefix_exact: false } }], pod);
  const recording = await runClients(edge, new Recording(bearer(await tokenOf())));
  await expectTruth(pod, recording, [LABELS], readWithoutAccess);
});

describe("the policy", () => {
  let pod: PodEnvoy;
  let edge: string;

  beforeAll(async () => {
    pod = keep(await startPodEnvoy("emissary", server, {}, withKeys));
    edge = await startEdge(readMappings(), pod);
  });

  it("a user of the issuer reads", async () => {
    const client = await connectClient("sdk1", `${edge}/mcp`, "sdk1", bearer(await tokenOf()));
    const tools = await client.listTools();
    expect(tools).toContain("get_weather");
    expect(tools).not.toContain("charge_card");
    await client.callTool("get_weather", { city: "Oslo" });
    await expect(client.callTool("charge_card")).rejects.toMatchObject({ code: 403, data: { rule: "_default" } });
    await client.close();
  });

  it.each<{ what: string; tokenFor: () => Promise<string | undefined>; status: number }>([
    { what: "no token", tokenFor: () => Promise.resolve(undefined), status: 401 },
    { what: "a token that somebody else signed", tokenFor: () => forge(), status: 401 },
    { what: "a token for another service", tokenFor: () => tokenOf("https://x.example"), status: 403 },
  ])("$what: $status", async ({ tokenFor, status }) => {
    const token = await tokenFor();
    // What an AuthService might set.
    const forged = { "x-user": "alice", "l5d-client-id": "alice", "x-forwarded-client-cert": "URI=spiffe://alice" };
    const send = sendWith({ ...forged, ...(token !== undefined && { authorization: `Bearer ${token}` }) });
    const answer = await send(`${edge}/mcp`, {
      method: "POST",
      headers: mcp.LEGACY,
      body: mcp.toolCall(1, "get_time"),
    });
    expect(answer.status).toBe(status);
  });

  it("the server's metadata needs no token, and other paths are not mapped", async () => {
    const served = async (path: string) => {
      const before = await requestsOf(pod);
      await (await fetch(edge + path)).text();
      return (await requestsOf(pod)) - before;
    };
    expect(await served("/.well-known/oauth-protected-resource")).toBe(1);
    expect(await served("/mcp-admin")).toBe(0);
    expect(await served("/")).toBe(0);
  });

  it("the caller's address is the one that Emissary adds last", async () => {
    const send = sendWith({
      authorization: `Bearer ${await tokenOf()}`,
      "x-forwarded-for": "198.51.100.1, 203.0.113.7",
    });
    const call = { method: "POST", headers: mcp.LEGACY, body: mcp.toolCall(1, "charge_card") };
    expect((await send(`${pod.proxyUrl}/mcp`, call)).status).toBe(200);
    await expect.poll(pod.log).toContain('"address":"203.0.113.7"');
  });

  it("the port for metrics has two pages", () => expectTwoPages(pod));
});

/** The requests that a pod's Envoy has received for MCP. */
async function requestsOf({ stats }: PodEnvoy): Promise<number> {
  const line = /^envoy_http_downstream_rq_total\{envoy_http_conn_manager_prefix="mcp"\} (\d+)$/m.exec(await stats());
  return Number(line![1]);
}

describe("a tool that takes longer than Emissary's default of 3 s", () => {
  /** What a call that takes 4 s gives: its result, or a stream that ends early. */
  async function slowCall(url: string, send: Fetch): Promise<string> {
    const post = (headers: Record<string, string>, body: string) =>
      send(url, { method: "POST", headers: { ...mcp.LEGACY, ...headers }, body });
    const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "raw", version: "1" } };
    const begun = await post({}, mcp.request(1, "initialize", params));
    await begun.text();
    const session = { "mcp-session-id": begun.headers.get("mcp-session-id")! };
    await post(session, mcp.notification("notifications/initialized"));
    const call = mcp.request(2, "tools/call", { name: "search_docs", arguments: { query: "refunds", ms: 4000 } });
    const answer = await post(session, call);
    return answer.text().then(
      (text) => (text.includes('"result"') ? "its result" : text),
      () => "a stream that ends early",
    );
  }

  it.each<{ what: string; change: { timeout_ms?: undefined }; outcome: string }>([
    { what: "with the Mapping", change: {}, outcome: "its result" },
    { what: "without its timeout_ms", change: { timeout_ms: undefined }, outcome: "a stream that ends early" },
  ])("$what: $outcome", async ({ change, outcome }) => {
    const pod = keep(await startPodEnvoy("emissary", server, EVERY_TOOL, withKeys));
    const mappings = readMappings().map(({ spec }) => ({ spec: { ...spec, ...change } }));
    const edge = await startEdge(mappings, pod);
    expect(await slowCall(`${edge}/mcp`, bearer(await tokenOf()))).toBe(outcome);
  });
});

describe("sessions of two pods", () => {
  /** How many of 40 sessions have their second request at the pod that began them. */
  async function kept(balancer: Mapping["spec"]["load_balancer"]): Promise<number> {
    const pods = [keep(await startUpstream()), keep(await startUpstream())];
    // Each answers with its port, and a session's id.
    const [prefix] = pods.map((pod) =>
      pod.route((_, response) => {
        response.writeHead(200, { "mcp-session-id": randomUUID() }).end(String(pod.port));
      }),
    );
    const [{ spec }] = readMappings();
    const ports = pods.map(({ port }) => port);
    const bootstrap = edgeOf([{ spec: { ...spec, prefix, load_balancer: balancer } }], ports);
    const edge = keep(await startEnvoy({ upstream: server, vary: () => JSON.stringify(bootstrap) }));
    let same = 0;
    for (let index = 0; index < 40; index++) {
      const begun = await fetch(edge.proxyUrl + prefix, { method: "POST" });
      const next = await fetch(edge.proxyUrl + prefix, {
        method: "POST",
        headers: { "mcp-session-id": begun.headers.get("mcp-session-id")! },
      });
      if ((await begun.text()) === (await next.text())) same++;
    }
    return same;
  }

  it("are lost by a hash of the session's id, which the first request does not have", async () => {
    const same = await kept({ policy: "ring_hash", header: "mcp-session-id" });
    expect(same).toBeGreaterThan(0);
    expect(same).toBeLessThan(40);
  });

  it("stay at their pod by a hash of the client's address", async () => {
    expect(await kept({ policy: "ring_hash", source_ip: true })).toBe(40);
  });
});
