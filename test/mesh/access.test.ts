/**
 * The access policy of each mesh's file: callers get what their identity allows, and a filter that cannot run lets
 * nothing pass. Sidecars identify callers by certificates, the gateway by tokens.
 */
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { beforeAll, expect, it } from "vitest";
import type { Dispatcher } from "undici";
import { type Authority, type Identity, makeAuthority } from "../access/certificates.ts";
import { downstreamTls } from "../access/downstream-tls.ts";
import { type Recorder, startRecorder } from "../access/recorder.ts";
import { dispatcherOf, fetchBy } from "../access/tls-client.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import * as mcp from "../envoy/mcp-messages.ts";
import { startUpstream, type Upstream } from "../envoy/upstream.ts";
import { connectClient, type Fetch } from "../../scripts/demo/client.ts";
import { type FixtureServer, startFixtureServer } from "../../scripts/demo/servers/fixture-server.ts";
import { modulePath } from "../modules.ts";
import * as consul from "./consul.ts";
import * as gateway from "./gateway.ts";
import * as istio from "./istio.ts";
import * as kuma from "./kuma.ts";
import { MODULE_PATH, serveModule } from "./module.ts";
import { type MeshProxy, startMeshProxy } from "./proxy.ts";
import { clusterOf, type ListenerOptions, listenerOf } from "./resources.ts";
import { describeMesh } from "./setup.ts";
import { readHcl, readYaml, readYamls } from "./shipped.ts";

const TRAPPING = modulePath("test/envoy/modules/trapping.ts");
const ISSUER = "https://issuer.example";
const { stats_config } = readYaml<{ stats_config: object }>("envoy.yaml");

/** What a mesh's file puts into a listener, with the module's actual path. */
interface Made extends Pick<ListenerOptions, "filters" | "perFilter"> {
  resources?: object[];
}

interface Mesh {
  make: (module: string) => Made | Promise<Made>;
  /** The SPIFFE IDs of a caller that the file's rules name, and of another one. */
  caller: string;
  stranger: string;
}

const keep = endsAfterAll();
let server: FixtureServer;
let recorder: Recorder;
let modules: Upstream;
let authority: Authority;
let proxyIdentity: Identity;
let jwks: string;
let tokenOf: (subject: string, audience?: string) => Promise<string>;

beforeAll(async () => {
  server = keep(await startFixtureServer());
  recorder = keep(await startRecorder());
  modules = keep(await startUpstream());
  authority = await makeAuthority("Mesh");
  proxyIdentity = await authority.server();
  const { privateKey, publicKey } = await generateKeyPair("ES256");
  jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), alg: "ES256", kid: "1" }] });
  tokenOf = (subject, audience = "https://mcp.example") =>
    new SignJWT({})
      .setProtectedHeader({ alg: "ES256", kid: "1" })
      .setIssuer(ISSUER)
      .setSubject(subject)
      .setAudience(audience)
      .setExpirationTime("1h")
      .sign(privateKey);
});

const MESHES: Record<string, Mesh> = {
  "Istio, sidecar": {
    make: (module) => {
      const [plugin] = istio.chainOf([readYaml<istio.WasmPlugin>("istio/access.yaml")], "inbound");
      const { filter, resource } = istio.discoveredOf(plugin, "1.30", module);
      return { filters: [filter], resources: [resource] };
    },
    caller: "spiffe://cluster.local/ns/agents/sa/planner",
    stranger: "spiffe://cluster.local/ns/web/sa/shop",
  },
  "Kuma, universal": {
    make: (module) => kumaOf("universal", module),
    caller: "spiffe://default/agent",
    stranger: "spiffe://default/agents",
  },
  "Kuma, Kubernetes": {
    make: (module) => kumaOf("kubernetes", module),
    caller: "spiffe://default/agent_mcp_svc_8080",
    stranger: "spiffe://default/web_mcp_svc_8080",
  },
  Consul: {
    make: async (module) => {
      const entry = await readHcl<consul.ServiceDefaults>("consul/access.hcl");
      for (const { Arguments } of entry.EnvoyExtensions) {
        expect(Arguments.PluginConfig.VmConfig.Code).toEqual({ Local: { Filename: "/etc/mcp/mcp.wasm" } });
        Arguments.PluginConfig.VmConfig.Code = { Local: { Filename: module } };
      }
      return { filters: consul.filtersOf(entry, "inbound") };
    },
    caller: "spiffe://c6f48ba0-3a0c-4d8e-9f0c-2f7b0a6d2f11.consul/ns/default/dc/dc1/svc/agent",
    stranger: "spiffe://c6f48ba0-3a0c-4d8e-9f0c-2f7b0a6d2f11.consul/ns/default/dc/dc1/svc/web",
  },
};

