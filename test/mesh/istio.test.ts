/** Istio: the filter as istiod and pilot-agent pass it to Envoy, by ECDS. */
import { beforeAll, expect, it } from "vitest";
import { endsAfterAll } from "../envoy/cleanup.ts";
import { readMetrics } from "../envoy/prometheus.ts";
import { type FixtureServer, startFixtureServer } from "../../scripts/demo/servers/fixture-server.ts";
import { readYaml, readYamls } from "./shipped.ts";
import {
  bootstrapPartOf,
  chainOf,
  type Discovered,
  discoveredOf,
  type ListenerClass,
  type MeshConfig,
  type Plugin,
  type Release,
  type WasmPlugin,
} from "./istio.ts";
import { MODULE_PATH } from "./module.ts";
import { type MeshProxy, startMeshProxy } from "./proxy.ts";
import { clusterOf, EXTENSION_TYPE, listenerOf } from "./resources.ts";
import { describeMesh, sidecarsOf } from "./setup.ts";
import { byPlugin, expectTruth, initialize, runClients } from "./traffic.ts";

const OUTBOUND = "outbound|8080||mcp-server.mcp.svc.cluster.local";
const INBOUND = "inbound|8080||";
/** The clusters as they appear in labels. */
const [OUTBOUND_LABEL, INBOUND_LABEL] = [OUTBOUND, INBOUND].map((name) => name.replaceAll("|", "%7C"));
const CLIENT = { mcp_role: "client", mcp_server: OUTBOUND_LABEL };
const SERVER = { mcp_role: "server", mcp_server: "mcp/mcp-server" };

const BOOTSTRAP = bootstrapPartOf(readYaml<MeshConfig>("istio/mesh-config.yaml"));
const SIDECARS = ["inbound", "outbound"].map((side) => readYaml<WasmPlugin>(`istio/sidecar-${side}.yaml`));
const TRAFFIC_EXTENSIONS = readYamls<Plugin>("istio/traffic-extension.yaml");

const keep = endsAfterAll();
let server: FixtureServer;

beforeAll(async () => {
  server = keep(await startFixtureServer());
});

function discover(
  plugins: readonly Plugin[],
  of: ListenerClass,
  release: Release = "1.30",
  modulePath: string | undefined = MODULE_PATH,
): Discovered[] {
  return chainOf(plugins, of).map((plugin) => discoveredOf(plugin, release, modulePath));
}

async function startSidecars(plugins: readonly Plugin[], release?: Release): Promise<MeshProxy> {
  const [outbound, inbound] = (["outbound", "inbound"] as const).map((of) => discover(plugins, of, release));
  const sidecars = await sidecarsOf(server.port, {
    outbound: OUTBOUND,
    inbound: INBOUND,
    outboundFilters: outbound.map(({ filter }) => filter),
    inboundFilters: inbound.map(({ filter }) => filter),
  });
  // A plugin of both listeners is one resource.
  const resources = new Map([...outbound, ...inbound].map(({ filter, resource }) => [filter.name, resource]));
  return keep(await startMeshProxy([...sidecars, ...resources.values()], BOOTSTRAP));
}

/** The only listener of a gateway or waypoint, with the direction that istiod sets. */
function gatewayOf(discovered: readonly Discovered[], direction: "OUTBOUND" | "INBOUND" = "OUTBOUND"): object[] {
  const filters = discovered.map(({ filter }) => filter);
  return [
    clusterOf(OUTBOUND, server.port),
    listenerOf({ name: "gateway", direction, cluster: OUTBOUND, filters }),
    ...discovered.map(({ resource }) => resource),
  ];
}

async function startGateway(...of: Parameters<typeof gatewayOf>): Promise<MeshProxy> {
  return keep(await startMeshProxy(gatewayOf(...of), BOOTSTRAP));
}

