/** The files of envoy/ match their meshes' own types, and any misspelt key in them is detected. */
import { readFileSync } from "node:fs";
import { Telemetry } from "@kubernetes-models/istio/telemetry.istio.io/v1alpha1";
import { WasmPlugin } from "@kubernetes-models/istio/extensions.istio.io/v1alpha1";
import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { hasComponent } from "../components.ts";
import { buildGoProgram, INSTALL_GO } from "../fixtures/go.ts";
import { faultsOf, type MeshDocument, pluginConfigsIn, readMeshDocuments } from "./checks.ts";
import { decodeAll } from "./mesh-types.ts";
import { misspell, misspellHcl } from "./misspell.ts";

const DOCUMENTS = readMeshDocuments();
const PATHS = [...new Set(DOCUMENTS.map(({ path }) => path))];
const BUILD_MS = 600_000;
const HELM = "istio/mesh-config.yaml";
const STATIC = parse(readFileSync("envoy/envoy.yaml", "utf8")) as Bootstrap;

interface Bootstrap {
  node?: object;
  static_resources: {
    listeners: [{ filter_chains: [{ filters: [{ typed_config: Manager }] }] }];
    clusters: { name: string }[];
  };
  stats_config: StatsConfig;
}

interface Manager {
  use_remote_address?: boolean;
  forward_client_cert_details?: string;
  upgrade_configs?: object[];
  http_filters: unknown[];
  access_log: [{ typed_config: { log_format: { json_format: object } } }];
}

interface StatsConfig {
  use_all_default_tags?: boolean;
  stats_tags: { tag_name: string; regex: string }[];
  histogram_bucket_settings: { match: { safe_regex: { regex: string } }; buckets: number[] }[];
}

interface ContainerPatch {
  metadata: { name: string };
  spec: { sidecarPatch: [{ value: string }] };
}

interface PodTemplate {
  metadata: { annotations: object };
  spec: { volumes: { name: string }[] };
}

/** The documents of a file. */
function documentsOf(path: string): unknown[] {
  return DOCUMENTS.filter((one) => one.path === path).map(({ document }) => document);
}

function managerOf(bootstrap: Bootstrap): Manager {
  return bootstrap.static_resources.listeners[0].filter_chains[0].filters[0].typed_config;
}

/** The decoded form of a file in HCL. */
async function decodedHcl(path: string): Promise<unknown> {
  const [{ value }] = await decodeAll([{ type: "consul", text: documentsOf(path)[0] as string }]);
  return value;
}

describe.runIf(hasComponent("go", INSTALL_GO))("with the meshes' own types", () => {
  // Compiling takes a minute, which must not count as a test's time.
  beforeAll(() => buildGoProgram("mesh-types"), BUILD_MS);

  it("every file decodes strictly", async () => {
    const faults = await faultsOf(DOCUMENTS);
    const faulty = DOCUMENTS.flatMap(({ path }, index) => faults[index].map((fault) => `${path}: ${fault}`));
    expect(faulty).toEqual([]);
  });

  it.each(PATHS)("no key of %s can be misspelt", async (path) => {
    const misspelt = documentsOf(path).flatMap((document) => {
      return typeof document === "string" ? misspellHcl(document) : misspell(document);
    });
    expect(misspelt.length).toBeGreaterThan(2);
    const faults = await faultsOf(misspelt.map(({ document }): MeshDocument => ({ path, document })));
    expect(misspelt.filter((_, index) => faults[index].length === 0).map(({ place }) => place)).toEqual([]);
  });

  it("nor can a field have its name in Envoy's style, which Istio's types accept and the Kubernetes API server drops", async () => {
    const [{ spec, ...rest }] = documentsOf("istio/gateway.yaml") as [{ spec: Record<string, unknown> }];
    const { pluginName, ...others } = spec;
    const document = { ...rest, spec: { ...others, plugin_name: pluginName } };
    expect(await faultsOf([{ path: "istio/gateway.yaml", document }])).toEqual([
      [expect.stringMatching("plugin_name|additional")],
    ]);
  });

  it("each filter has the role of its side", async () => {
    const roles: Record<string, unknown[]> = {};
    for (const { path, document } of DOCUMENTS) {
      const decoded = typeof document === "string" ? await decodedHcl(path) : document;
      (roles[path] ??= []).push(...pluginConfigsIn(decoded).map((config) => (config as { role: string }).role));
    }
    const withFilter = Object.entries(roles).filter(([, found]) => found.length > 0);
    expect(Object.fromEntries(withFilter)).toEqual({
      "istio/access.yaml": ["server"],
      "istio/global-limits.yaml": ["server"],
      "istio/sidecar-inbound.yaml": ["server"],
      "istio/sidecar-outbound.yaml": ["client"],
      "istio/gateway.yaml": ["server"],
      "istio/waypoint.yaml": ["server"],
      "istio/traffic-extension.yaml": ["server", "client"],
      "kuma/access.kubernetes.yaml": ["server"],
      "kuma/access.universal.yaml": ["server"],
      "kuma/inbound.kubernetes.yaml": ["server"],
      "kuma/inbound.universal.yaml": ["server"],
      "kuma/outbound.kubernetes.yaml": ["client"],
      "kuma/outbound.universal.yaml": ["client"],
      "consul/access.hcl": ["server"],
      "consul/service-defaults.hcl": ["server"],
      "consul/service-defaults-outbound.hcl": ["client"],
      "consul/service-defaults-remote.hcl": ["server"],
      "gateway/access.yaml": ["server"],
      "gateway/extension-policy.yaml": ["server"],
      "gateway/extension-policy-http.yaml": ["server"],
      "gateway/patch-policy.yaml": ["server"],
      "raw/mtls.yaml": ["server"],
      "raw/jwt.yaml": ["server"],
      "raw/global-limits.yaml": ["server"],
      "raw/extension.yaml": ["server"],
      "raw/extension-local.yaml": ["server"],
      "sidecar/envoy.yaml": ["server"],
      "linkerd/envoy.yaml": ["server"],
      "emissary/envoy.yaml": ["server"],
    });
  });

  it("Consul's bootstrap has the labels and buckets of envoy.yaml", async () => {
    const { Config } = (await decodedHcl("consul/proxy-defaults.hcl")) as { Config: Record<string, string> };
    const own = { use_all_default_tags: true, ...STATIC.stats_config };
    expect(JSON.parse(Config.envoy_stats_config_json)).toEqual(own);
  });
});

