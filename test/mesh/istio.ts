/**
 * Generates what istiod and pilot-agent generate from our files. Measured with Istio 1.29 and 1.32, except where a
 * source is cited.
 */
import { type Code, EXTENSION_TYPE, type HttpFilter, stringValue, structJson, TYPE, WASM_TYPE } from "./resources.ts";

/** The module's configuration: the same fields in a WasmPlugin's spec and in a TrafficExtension's `wasm`. */
interface WasmConfig {
  url: string;
  pluginName?: string;
  pluginConfig?: Record<string, unknown>;
  failStrategy?: "FAIL_CLOSE" | "FAIL_OPEN" | "FAIL_RELOAD";
}

interface Attachment {
  phase?: "AUTHN" | "AUTHZ" | "STATS";
  priority?: number;
  match?: { mode?: "CLIENT" | "SERVER" | "CLIENT_AND_SERVER" }[];
}

export interface WasmPlugin {
  kind: "WasmPlugin";
  metadata: { name: string };
  spec: Attachment & WasmConfig;
}

export interface TrafficExtension {
  kind: "TrafficExtension";
  metadata: { name: string };
  spec: Attachment & { wasm: WasmConfig };
}

export type Plugin = WasmPlugin | TrafficExtension;

/** From 1.30 on, istiod converts each WasmPlugin into a TrafficExtension. */
export type Release = "1.29" | "1.30";

export type ListenerClass = "inbound" | "outbound" | "gateway" | "waypoint";

const NAMESPACE = "mcp";
const RBAC_TYPE = `${TYPE}envoy.extensions.filters.http.rbac.v3.RBAC`;
const PHASES = ["AUTHN", "AUTHZ", "STATS", undefined];

/** A filter of a listener, and the resource that it requests from ECDS. */
export interface Discovered {
  filter: HttpFilter;
  resource: object;
}

/**
 * The resource from ECDS for a plugin once pilot-agent has the module at this path. If it could not fetch the module,
 * its replacement, which lets everything or nothing pass.
 */
export function discoveredOf(plugin: Plugin, release: Release, modulePath: string | undefined): Discovered {
  const isTranslated = plugin.kind === "WasmPlugin" && release !== "1.29";
  const fullName = `${NAMESPACE}.${plugin.metadata.name}${isTranslated ? "~istio-translated-wasmplugin" : ""}`;
  const kind = plugin.kind === "TrafficExtension" || isTranslated ? "trafficextension" : "wasmplugin";
  const name = `extensions.istio.io/${kind}/${fullName}`;
  const config_discovery = {
    config_source: { ads: {}, resource_api_version: "V3", initial_fetch_timeout: "0s" },
    type_urls: [WASM_TYPE, RBAC_TYPE],
  };
  const wasm = wasmOf(plugin);
  const typed_config =
    modulePath === undefined
      ? { "@type": RBAC_TYPE, ...(wasm.failStrategy !== "FAIL_OPEN" && { rules: {} }) }
      : { "@type": WASM_TYPE, config: pluginConfigOf(fullName, wasm, { local: { filename: modulePath } }) };
  return { filter: { name, config_discovery }, resource: { "@type": EXTENSION_TYPE, name, typed_config } };
}

/** The plugins that apply to a listener of this class, in their order. */
export function chainOf<T extends Plugin>(plugins: readonly T[], of: ListenerClass): T[] {
  const attached = plugins.filter(({ spec: { match = [] } }) => {
    return (
      match.length === 0 ||
      match.some(({ mode }) => mode === undefined || ["CLIENT_AND_SERVER", modeOf(of)].includes(mode))
    );
  });
  const place = ({ spec: { phase } }: T) => PHASES.indexOf(phase);
  const priority = ({ spec: { priority = 0 } }: T) => priority;
  return attached.sort((a, b) => place(a) - place(b) || priority(b) - priority(a));
}

/** The part of a sidecar's node, as written by pilot-agent, that names the workload. */
export const NODE = {
  id: `sidecar~10.0.0.1~mcp-server-0.${NAMESPACE}~${NAMESPACE}.svc.cluster.local`,
  cluster: `mcp-server.${NAMESPACE}`,
  metadata: { NAME: "mcp-server-0", NAMESPACE, WORKLOAD_NAME: "mcp-server", LABELS: { app: "mcp-server" } },
};

/**
 * The part of a proxy's bootstrap from the mesh's configuration: labels, buckets, and which statistics are kept; and
 * its node.
 */
export function bootstrapPartOf(values: MeshConfig): object {
  const annotation = values.sidecarInjectorWebhook.injectedAnnotations["sidecar.istio.io/statsHistogramBuckets"];
  const buckets = Object.entries(JSON.parse(annotation) as Record<string, number[]>);
  const kept = ["reporter=", "cluster_manager", "listener_manager", "server", "cluster.xds-grpc", "wasm"];
  return {
    node: NODE,
    stats_config: {
      use_all_default_tags: false,
      stats_tags: values.meshConfig.defaultConfig.extraStatTags.map((tag) => {
        return { tag_name: tag, regex: `(${tag}=\\.=(.*?);\\.;)` };
      }),
      histogram_bucket_settings: buckets.map(([prefix, buckets]) => ({ match: { prefix }, buckets })),
      stats_matcher: { inclusion_list: { patterns: kept.map((prefix) => ({ prefix })) } },
    },
  };
}

/** The part of connection managers from the mesh's configuration: how paths are normalized (pilot's `listener.go`). */
export function managerOf({ meshConfig }: MeshConfig): object {
  const steps = ["BASE", "MERGE_SLASHES", "DECODE_AND_MERGE_SLASHES"].indexOf(
    meshConfig.pathNormalization.normalization,
  );
  return {
    normalize_path: steps >= 0,
    merge_slashes: steps >= 1,
    path_with_escaped_slashes_action: steps >= 2 ? "UNESCAPE_AND_FORWARD" : "KEEP_UNCHANGED",
  };
}

/** The chart's values that are used here. */
export interface MeshConfig {
  meshConfig: { defaultConfig: { extraStatTags: string[] }; pathNormalization: { normalization: string } };
  sidecarInjectorWebhook: { injectedAnnotations: { "sidecar.istio.io/statsHistogramBuckets": string } };
}

function wasmOf(plugin: Plugin): WasmConfig {
  return plugin.kind === "WasmPlugin" ? plugin.spec : plugin.spec.wasm;
}

function pluginConfigOf(name: string, wasm: WasmConfig, code: Code): object {
  const { pluginName = "", pluginConfig = {}, failStrategy = "FAIL_CLOSE" } = wasm;
  return {
    name,
    root_id: pluginName,
    // For an absent or empty configuration there is an Any without a type: zero bytes.
    configuration: Object.keys(pluginConfig).length === 0 ? {} : stringValue(structJson(pluginConfig)),
    failure_policy: failStrategy === "FAIL_CLOSE" ? "FAIL_CLOSED" : failStrategy,
    vm_config: {
      runtime: "envoy.wasm.runtime.v8",
      code,
      environment_variables: { key_values: { ISTIO_META_WASM_PLUGIN_RESOURCE_VERSION: "12345" } },
    },
  };
}

/** Istio treats listeners of gateways as a client's, and those of waypoints as a server's. */
function modeOf(of: ListenerClass): "CLIENT" | "SERVER" {
  return of === "inbound" || of === "waypoint" ? "SERVER" : "CLIENT";
}
