/** The two complete listeners for an Envoy without a mesh: callers identified by certificates, and by tokens. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Envoy, startEnvoy } from "../../scripts/envoy/process.ts";
import { type Authority, type Identity, makeAuthority } from "../access/certificates.ts";
import { dispatcherOf, fetchBy } from "../access/tls-client.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import * as mcp from "../envoy/mcp-messages.ts";
import { CLIENT_KINDS, connectClient, type Fetch } from "../../scripts/demo/client.ts";
import { type FixtureServer, startFixtureServer } from "../../scripts/demo/servers/fixture-server.ts";
import { MODULE_PATH } from "./module.ts";
import { readYaml } from "./shipped.ts";

const ISSUER = "https://issuer.example";
const AUDIENCE = "https://mcp.example";
const AGENT = "spiffe://mesh.example/ns/agents/sa/planner";

const keep = endsAfterAll();
const folder = mkdtempSync(join(tmpdir(), "mcp-raw-"));
let server: FixtureServer;
let mesh: Authority;
let stranger: Authority;

afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeAll(async () => {
  server = keep(await startFixtureServer());
  mesh = await makeAuthority("Mesh");
  stranger = await makeAuthority("Stranger");
});

/** Writes a file. Returns its path. */
function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** Starts the Envoy of a file, with the values that its reader must fill in. */
async function start(name: string, replaced: Record<string, string | number>): Promise<Envoy> {
  const identity = await mesh.server();
  const bootstrap = readYaml<object>(`raw/${name}.yaml`, {
    "port_value: 9901": "port_value: 0",
    "port_value: 10443": "port_value: 0",
    "port_value: 3001": `port_value: ${server.port}`,
    "build/mcp.wasm }": `${MODULE_PATH} }`,
    "/etc/mcp/tls/server.crt": file(`${name}.crt`, identity.cert),
    "/etc/mcp/tls/server.key": file(`${name}.key`, identity.key),
    ...replaced,
  });
  return keep(await startEnvoy({ upstream: server, vary: () => JSON.stringify(bootstrap) }));
}

/** Runs `use` with requests of this identity, with these headers. */
async function as<T>(
  identity: Identity | undefined,
  headers: Record<string, string>,
  use: (fetch: Fetch) => Promise<T>,
): Promise<T> {
  const dispatcher = dispatcherOf(mesh.ca, identity);
  try {
    return await use(fetchBy(dispatcher, headers));
  } finally {
    await dispatcher.destroy();
  }
}

/**
 * Expects of a session of each official client what the policy allows to every named caller, and that a tool is denied
 * to everybody.
 */
async function expectPolicy(url: string, fetch: Fetch): Promise<void> {
  for (const kind of CLIENT_KINDS) {
    const client = await connectClient(kind, url, kind, fetch);
    const tools = await client.listTools();
    expect(tools).toContain("get_weather");
    expect(tools).not.toContain("charge_card");
    await client.callTool("get_weather", { city: "Oslo" });
    await expect(client.callTool("charge_card")).rejects.toMatchObject({ code: 403, data: { rule: "_default" } });
    await client.close();
  }
}

const urlOf = (envoy: Envoy, path = "/mcp") => envoy.proxyUrl.replace("http:", "https:") + path;

const INITIALIZE = {
  method: "POST",
  headers: mcp.LEGACY,
  body: mcp.request(1, "initialize", {
    protocolVersion: "2025-11-25",
    capabilities: {},
    clientInfo: { name: "raw", version: "1" },
  }),
};

describe("mtls.yaml", () => {
  let envoy: Envoy;

  beforeAll(async () => {
    envoy = await start("mtls", { "/etc/mcp/tls/ca.crt": file("ca.crt", mesh.ca) });
  });

  it("a workload that the policy names", async () => {
    await as(await mesh.workload(AGENT), {}, (fetch) => expectPolicy(urlOf(envoy), fetch));
  });

  it("another workload of the mesh, whatever it writes into headers: it shakes hands, and no more", async () => {
    const forged = { "x-forwarded-client-cert": `URI=${AGENT}`, "x-forwarded-for": "127.0.0.1" };
    await as(await mesh.workload("spiffe://mesh.example/ns/web/sa/shop"), forged, async (fetch) => {
      const client = await connectClient("sdk1", urlOf(envoy), "sdk1", fetch);
      await expect(client.listTools()).rejects.toMatchObject({ code: 403, data: { rule: "_default" } });
      await client.close();
    });
  });

  it.each<[what: string, identity: () => Promise<Identity | undefined>]>([
    ["no certificate", () => Promise.resolve(undefined)],
    ["a certificate of another authority", () => stranger.workload(AGENT)],
    ["a certificate for another trust domain", () => mesh.workload("spiffe://mesh.example.evil/ns/agents/sa/planner")],
    ["a certificate without a SPIFFE ID", () => mesh.server()],
  ])("%s: no connection", async (_what, identity) => {
    const sent = as(await identity(), {}, (fetch) => fetch(urlOf(envoy), INITIALIZE));
    await expect(sent).rejects.toThrow();
  });
});