describe("@kubernetes-models/istio, made of the definitions of Istio 1.18", () => {
  const ofKind = <T>(kind: string) => {
    return DOCUMENTS.filter(({ document }) => (document as { kind?: string }).kind === kind).map(
      (one) => one.document as T,
    );
  };
  const plugins = ofKind<WasmPlugin>("WasmPlugin");

  it("takes each WasmPlugin, but none with a value of its own", () => {
    expect(plugins).toHaveLength(6);
    for (const plugin of plugins) {
      expect(() => new WasmPlugin(plugin).validate()).not.toThrow();
      const wrong = { ...plugin, spec: { ...plugin.spec, phase: "STATISTICS" as "STATS" } };
      expect(() => new WasmPlugin(wrong).validate()).toThrow("phase");
    }
  });

  it("takes the Telemetry, in the version of its time", () => {
    const [telemetry] = ofKind<Telemetry>("Telemetry");
    const older = { ...telemetry, apiVersion: "telemetry.istio.io/v1alpha1" } as const;
    expect(() => new Telemetry(older).validate()).not.toThrow();
    const wrong = { ...older, spec: { accessLogging: [{ providers: "mcp-access-log" as unknown as [] }] } };
    expect(() => new Telemetry(wrong).validate()).toThrow("providers");
  });
});