describeMesh("Istio", () => {
  it.each<{ name: string; plugins: readonly Plugin[]; release: Release }>([
    { name: "WasmPlugins in 1.29", plugins: SIDECARS, release: "1.29" },
    { name: "WasmPlugins in 1.30", plugins: SIDECARS, release: "1.30" },
    { name: "TrafficExtensions", plugins: TRAFFIC_EXTENSIONS, release: "1.30" },
  ])("sidecars of client and server: $name", async ({ plugins, release }) => {
    const proxy = await startSidecars(plugins, release);
    await expectTruth(proxy, await runClients(proxy.urls.outbound), [CLIENT, SERVER]);
  });

  it.each([
    ["gateway", "OUTBOUND"],
    ["waypoint", "INBOUND"],
  ] as const)("%s.yaml, whose listener is %s: the role is the file's", async (name, direction) => {
    const proxy = await startGateway(discover([readYaml<WasmPlugin>(`istio/${name}.yaml`)], name), direction);
    const labels = { mcp_role: "server", mcp_server: OUTBOUND_LABEL };
    await expectTruth(proxy, await runClients(proxy.urls.gateway), [labels]);
  });

  it.each<{ name: string; pluginConfig: Record<string, unknown> | undefined }>([
    { name: "no configuration, which is zero bytes", pluginConfig: undefined },
    {
      name: "a Struct: keys in another order than the file's, numbers of type double",
      pluginConfig: {
        tokens: { scale: 1, maxBytes: "1KiB" },
        sessions: { max: 20000, idleTimeout: "30m", callerKey: null },
        labels: { tools: ["get_weather"], maxTools: 256 },
        instance: "shop",
      },
    },
  ])("$name", async ({ pluginConfig }) => {
    const plugins = SIDECARS.map((plugin) => ({ ...plugin, spec: { ...plugin.spec, pluginConfig } }));
    const proxy = await startSidecars(plugins);
    await expectTruth(proxy, await runClients(proxy.urls.outbound), [CLIENT, { ...SERVER, mcp_server: INBOUND_LABEL }]);
  });

  it("two plugins in one chain, of different instances: each counts everything", async () => {
    const [inbound] = SIDECARS;
    const plugins = ["first", "second"].map((server, index) => ({
      ...inbound,
      metadata: { name: server },
      spec: { ...inbound.spec, priority: index, pluginConfig: { instance: server, server } },
    }));
    const proxy = await startSidecars(plugins);
    const labels = plugins.map(({ metadata }) => ({ mcp_role: "server", mcp_server: metadata.name }));
    await expectTruth(proxy, await runClients(proxy.urls.outbound), labels);
  });

  it.each([
    { failStrategy: "FAIL_OPEN" as const, status: 200 },
    { failStrategy: "FAIL_CLOSE" as const, status: 403 },
  ])("a module that cannot be fetched, $failStrategy: every request is $status, and none is counted", async (of) => {
    const plugin = readYaml<WasmPlugin>("istio/gateway.yaml");
    plugin.spec.failStrategy = of.failStrategy;
    const proxy = await startGateway([discoveredOf(plugin, "1.30", undefined)]);
    expect(await initialize(`${proxy.urls.gateway}/mcp`)).toBe(of.status);
    expect(byPlugin(await readMetrics(proxy))).toEqual({});
  });

  it("a missing file, on a running proxy: Envoy rejects it, and the last valid one stays active", async () => {
    const plugin = readYaml<WasmPlugin>("istio/gateway.yaml");
    const proxy = await startGateway([discoveredOf(plugin, "1.30", MODULE_PATH)]);
    const refusals = await proxy.deliver(gatewayOf([discoveredOf(plugin, "1.30", "/nowhere/mcp.wasm")]));
    expect(refusals[EXTENSION_TYPE]).toContain("/nowhere/mcp.wasm");
    const labels = { mcp_role: "server", mcp_server: OUTBOUND_LABEL };
    await expectTruth(proxy, await runClients(proxy.urls.gateway), [labels]);
  });
});
