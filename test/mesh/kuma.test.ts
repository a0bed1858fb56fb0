/** Kuma and Kong Mesh: the filter inline in the listener, and none of our tags in the bootstrap. */
import { beforeAll, expect, it } from "vitest";
import { endsAfterAll } from "../envoy/cleanup.ts";
import { type FixtureServer, startFixtureServer } from "../../scripts/demo/servers/fixture-server.ts";
import { filtersOf, httpFiltersOf, type MeshProxyPatch } from "./kuma.ts";
import { MODULE_PATH } from "./module.ts";
import { readPlainMetrics } from "./plain-metrics.ts";
import { startMeshProxy } from "./proxy.ts";
import { LISTENER_TYPE } from "./resources.ts";
import { describeMesh, sidecarsOf } from "./setup.ts";
import { readYaml } from "./shipped.ts";
import { expectTruth, runClients } from "./traffic.ts";

/** The module's path in the files. */
const SHIPPED_PATH = "/etc/mcp/mcp.wasm";
const OUTBOUND = "kri_msvc_default_zone-1__mcp-server_8080";
const INBOUND = "self_inbound_dp_8080";
const SERVICE = "mcp-server_tools_svc_8080";
const PLUGINS = [
  { mcp_role: "client", mcp_server: OUTBOUND },
  { mcp_role: "server", mcp_server: SERVICE },
];
/** The part of Kuma's bootstrap about the proxy (pkg/xds/bootstrap of its sources). */
const BOOTSTRAP = {
  node: { id: "default.mcp-server-0", cluster: SERVICE, metadata: { "dataplane.proxyType": "dataplane" } },
};

const keep = endsAfterAll();
let server: FixtureServer;

beforeAll(async () => {
  server = keep(await startFixtureServer());
});

/** The patches of a platform with a replacement in the filters' text, and the module's actual path. */
function patchesFor(platform: string, from = "", to = ""): MeshProxyPatch[] {
  return ["inbound", "outbound"].map((side) => {
    const patch = readYaml<MeshProxyPatch>(`kuma/${side}.${platform}.yaml`);
    for (const httpFilter of httpFiltersOf(patch)) {
      expect(httpFilter.value).toContain(SHIPPED_PATH);
      expect(httpFilter.value).toContain(from);
      httpFilter.value = httpFilter.value.replace(from, to).replace(SHIPPED_PATH, MODULE_PATH);
    }
    return patch;
  });
}

async function resourcesOf(patches: readonly MeshProxyPatch[]): Promise<object[]> {
  return sidecarsOf(server.port, {
    outbound: OUTBOUND,
    inbound: INBOUND,
    outboundFilters: filtersOf(patches, "outbound"),
    inboundFilters: filtersOf(patches, "inbound"),
  });
}

describeMesh("Kuma", () => {
  it.each<{ name: string; platform: string; change: [from: string, to: string] }>([
    { name: "universal", platform: "universal", change: ["", ""] },
    { name: "Kubernetes", platform: "kubernetes", change: ["", ""] },
    { name: "camel case", platform: "universal", change: ["root_id:", "rootId:"] },
    { name: "one VM by its name", platform: "universal", change: ["vm_config:\n", "vm_config:\n      vm_id: mcp\n"] },
    { name: "no root id", platform: "universal", change: ["root_id: mcp", ""] },
  ])("sidecars of client and server: $name", async ({ platform, change }) => {
    const proxy = keep(await startMeshProxy(await resourcesOf(patchesFor(platform, ...change)), BOOTSTRAP));
    await expectTruth(proxy, await runClients(proxy.urls.outbound), PLUGINS, readPlainMetrics);
  });

  it("a missing module: Envoy rejects the listener, and the last valid one stays active", async () => {
    const resources = await resourcesOf(patchesFor("universal"));
    const proxy = keep(await startMeshProxy(resources, BOOTSTRAP));
    const broken = JSON.stringify(resources).replaceAll(MODULE_PATH, "/nowhere/mcp.wasm");
    const refusals = await proxy.deliver(JSON.parse(broken) as object[]);
    expect(refusals[LISTENER_TYPE]).toContain("/nowhere/mcp.wasm");
    await expectTruth(proxy, await runClients(proxy.urls.outbound), PLUGINS, readPlainMetrics);
  });
});
