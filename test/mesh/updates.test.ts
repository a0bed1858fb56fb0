/**
 * New configurations and new modules under load, delivered as by each mesh: nothing is lost, and nothing counted twice.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Envoy } from "../../scripts/envoy/process.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import { readMetrics } from "../envoy/prometheus.ts";
import { SessionServer } from "../envoy/sessions/session-server.ts";
import { SteadyLoad } from "../envoy/sessions/steady-load.ts";
import { startUpstream, type Upstream } from "../envoy/upstream.ts";
import * as consul from "./consul.ts";
import * as gateway from "./gateway.ts";
import * as istio from "./istio.ts";
import * as kuma from "./kuma.ts";
import { rebuilt, type ServedModule, serveModule } from "./module.ts";
import { startMeshProxy } from "./proxy.ts";
import { discoveredOf } from "./raw.ts";
import { clusterOf, type ListenerOptions, listenerOf } from "./resources.ts";
import { describeMesh } from "./setup.ts";
import { readHcl, readYaml } from "./shipped.ts";
import { complaints, initialize } from "./traffic.ts";

const SESSIONS = 4;
const STREAMS = 2;
/** How long each applies: longer than the tick that settles it. */
const IN_FORCE_MS = 1200;
const WORKERS = 2;
const POLL = { timeout: 30_000, interval: 250 };
const CLUSTER = "server";

/** A build of the module: as a file, and over HTTP. */
interface Build extends ServedModule {
  path: string;
}

/** The proxy's state at a time: a configuration and a build. */
interface State {
  config: { labels: { caller: boolean }; sessions: { max: number } };
  build: Build;
}

/** What a mesh generates from a state: filters of the listener, and further resources. */
interface Made extends Pick<ListenerOptions, "filters" | "perFilter"> {
  resources?: object[];
}

const keep = endsAfterAll();
const folder = mkdtempSync(join(tmpdir(), "mcp-mesh-"));
let server: SessionServer;
let modules: Upstream;
let builds: Build[];

afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeAll(async () => {
  server = keep(await SessionServer.start());
  modules = keep(await startUpstream());
  builds = ["first", "second", "third"].map((name) => {
    const module = rebuilt(name);
    const path = join(folder, `${name}.wasm`);
    writeFileSync(path, module);
    return { path, ...serveModule(modules, module) };
  });
});

const MESHES: Record<string, (state: State) => Made | Promise<Made>> = {
  "Istio, by ECDS from a file": ({ config, build }) => {
    const plugin = readYaml<istio.WasmPlugin>("istio/sidecar-inbound.yaml");
    plugin.spec.pluginConfig = { ...plugin.spec.pluginConfig, ...config };
    const { filter, resource } = istio.discoveredOf(plugin, "1.30", build.path);
    return { filters: [filter], resources: [resource] };
  },
  "Kuma, by LDS from a file": ({ config, build }) => {
    const patch = readYaml<kuma.MeshProxyPatch>("kuma/inbound.universal.yaml", {
      "filename: /etc/mcp/mcp.wasm": `filename: ${build.path}`,
      '{"role":"server","server":"{workload}"}': JSON.stringify({ role: "server", ...config }),
    });
    return { filters: kuma.filtersOf([patch], "inbound") };
  },
  "Consul, by LDS from a server": async ({ config, build }) => {
    const entry = await readHcl<consul.ServiceDefaults>("consul/service-defaults-remote.hcl");
    const [{ Arguments }] = entry.EnvoyExtensions;
    const { Remote } = Arguments.PluginConfig.VmConfig.Code as { Remote: consul.Remote };
    Remote.SHA256 = build.sha256;
    Remote.HttpURI.URI = build.uri;
    Arguments.PluginConfig.Configuration = `${JSON.stringify({ role: "server", ...config })}\n`;
    return { filters: consul.filtersOf(entry, "inbound"), resources: [modulesAs(consul.clusterName("mcp-modules"))] };
  },
  "Envoy Gateway, by LDS from a server": ({ config, build }) => {
    const policy = readYaml<gateway.EnvoyExtensionPolicy>("gateway/extension-policy.yaml");
    policy.spec.wasm[0].config = { role: "server", ...config };
    return { ...gateway.extensionOf(policy, build), resources: [modulesAs(gateway.MODULE_CLUSTER)] };
  },
};

