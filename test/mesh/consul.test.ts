/** Consul: the filter inline in the listener, with a configuration that ends in a newline, from a file or over HTTP. */
import { beforeAll, expect, it } from "vitest";
import { endsAfterAll } from "../envoy/cleanup.ts";
import { readMetrics } from "../envoy/prometheus.ts";
import { startUpstream, type Upstream } from "../envoy/upstream.ts";
import { type FixtureServer, startFixtureServer } from "../../scripts/demo/servers/fixture-server.ts";
import {
  bootstrapPartOf,
  clusterName,
  filtersOf,
  type ProxyDefaults,
  type ServiceDefaults,
  type Remote,
} from "./consul.ts";
import { MODULE_PATH, serveModule } from "./module.ts";
import { type MeshProxy, startMeshProxy } from "./proxy.ts";
import { clusterOf } from "./resources.ts";
import { describeMesh, sidecarsOf } from "./setup.ts";
import { readHcl } from "./shipped.ts";
import { byPlugin, expectTruth, initialize, runClients } from "./traffic.ts";

const OUTBOUND = clusterName("mcp-server");
const CLIENT = { mcp_role: "client", mcp_server: OUTBOUND };
const SERVER = { mcp_role: "server", mcp_server: "default/mcp-server" };

const keep = endsAfterAll();
let server: FixtureServer;
let modules: Upstream;

beforeAll(async () => {
  server = keep(await startFixtureServer());
  modules = keep(await startUpstream());
});

type Change = (plugin: Plugin) => void;
type Plugin = ServiceDefaults["EnvoyExtensions"][number]["Arguments"]["PluginConfig"];

/** An entry with the module's actual place. */
async function entry(file: string, change: Change): Promise<ServiceDefaults> {
  const defaults = await readHcl<ServiceDefaults>(`consul/${file}.hcl`);
  for (const { Arguments } of defaults.EnvoyExtensions) change(Arguments.PluginConfig);
  return defaults;
}

const fromFile: Change = ({ VmConfig }) => {
  expect(VmConfig.Code).toEqual({ Local: { Filename: "/etc/mcp/mcp.wasm" } });
  VmConfig.Code = { Local: { Filename: MODULE_PATH } };
};

/** Fills in what an entry with a remote module leaves to its reader. */
function fromServer(sha256?: string): Change {
  const served = serveModule(modules);
  return ({ VmConfig }) => {
    const { Remote } = VmConfig.Code as { Remote: Remote };
    expect(Remote.SHA256).toBe("0".repeat(64));
    Remote.SHA256 = sha256 ?? served.sha256;
    Remote.HttpURI.URI = served.uri;
  };
}

/** Sidecars of a client, without the filter if it has no entry, and of the server. */
async function resourcesOf(ofServer: ServiceDefaults, ofClient?: ServiceDefaults): Promise<object[]> {
  const sidecars = await sidecarsOf(server.port, {
    outbound: OUTBOUND,
    inbound: "local_app",
    outboundFilters: ofClient === undefined ? [] : filtersOf(ofClient, "outbound"),
    inboundFilters: filtersOf(ofServer, "inbound"),
  });
  return [clusterOf(clusterName("mcp-modules"), modules.port), ...sidecars];
}

async function start(resources: readonly object[]): Promise<MeshProxy> {
  const defaults = await readHcl<ProxyDefaults>("consul/proxy-defaults.hcl");
  return keep(await startMeshProxy(resources, bootstrapPartOf(defaults)));
}

describeMesh("Consul", () => {
  it.each<{ name: string; change: Change; server?: string }>([
    { name: "as they are", change: ({ Configuration }) => expect(Configuration).toMatch(/\n$/) },
    { name: "without a root id", change: (plugin) => delete plugin.RootID },
    { name: "with a name for the VM", change: ({ VmConfig }) => (VmConfig.VmID = "mcp") },
    { name: "without a configuration", change: (plugin) => delete plugin.Configuration, server: "local_app" },
  ])(
    "a module in a file: service-defaults of server and client $name",
    async ({ change, server: mcp_server = SERVER.mcp_server }) => {
      const files = ["service-defaults", "service-defaults-outbound"];
      const [ofServer, ofClient] = await Promise.all(
        files.map((file) =>
          entry(file, (plugin) => {
            fromFile(plugin);
            change(plugin);
          }),
        ),
      );
      const proxy = await start(await resourcesOf(ofServer, ofClient));
      await expectTruth(proxy, await runClients(proxy.urls.outbound), [CLIENT, { ...SERVER, mcp_server }]);
    },
  );

  it("a module from a service of the mesh", async () => {
    const proxy = await start(await resourcesOf(await entry("service-defaults-remote", fromServer())));
    await expectTruth(proxy, await runClients(proxy.urls.outbound), [SERVER]);
  });

  it.each([
    { required: false, status: 200 },
    { required: true, status: 503 },
  ])("a digest that does not fit, required $required: the listener opens, and answers $status", async (of) => {
    const ofServer = await entry("service-defaults-remote", fromServer("0123456789abcdef".repeat(4)));
    for (const extension of ofServer.EnvoyExtensions) {
      extension.Required = of.required;
      // Otherwise the listener waits several seconds longer.
      delete (extension.Arguments.PluginConfig.VmConfig.Code as { Remote: Remote }).Remote.RetryPolicy;
    }
    const proxy = await start(await resourcesOf(ofServer));
    expect(await initialize(`${proxy.urls.outbound}/mcp`)).toBe(of.status);
    expect(byPlugin(await readMetrics(proxy))).toEqual({});
    expect(proxy.log()).toContain("Plugin mcp failed to load");
  });
});