function kumaOf(platform: string, module: string): Made {
  const patch = readYaml<kuma.MeshProxyPatch>(`kuma/access.${platform}.yaml`, { "/etc/mcp/mcp.wasm }": `${module} }` });
  return { filters: kuma.filtersOf([patch], "inbound") };
}

/** The two resources of gateway/access.yaml, for this module. */
function gatewayOf(module = serveModule(modules)): Made {
  const [extension, security] = readYamls<object>("gateway/access.yaml");
  const made = gateway.extensionOf(extension as gateway.EnvoyExtensionPolicy, module);
  return {
    ...made,
    filters: [gateway.jwtAuthnOf(security as gateway.SecurityPolicy, jwks), ...made.filters],
    resources: [clusterOf(gateway.MODULE_CLUSTER, modules.port)],
  };
}

async function start(made: Made, port: number, tls: boolean): Promise<MeshProxy> {
  const { resources = [], ...filters } = made;
  const transportSocket = tls ? downstreamTls({ server: proxyIdentity, ca: authority.ca }) : undefined;
  const listener = listenerOf({ name: "mcp", cluster: "server", ...filters, transportSocket });
  return keep(await startMeshProxy([clusterOf("server", port), listener, ...resources], { stats_config }));
}

/** Runs a client with its own connections. */
async function withClient(identity: Identity | undefined, use: (fetch: Fetch) => Promise<void>): Promise<void> {
  const dispatcher: Dispatcher = dispatcherOf(authority.ca, identity);
  try {
    await use(fetchBy(dispatcher));
  } finally {
    await dispatcher.destroy();
  }
}

/** The outcomes of a session: of listing tools, and of calling a tool that rules name and one that no rule names. */
async function outcomesOf(url: string, fetch: Fetch): Promise<string[]> {
  const client = await connectClient("sdk1", url, "sdk1", fetch);
  const steps = [client.listTools(), client.callTool("get_weather", { city: "Oslo" }), client.callTool("charge_card")];
  const outcomes = await Promise.all(
    steps.map((step) =>
      step.then(
        () => "passed",
        ({ code, data }: { code: number; data?: { rule?: string } }) => `${code} ${data?.rule}`,
      ),
    ),
  );
  await client.close();
  return outcomes;
}

const ALLOWED = ["passed", "passed", "403 _default"];
const DENIED = ["403 _default", "403 _default", "403 _default"];

describeMesh("the access policy that is shipped", () => {
  it.each(Object.entries(MESHES))("%s: by the caller's certificate", async (_name, mesh) => {
    const proxy = await start(await mesh.make(MODULE_PATH), server.port, true);
    const url = `${proxy.urls.mcp.replace("http:", "https:")}/mcp`;
    for (const [uri, outcomes] of [
      [mesh.caller, ALLOWED],
      [mesh.stranger, DENIED],
    ] as const) {
      await withClient(await authority.workload(uri), async (fetch) => {
        expect(await outcomesOf(url, fetch), uri).toEqual(outcomes);
      });
    }
  });

  it.each<[name: string, make: () => Made]>([
    [
      "Istio",
      () => {
        const files = ["access", "sidecar-inbound"].map((name) => readYaml<istio.WasmPlugin>(`istio/${name}.yaml`));
        const discovered = istio
          .chainOf(files, "inbound")
          .map((plugin) => istio.discoveredOf(plugin, "1.30", MODULE_PATH));
        return {
          filters: discovered.map(({ filter }) => filter),
          resources: discovered.map(({ resource }) => resource),
        };
      },
    ],
    [
      "Kuma",
      () => {
        const statistics = readYaml<kuma.MeshProxyPatch>("kuma/inbound.universal.yaml", {
          "/etc/mcp/mcp.wasm }": `${MODULE_PATH} }`,
        });
        const { filters } = kumaOf("universal", MODULE_PATH);
        return { filters: [...filters, ...kuma.filtersOf([statistics], "inbound")] };
      },
    ],
  ])("%s, where the filter for statistics was left beside it: the policy holds", async (_name, make) => {
    const proxy = await start(make(), server.port, false);
    expect(await outcomesOf(`${proxy.urls.mcp}/mcp`, fetch)).toEqual(DENIED);
  });

  it("Istio, where mTLS is not required: a caller without a certificate shakes hands, and no more", async () => {
    const proxy = await start(await MESHES["Istio, sidecar"].make(MODULE_PATH), server.port, false);
    expect(await outcomesOf(`${proxy.urls.mcp}/mcp`, fetch)).toEqual(DENIED);
  });

  it("Envoy Gateway: by the caller's token", async () => {
    const proxy = await start(gatewayOf(), server.port, false);
    const url = `${proxy.urls.mcp}/mcp`;
    const withToken = (token: string): Fetch => {
      return (to, init) => fetch(to, { ...init, headers: { ...bearer(token), ...headersOf(init) } });
    };
    expect(await outcomesOf(url, withToken(await tokenOf("alice")))).toEqual(ALLOWED);
    for (const token of [await tokenOf("alice", "https://elsewhere.example"), "none"]) {
      const answer = await fetch(url, {
        method: "POST",
        headers: { ...mcp.LEGACY, ...bearer(token) },
        body: INITIALIZE,
      });
      expect(answer.status).toBe(token === "none" ? 401 : 403);
    }
  });

  it("Envoy Gateway, of the file's two resources only the first: no token opens anything", async () => {
    const [policy] = readYamls<gateway.EnvoyExtensionPolicy>("gateway/access.yaml");
    const made = gateway.extensionOf(policy, serveModule(modules));
    const resources = [clusterOf(gateway.MODULE_CLUSTER, modules.port)];
    const proxy = await start({ ...made, resources }, server.port, false);
    const token = await tokenOf("alice");
    const send: Fetch = (to, init) => fetch(to, { ...init, headers: { ...bearer(token), ...headersOf(init) } });
    expect(await outcomesOf(`${proxy.urls.mcp}/mcp`, send)).toEqual(DENIED);
  });
});

