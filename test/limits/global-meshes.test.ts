/**
 * The configurations that istiod and Envoy Gateway generate from our files for global limits share allowances, also
 * across meshes.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { type Authority, makeAuthority } from "../access/certificates.ts";
import { downstreamTls } from "../access/downstream-tls.ts";
import { dispatcherOf, fetchBy } from "../access/tls-client.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import * as mcp from "../envoy/mcp-messages.ts";
import { hasRateLimit, type RateLimit, startRateLimit } from "../fixtures/rate-limit.ts";
import * as gateway from "../mesh/gateway.ts";
import * as istio from "../mesh/istio.ts";
import { MODULE_PATH } from "../mesh/module.ts";
import { type MeshProxy, startMeshProxy } from "../mesh/proxy.ts";
import { CLUSTER_TYPE, clusterOf, type HttpFilter, listenerOf } from "../mesh/resources.ts";
import { readShipped, readYaml, readYamls } from "../mesh/shipped.ts";
import { type CountingServer, startCountingServer } from "./counting-server.ts";

/** As in envoy/ratelimit/mcp.yaml. */
const OF_TOOL = 60;
const HTTP2 = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
const AGENT = "spiffe://mesh.example/ns/agents/sa/planner";
const LIMITS = { match: { paths: ["/mcp"] }, limits: { rules: [] } };

interface EnvoyFilter {
  spec: { configPatches: { applyTo: string; patch: { operation: string; value: Record<string, unknown> } }[] };
}

interface EnvoyPatchPolicy {
  spec: { jsonPatches: { type: string; operation: { value: Record<string, unknown> } }[] };
}

/**
 * What a mesh generates from its files: the filters before the router, the configuration of all routes, and the
 * server's cluster.
 */
interface Made {
  filters: HttpFilter[];
  perFilter: Record<string, unknown>;
  cluster: string;
  resources: object[];
}

/** A sidecar's inbound listener. istiod applies the patches after the plugins are in it. */
function istioOf(): Made {
  const [plugin, patches] = readYamls<object>("istio/global-limits.yaml") as [istio.WasmPlugin, EnvoyFilter];
  const { filter, resource } = istio.discoveredOf(plugin, "1.30", MODULE_PATH);
  const made = patches.spec.configPatches.map(({ applyTo, patch }) => ({ applyTo, ...patch }));
  const added = made.filter(({ applyTo, operation }) => applyTo === "HTTP_FILTER" && operation === "INSERT_BEFORE");
  const [merged, ...others] = made.filter(({ applyTo }) => applyTo === "ROUTE_CONFIGURATION");
  expect([added.length, merged.operation, others]).toEqual([2, "MERGE", []]);
  return {
    filters: [filter, ...added.map(({ value }) => value as HttpFilter)],
    perFilter: merged.value.typed_per_filter_config as Made["perFilter"],
    cluster: "outbound|8081||ratelimit.ratelimit.svc.cluster.local",
    resources: [resource],
  };
}

/** The Gateway's listener. */
function gatewayOf(): Made {
  const [plugin] = gateway.patchedFilters(
    JSON.parse(
      JSON.stringify(readYaml("gateway/patch-policy.yaml"))
        .replace("/etc/mcp/mcp.wasm", MODULE_PATH)
        .replace(
          '{\\"role\\":\\"server\\"}',
          JSON.stringify(JSON.stringify({ role: "server", ...LIMITS })).slice(1, -1),
        ),
    ) as gateway.EnvoyPatchPolicy,
  );
  const { jsonPatches } = readYaml<EnvoyPatchPolicy>("gateway/global-limits.yaml").spec;
  const valuesOf = (type: string) =>
    jsonPatches.filter((one) => one.type.endsWith(type)).map((one) => one.operation.value);
  const [[cluster], [perFilter]] = [valuesOf(".Cluster"), valuesOf(".RouteConfiguration")];
  expect(cluster).toMatchObject({ name: "ratelimit", type: "STRICT_DNS" });
  return {
    filters: [plugin, ...(valuesOf(".Listener") as HttpFilter[])],
    perFilter,
    cluster: "ratelimit",
    resources: [],
  };
}

describe.runIf(hasRateLimit())("global limits, as Istio and Envoy Gateway have them", () => {
  const keep = endsAfterAll();
  let mesh: Authority;
  let server: CountingServer;
  let limits: RateLimit;

  beforeAll(async () => {
    mesh = await makeAuthority("Mesh");
    server = keep(await startCountingServer("hello"));
    limits = keep(
      await startRateLimit(readShipped("ratelimit/mcp.yaml").replaceAll(/unit: (minute|hour)/g, "unit: year")),
    );
  });

  async function start({ filters, perFilter, cluster, resources }: Made): Promise<MeshProxy> {
    const route_config = {
      name: "mcp",
      virtual_hosts: [
        {
          name: "mcp",
          domains: ["*"],
          routes: [{ match: { prefix: "/" }, route: { cluster: "server", timeout: "0s" } }],
        },
      ],
      typed_per_filter_config: perFilter,
    };
    // On a busy machine, no request passes because of a timeout.
    const patient = JSON.parse(JSON.stringify(filters).replace('"0.25s"', '"60s"')) as HttpFilter[];
    const transportSocket = downstreamTls({ server: await mesh.server(), ca: mesh.ca });
    const listener = listenerOf({
      name: "mcp",
      cluster: "server",
      filters: patient,
      manager: { route_config },
      transportSocket,
    });
    const asked = { ...clusterOf(cluster, limits.port), "@type": CLUSTER_TYPE };
    const http2 = {
      ...asked,
      typed_extension_protocol_options: {
        [HTTP2]: { "@type": `type.googleapis.com/${HTTP2}`, explicit_http_config: { http2_protocol_options: {} } },
      },
    };
    return keep(await startMeshProxy([clusterOf("server", server.port), http2, listener, ...resources], {}));
  }

  it("a sidecar and a gateway share what an agent may call of a tool", async () => {
    const urls = [await start(istioOf()), await start(gatewayOf())].map(({ urls }) =>
      urls.mcp.replace("http:", "https:"),
    );
    const dispatcher = dispatcherOf(mesh.ca, await mesh.workload(AGENT));
    const fetch = fetchBy(dispatcher);
    const send = async (url: string, body: string) => {
      const answer = await fetch(`${url}/mcp`, { method: "POST", headers: mcp.LEGACY, body });
      return (await answer.text()).includes('"result"');
    };
    try {
      for (const url of urls) expect(await send(url, mcp.request(1, "tools/list"))).toBe(true);
      const sent = Array.from({ length: OF_TOOL + 20 }, (_, id) => send(urls[id % 2], mcp.toolCall(id, "echo")));
      expect((await Promise.all(sent)).filter((isPassed) => isPassed)).toHaveLength(OF_TOOL);
      expect([...server.calls]).toEqual([["echo", OF_TOOL]]);
      expect(await send(urls[0], mcp.request(1, "tools/list"))).toBe(true);
    } finally {
      await dispatcher.destroy();
    }
  });
});
