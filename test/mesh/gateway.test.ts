/** Envoy Gateway: the filter in the listener and enabled by the route, its module from the gateway; or by a patch. */
import { beforeAll, expect, it } from "vitest";
import { parse } from "yaml";
import { endsAfterAll } from "../envoy/cleanup.ts";
import { startUpstream, type Upstream } from "../envoy/upstream.ts";
import { type FixtureServer, startFixtureServer } from "../../scripts/demo/servers/fixture-server.ts";
import {
  type EnvoyExtensionPolicy,
  type EnvoyPatchPolicy,
  type EnvoyProxy,
  type Extension,
  extensionOf,
  MODULE_CLUSTER,
  patchedFilters,
} from "./gateway.ts";
import { MODULE_PATH, serveModule } from "./module.ts";
import { type MeshProxy, startMeshProxy } from "./proxy.ts";
import { clusterOf, listenerOf } from "./resources.ts";
import { describeMesh } from "./setup.ts";
import { readYaml } from "./shipped.ts";
import { byPlugin, expectTruth, runClients } from "./traffic.ts";
import { readMetrics } from "../envoy/prometheus.ts";

const CLUSTER = "httproute/default/mcp/rule/0";
const LABELS = { mcp_role: "server", mcp_server: CLUSTER };
const BOOTSTRAP = parse(readYaml<EnvoyProxy>("gateway/envoy-proxy.yaml").spec.bootstrap.value) as object;

const keep = endsAfterAll();
let server: FixtureServer;
let modules: Upstream;

beforeAll(async () => {
  server = keep(await startFixtureServer());
  modules = keep(await startUpstream());
});

async function start({ filters, perFilter }: Extension): Promise<MeshProxy> {
  const resources = [
    clusterOf(MODULE_CLUSTER, modules.port),
    clusterOf(CLUSTER, server.port),
    listenerOf({ name: "gateway", direction: "OUTBOUND", cluster: CLUSTER, filters, perFilter }),
  ];
  return keep(await startMeshProxy(resources, BOOTSTRAP));
}

describeMesh("Envoy Gateway", () => {
  it.each(["extension-policy", "extension-policy-http"])("%s.yaml", async (name) => {
    const policy = readYaml<EnvoyExtensionPolicy>(`gateway/${name}.yaml`);
    const proxy = await start(extensionOf(policy, serveModule(modules)));
    await expectTruth(proxy, await runClients(proxy.urls.gateway), [LABELS]);
  });

  it("two filters of a policy, one without a configuration or a root id: each counts everything", async () => {
    const policy = readYaml<EnvoyExtensionPolicy>("gateway/extension-policy.yaml");
    const [first] = policy.spec.wasm;
    const second = { ...first, config: undefined, rootID: undefined };
    policy.spec.wasm = [{ ...first, config: { role: "server", server: "first", instance: "first" } }, second];
    const proxy = await start(extensionOf(policy, serveModule(modules)));
    const labels = [
      { mcp_role: "server", mcp_server: "first" },
      { mcp_role: "client", mcp_server: CLUSTER },
    ];
    await expectTruth(proxy, await runClients(proxy.urls.gateway), labels);
  });

  it("a route without the policy is not counted", async () => {
    const policy = readYaml<EnvoyExtensionPolicy>("gateway/extension-policy.yaml");
    const { filters } = extensionOf(policy, serveModule(modules));
    const proxy = await start({ filters, perFilter: {} });
    await runClients(proxy.urls.gateway);
    expect(byPlugin(await readMetrics(proxy))).toEqual({});
  });

  it("patch-policy.yaml", async () => {
    const filters = patchedFilters(readYaml<EnvoyPatchPolicy>("gateway/patch-policy.yaml"));
    const text = JSON.stringify(filters);
    expect(text).toContain("/etc/mcp/mcp.wasm");
    const here = JSON.parse(text.replace("/etc/mcp/mcp.wasm", MODULE_PATH)) as Extension["filters"];
    const proxy = await start({ filters: here, perFilter: {} });
    await expectTruth(proxy, await runClients(proxy.urls.gateway), [LABELS]);
  });
});