describe("what the files have in common", () => {
  const helm = documentsOf(HELM)[0] as {
    meshConfig: {
      defaultConfig: { extraStatTags: string[] };
      extensionProviders: [{ name: string; envoyFileAccessLog: { logFormat: { labels: object } } }];
    };
    sidecarInjectorWebhook: { injectedAnnotations: Record<string, string> };
  };
  const tags = STATIC.stats_config.stats_tags.map(({ tag_name }) => tag_name);

  it("Istio's labels", () => {
    expect(helm.meshConfig.defaultConfig.extraStatTags).toEqual(tags);
    // Istio generates from each tag the regular expression in envoy.yaml.
    const regexes = tags.map((tag) => `(${tag}=\\.=(.*?);\\.;)`);
    expect(STATIC.stats_config.stats_tags.map(({ regex }) => regex)).toEqual(regexes);
  });

  it("Istio's buckets, in one set", () => {
    const settings = STATIC.stats_config.histogram_bucket_settings;
    const durations = settings.filter(({ match }) => match.safe_regex.regex.endsWith("_milliseconds"));
    const bounds = [...new Set(durations.flatMap(({ buckets }) => buckets))].sort((a, b) => a - b);
    const annotation = helm.sidecarInjectorWebhook.injectedAnnotations["sidecar.istio.io/statsHistogramBuckets"];
    expect(JSON.parse(annotation)).toEqual({ wasmcustom: bounds });
  });

  it("what Istio's waypoints take from their Gateway", () => {
    const [patch] = documentsOf("istio/waypoint-patch.yaml");
    const annotations = {
      "sidecar.istio.io/extraStatTags": tags.join(","),
      "sidecar.istio.io/statsHistogramBuckets":
        helm.sidecarInjectorWebhook.injectedAnnotations["sidecar.istio.io/statsHistogramBuckets"],
    };
    expect(patch).toEqual({ spec: { infrastructure: { annotations } } });
  });

  it("Istio's access log, which its Telemetry names", () => {
    const [provider] = helm.meshConfig.extensionProviders;
    const format = managerOf(STATIC).access_log[0].typed_config.log_format.json_format;
    expect(provider.envoyFileAccessLog.logFormat.labels).toEqual(format);
    const [telemetry] = documentsOf("istio/telemetry.yaml") as { spec: object }[];
    expect(telemetry.spec).toEqual({ accessLogging: [{ providers: [{ name: provider.name }] }] });
  });

  it("the module's way into Kuma's sidecars", () => {
    const [patch] = documentsOf("kuma/container-patch.yaml") as [ContainerPatch];
    const [{ spec }] = documentsOf("kuma/deployment-patch.yaml") as [{ spec: { template: PodTemplate } }];
    const mount = JSON.parse(patch.spec.sidecarPatch[0].value) as { name: string; mountPath: string };
    expect(spec.template.metadata.annotations).toEqual({ "kuma.io/container-patches": patch.metadata.name });
    expect(spec.template.spec.volumes.map(({ name }) => name)).toEqual([mount.name]);
    expect(mount.mountPath).toBe("/etc/mcp");
    for (const path of PATHS.filter((path) => /^kuma\/(inbound|outbound|access)\./.test(path))) {
      expect(JSON.stringify(documentsOf(path)), path).toContain("local: { filename: /etc/mcp/mcp.wasm }");
    }
  });

  it("the bootstrap of Envoy Gateway", () => {
    const [proxy] = documentsOf("gateway/envoy-proxy.yaml") as [{ spec: { bootstrap: { value: string } } }];
    expect(parse(proxy.spec.bootstrap.value)).toEqual({ stats_config: STATIC.stats_config });
  });

  it("all of ecds.yaml but how the filter comes", () => {
    const [ecds] = documentsOf("raw/ecds.yaml") as [Bootstrap];
    const { node, ...copy } = structuredClone(ecds);
    expect(node).toEqual({ id: "mcp", cluster: "mcp" });
    const added = copy.static_resources.clusters.pop();
    expect(added?.name).toBe("modules");
    managerOf(copy).http_filters[0] = managerOf(STATIC).http_filters[0];
    expect(copy).toEqual(STATIC);
  });

  it("what Envoy's rate limit asks of its server, in each mesh and without one", () => {
    const limitsOf = (path: string): unknown => {
      const found: unknown[] = [];
      JSON.stringify(documentsOf(path), (key, value: unknown) => {
        if (key === "rate_limits") found.push(value);
        return value;
      });
      expect(found, path).toHaveLength(1);
      return found[0];
    };
    const expected = limitsOf("raw/global-limits.yaml");
    expect(limitsOf("istio/global-limits.yaml")).toEqual(expected);
    expect(limitsOf("gateway/global-limits.yaml")).toEqual(expected);
  });

  it.each([
    // A caller must not be able to choose its address.
    ["raw/mtls", [true, undefined]],
    ["raw/jwt", [true, undefined]],
    // Only the edge can connect to a sidecar, and sets the caller's address and name.
    ["sidecar/envoy", [false, "FORWARD_ONLY"]],
  ])("all of %s.yaml but who connects, and what the policy says", (name, whoConnects) => {
    const [bootstrap] = documentsOf(`${name}.yaml`) as [Bootstrap];
    const { static_resources, ...rest } = structuredClone(bootstrap);
    const { static_resources: expected, ...restOfStatic } = structuredClone(STATIC);
    expect(rest).toEqual(restOfStatic);
    expect(static_resources.clusters[0]).toEqual(expected.clusters[0]);
    const { http_filters: filters, use_remote_address, forward_client_cert_details, ...manager } = managerOf(bootstrap);
    const { http_filters: staticFilters, upgrade_configs, ...staticManager } = managerOf(STATIC);
    expect(manager).toEqual(staticManager);
    expect(filters.at(-1)).toEqual(staticFilters.at(-1));
    expect([use_remote_address, forward_client_cert_details]).toEqual(whoConnects);
    // Messages within an upgrade cannot be decided.
    expect(upgrade_configs).toEqual(expect.any(Array));
  });
});
