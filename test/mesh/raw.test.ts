/** Envoy without a mesh: the filter by ECDS, from a file and from an xDS server, in every form of a configuration. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startEnvoy } from "../../scripts/envoy/process.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import { type Counts, readMetrics } from "../envoy/prometheus.ts";
import type { Recording } from "../envoy/recording.ts";
import { startUpstream, type Upstream } from "../envoy/upstream.ts";
import { type FixtureServer, startFixtureServer } from "../../scripts/demo/servers/fixture-server.ts";
import { MODULE_PATH, serveModule } from "./module.ts";
import { type MeshProxy, startMeshProxy } from "./proxy.ts";
import { discoveredOf, type Plugin } from "./raw.ts";
import { clusterOf, type Code, listenerOf, stringValue, structJson, TYPE } from "./resources.ts";
import { describeMesh } from "./setup.ts";
import { readYaml } from "./shipped.ts";
import { byPlugin, complaints, expectTruth, expectTruths, type PluginLabels, runClients, truthIn } from "./traffic.ts";

const keep = endsAfterAll();
const folder = mkdtempSync(join(tmpdir(), "mcp-mesh-"));
let server: FixtureServer;
let modules: Upstream;

afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeAll(async () => {
  server = keep(await startFixtureServer());
  modules = keep(await startUpstream());
});

describe("ecds.yaml", () => {
  it.each(["extension", "extension-local"])("with %s.yaml", async (name) => {
    const { uri, sha256 } = serveModule(modules);
    const resource = readYaml<object>(
      `raw/${name}.yaml`,
      name === "extension"
        ? { "http://127.0.0.1:8000/mcp.wasm": uri, ["0".repeat(64)]: sha256 }
        : { "local: { filename: build/mcp.wasm }": `local: { filename: ${MODULE_PATH} }` },
    );
    const path = join(folder, `${name}.json`);
    writeFileSync(path, JSON.stringify(resource));
    const bootstrap = readYaml<object>("raw/ecds.yaml", {
      "port_value: 9901": "port_value: 0",
      "port_value: 10000": "port_value: 0",
      "port_value: 3001": `port_value: ${server.port}`,
      "port_value: 8000": `port_value: ${modules.port}`,
      "path: build/extension.yaml": `path: ${path}`,
    });
    const envoy = keep(await startEnvoy({ upstream: server, vary: () => JSON.stringify(bootstrap) }));
    await expectTruth(envoy, await runClients(envoy.proxyUrl), [{ mcp_role: "server", mcp_server: "mcp_upstream" }]);
  });
});

/** A listener with filters from ECDS. Its name is also its cluster's, and so the label `mcp_server`. */
interface Shape {
  name: string;
  filters: { name: string; plugin: Plugin; isRemote?: boolean }[];
}

const { stats_config } = readYaml<{ stats_config: object }>("envoy.yaml");

async function startShapes(shapes: readonly Shape[]): Promise<MeshProxy> {
  const { uri, sha256 } = serveModule(modules);
  const local: Code = { local: { filename: MODULE_PATH } };
  const remote: Code = { remote: { http_uri: { uri, cluster: "modules", timeout: "5s" }, sha256 } };
  const resources = shapes.flatMap(({ name, filters }) => {
    const discovered = filters.map((filter) =>
      discoveredOf(filter.name, filter.plugin, filter.isRemote ? remote : local),
    );
    return [
      clusterOf(name, server.port),
      listenerOf({ name, cluster: name, filters: discovered.map(({ filter }) => filter) }),
      ...discovered.map(({ resource }) => resource),
    ];
  });
  return keep(await startMeshProxy([clusterOf("modules", modules.port), ...resources], { stats_config }));
}

const CONFIGURATION = { tokens: { scale: 1 }, sessions: { max: 20000, idleTimeout: "30m" }, labels: { maxTools: 256 } };

/** Each in a separate listener of one Envoy. Those with the same vm_id and module share VMs. */
const SHAPES: Record<string, Plugin & { isRemote?: boolean }> = {
  nothing: {},
  "no-root-id": { configuration: stringValue("{}") },
  "root-id": { root_id: "mcp", configuration: stringValue("{}") },
  "another-root-id": { root_id: "other", configuration: stringValue("{}") },
  "vm-id": { vm_config: { vm_id: "mcp" }, root_id: "mcp" },
  "vm-id-no-root-id": { vm_config: { vm_id: "mcp" }, configuration: stringValue('{"log":"info"}') },
  environment: { vm_config: { environment_variables: { key_values: { A: "1" } } }, root_id: "mcp" },
  "no-bytes": { root_id: "mcp", configuration: {} },
  "empty-text": { root_id: "mcp", configuration: stringValue("") },
  newline: { root_id: "mcp", configuration: stringValue('{ "log": "warn" }\n') },
  doubles: { root_id: "mcp", configuration: stringValue('{"labels":{"maxTools":256.0},"sessions":{"max":2e4}}') },
  bytes: { configuration: { "@type": `${TYPE}google.protobuf.BytesValue`, value: btoa("{}") } },
  "struct-born": { root_id: "mcp", configuration: stringValue(structJson(CONFIGURATION)) },
  remote: { root_id: "mcp", configuration: stringValue(JSON.stringify(CONFIGURATION)), isRemote: true },
  "remote-vm-id": { vm_config: { vm_id: "mcp" }, isRemote: true },
};

describeMesh("ECDS from an xDS server", () => {
  it("every shape of identity and configuration counts the same", async () => {
    const shapes = Object.entries(SHAPES).map(([name, { isRemote, ...plugin }]): Shape => {
      return { name, filters: [{ name, plugin, isRemote }] };
    });
    const proxy = await startShapes(shapes);
    const seen = new Map<PluginLabels, Recording>();
    for (const name of Object.keys(SHAPES)) {
      seen.set({ mcp_role: "server", mcp_server: name }, await runClients(proxy.urls[name]));
    }
    await expectTruths(proxy, seen);
  });

  it("two plugins in one chain that are one counting unit: each counts what passes, both the same sessions", async () => {
    const filters = ["first", "second"].map((name) => ({ name, plugin: { configuration: stringValue("{}") } }));
    const proxy = await startShapes([{ name: "pair", filters }]);
    const truth = Object.entries(truthIn(await runClients(proxy.urls.pair)));
    const twice = truth.map(([key, value]): [string, number] => [key, isOfSessions(key) ? value : 2 * value]);
    const counted = async () => withoutRepeated(Object.entries(byPlugin(await readMetrics(proxy))["server pair"]));
    await expect.poll(counted, { timeout: 10_000 }).toEqual(withoutRepeated(twice));
  });

  it("a Struct in place of text, which reaches the filter as protobuf: it complains, and traffic passes unread", async () => {
    const configuration = { "@type": `${TYPE}google.protobuf.Struct`, value: CONFIGURATION };
    const proxy = await startShapes([{ name: "struct", filters: [{ name: "struct", plugin: { configuration } }] }]);
    await runClients(proxy.urls.struct);
    expect(byPlugin(await readMetrics(proxy))).toEqual({});
    expect(complaints(proxy).join()).toContain("configuration: expected a JSON object, got invalid JSON");
  });
});

function isOfSessions(key: string): boolean {
  return key.startsWith("mcp_sessions_");
}

/**
 * The counts without repeated calls, because in a chain the second plugin counts what the first has seen as a
 * repetition.
 */
function withoutRepeated(counts: [key: string, value: number][]): Counts {
  return Object.fromEntries(counts.filter(([key]) => !key.startsWith("mcp_repeated_calls_total")));
}