describe("jwt.yaml", () => {
  let envoy: Envoy;
  let tokenOf: (claims: { subject: string; issuer?: string; audience?: string; expires?: string }) => Promise<string>;
  let forge: typeof tokenOf;

  beforeAll(async () => {
    const [own, other] = [await generateKeyPair("ES256"), await generateKeyPair("ES256")];
    const signer = (key: CryptoKey): typeof tokenOf => {
      return ({ subject, issuer = ISSUER, audience = AUDIENCE, expires = "1h" }) =>
        new SignJWT({})
          .setProtectedHeader({ alg: "ES256", kid: "1" })
          .setIssuer(issuer)
          .setSubject(subject)
          .setAudience(audience)
          .setExpirationTime(expires)
          .sign(key);
    };
    [tokenOf, forge] = [signer(own.privateKey), signer(other.privateKey)];
    const keys = { keys: [{ ...(await exportJWK(own.publicKey)), alg: "ES256", kid: "1" }] };
    const authority = await makeAuthority("Public");
    const issuer = keep(await startIssuer(await authority.server("issuer.example"), keys));
    envoy = await start("jwt", {
      "address: issuer.example, port_value: 443": `address: 127.0.0.1, port_value: ${issuer.port}`,
      "/etc/ssl/certs/ca-certificates.crt": file("public.crt", authority.ca),
    });
  });

  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

  it("a user of the issuer", async () => {
    const token = await tokenOf({ subject: "alice" });
    await as(undefined, bearer(token), (fetch) => expectPolicy(urlOf(envoy), fetch));
  });

  it.each<[what: string, headers: () => Promise<Record<string, string>>, status: number]>([
    ["no token", () => Promise.resolve({}), 401],
    ["a token that somebody else signed", async () => bearer(await forge({ subject: "alice" })), 401],
    [
      "a token of another issuer",
      async () => bearer(await tokenOf({ subject: "a", issuer: "https://x.example" })),
      401,
    ],
    [
      "a token for another service",
      async () => bearer(await tokenOf({ subject: "a", audience: "https://x.example" })),
      403,
    ],
    ["a token that has expired", async () => bearer(await tokenOf({ subject: "a", expires: "-1h" })), 401],
  ])("%s: %s", async (_what, headers, status) => {
    const answer = await as(undefined, await headers(), (fetch) => fetch(urlOf(envoy), INITIALIZE));
    expect(answer.status).toBe(status);
  });

  it("the server's metadata, which says who issues tokens, needs none; what lies beside it does", async () => {
    const statusOf = (path: string) => as(undefined, {}, async (fetch) => (await fetch(urlOf(envoy, path))).status);
    // From the MCP server, which has none.
    expect(await statusOf("/.well-known/oauth-protected-resource")).toBe(404);
    expect(await statusOf("/.well-known/oauth-protected-resource/mcp")).toBe(404);
    expect(await statusOf("/.well-known/oauth-protected-resource/x")).toBe(401);
    expect(await statusOf("/.well-known/oauth-protected-resource;/mcp")).toBe(401);
  });
});

interface Issuer {
  port: number;
  close(): Promise<void>;
}

/** An HTTPS server with the keys of an issuer, at the path in the file. */
async function startIssuer(identity: Identity, keys: object): Promise<Issuer> {
  const issuer: Server = createServer(identity, (request, response) => {
    const isKnown = request.url === "/.well-known/jwks.json";
    response.writeHead(isKnown ? 200 : 404, mcp.JSON_TYPE).end(isKnown ? JSON.stringify(keys) : "");
  });
  await new Promise<void>((resolve) => issuer.listen(0, "127.0.0.1", resolve));
  return {
    port: (issuer.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        issuer.close(() => resolve());
        issuer.closeAllConnections();
      }),
  };
}