function modulesAs(cluster: string): object {
  return clusterOf(cluster, modules.port);
}

async function resourcesOf(make: (state: State) => Made | Promise<Made>, state: State): Promise<object[]> {
  const { resources = [], ...filters } = await make(state);
  return [clusterOf(CLUSTER, server.port), listenerOf({ name: "mcp", cluster: CLUSTER, ...filters }), ...resources];
}

/** The values of a family by the label `mcp_caller`, without zeros. */
async function byCaller(envoy: Envoy, family: string): Promise<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const { name, labels, value } of await readMetrics(envoy)) {
    const caller = labels.mcp_caller ?? "";
    if (name === family && value !== 0) sums[caller] = (sums[caller] ?? 0) + value;
  }
  return sums;
}

const { stats_config } = readYaml<{ stats_config: object }>("envoy.yaml");

const UPDATES = 5;

/** Each update is a new configuration, and every other one a new build. In the last one callers become a label. */
function stateAfter(updates: number): State {
  const config = { labels: { caller: updates === UPDATES }, sessions: { max: 1000 + updates } };
  return { config, build: builds[Math.floor(updates / 2)] };
}

describeMesh("updates under load", () => {
  it.each(Object.keys(MESHES))("%s", async (mesh) => {
    const resources = (updates: number) => resourcesOf(MESHES[mesh], stateAfter(updates));
    const proxy = keep(await startMeshProxy(await resources(0), { stats_config, node: istio.NODE }, WORKERS));
    const load = keep(await SteadyLoad.begin(`${proxy.urls.mcp}${server.path}`, SESSIONS));
    // They stay open throughout. By ECDS, the series of a build disappear with its last VM, and these streams keep it.
    const streams = await Promise.all(load.sessions.slice(0, STREAMS).map((session) => session.listen()));
    for (let update = 1; update <= UPDATES; update++) {
      expect(await proxy.deliver(await resources(update))).toEqual({});
      await sleep(IN_FORCE_MS);
    }
    await load.close();
    expect(load.failures).toEqual([]);

    const { "": before, "127.0.0.1": after } = await byCaller(proxy, "mcp_operations_total");
    expect(before + after).toBe(load.answered + SESSIONS);
    expect(complaints(proxy)).toEqual([]);
    expect(await byCaller(proxy, "mcp_sessions_started_total")).toEqual({ "": SESSIONS });
    expect(await byCaller(proxy, "mcp_sessions_adopted_total")).toEqual({});
    await expect.poll(() => byCaller(proxy, "mcp_sessions_active"), POLL).toEqual({ "": SESSIONS });
    await expect.poll(() => byCaller(proxy, "mcp_streams_active"), POLL).toEqual({ "": STREAMS });
    server.notifyAll();
    await expect.poll(() => streams.map(({ received }) => received().includes("changed")), POLL).not.toContain(false);
    for (const stream of streams) stream.leave();
  });

  it("by ECDS, another module from a server is never fetched: Envoy lets all pass unseen", async () => {
    const [first, second] = builds;
    const resources = ({ uri, sha256 }: Build, name: string) => {
      const remote = { http_uri: { uri, cluster: "modules", timeout: "5s" }, sha256 };
      const { filter, resource } = discoveredOf(name, { root_id: "mcp" }, { remote });
      const listener = listenerOf({ name: "mcp", cluster: CLUSTER, filters: [filter] });
      return [modulesAs("modules"), clusterOf(CLUSTER, server.port), listener, resource];
    };
    const proxy = keep(await startMeshProxy(resources(first, "mcp"), { stats_config }));
    const operations = () => byCaller(proxy, "mcp_operations_total");
    expect(await initialize(`${proxy.urls.mcp}${server.path}`)).toBe(200);
    expect(await operations()).toEqual({ "": 1 });

    expect(await proxy.deliver(resources(second, "mcp"))).toEqual({});
    await sleep(IN_FORCE_MS);
    expect(await initialize(`${proxy.urls.mcp}${server.path}`)).toBe(200);
    expect(await operations()).toEqual({});

    // A listener that requests it by another name does fetch it.
    expect(await proxy.deliver(resources(second, "mcp-2"))).toEqual({});
    const isCounted = async () => {
      await initialize(`${proxy.urls.mcp}${server.path}`);
      return Object.keys(await operations()).length > 0;
    };
    await expect.poll(isCounted, POLL).toBe(true);
  });
});