const INITIALIZE = mcp.request(1, "initialize", { protocolVersion: "2025-11-25", capabilities: {} });

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

function headersOf(init: RequestInit | undefined): Record<string, string> {
  return Object.fromEntries(new Headers(init?.headers));
}

describeMesh("a filter that cannot run lets nothing pass", () => {
  /** Posts a tool call. Resolves to the response's status, and whether the server has seen anything of it. */
  async function call(url: string, send: Fetch, mark: string, headers: Record<string, string> = {}) {
    const init = { method: "POST", headers: { ...mcp.LEGACY, ...headers }, body: mcp.toolCall(1, mark) };
    const answer = await send(url, init);
    const body = await answer.text();
    return { status: answer.status, isPassed: body === mcp.result(1), seen: recorder.seen(mark) === "body" };
  }

  const BLOCKED = { status: 503, isPassed: false, seen: false };

  it.each(Object.entries(MESHES))("%s: a trap, and what comes after it", async (name, mesh) => {
    const proxy = await start(await mesh.make(TRAPPING), recorder.port, true);
    const url = `${proxy.urls.mcp.replace("http:", "https:")}/mcp`;
    const mark = (what: string) => `get_${what}_${name.replaceAll(/\W/g, "")}`;
    await withClient(await authority.workload(mesh.caller), async (send) => {
      expect(await call(url, send, mark("before"))).toEqual({ status: 200, isPassed: true, seen: true });
      expect(await call(url, send, mark("trap"), { "x-test-trap": "1" })).toEqual(BLOCKED);
    });
    await withClient(await authority.workload(mesh.stranger), async (send) => {
      // Kuma's filter has a new VM, which denies the call. The others stay closed.
      const after = await call(url, send, mark("after"));
      expect(after).toEqual({ ...BLOCKED, status: expect.any(Number) as number });
    });
  });

  it("Istio: a module that the agent could not fetch", async () => {
    const plugin = readYaml<istio.WasmPlugin>("istio/access.yaml");
    const { filter, resource } = istio.discoveredOf(plugin, "1.30", undefined);
    const proxy = await start({ filters: [filter], resources: [resource] }, recorder.port, false);
    expect(await call(`${proxy.urls.mcp}/mcp`, fetch, "get_istio_fetch")).toEqual({ ...BLOCKED, status: 403 });
  });

  it("Envoy Gateway: a module whose digest does not fit", async () => {
    const module = { ...serveModule(modules), sha256: "0123456789abcdef".repeat(4) };
    const proxy = await start(gatewayOf(module), recorder.port, false);
    const headers = bearer(await tokenOf("alice"));
    expect(await call(`${proxy.urls.mcp}/mcp`, fetch, "get_gateway_fetch", headers)).toEqual(BLOCKED);
  });
});
