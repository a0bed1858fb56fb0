/**
 * Generates what Consul generates from our configuration entries: its extension builtin/wasm, inline in the listener,
 * and the bootstrap.
 */
import { type Code, type HttpFilter, stringValue, WASM_TYPE } from "./resources.ts";

/** A service-defaults entry. */
export interface ServiceDefaults {
  Protocol: string;
  EnvoyExtensions: { Name: string; Required: boolean; Arguments: WasmArguments }[];
}

export interface WasmArguments {
  Protocol: string;
  ListenerType: "inbound" | "outbound";
  PluginConfig: {
    Name?: string;
    RootID?: string;
    Configuration?: string;
    VmConfig: {
      VmID?: string;
      Runtime?: string;
      Code: { Local: { Filename: string } } | { Remote: Remote };
    };
  };
}

export interface Remote {
  SHA256: string;
  HttpURI: { Service: { Name: string }; URI: string; Timeout?: string };
  RetryPolicy?: { NumRetries?: number };
}

/** A proxy-defaults entry. */
export interface ProxyDefaults {
  Config: { envoy_stats_config_json: string };
}

/** A mesh entry. */
export interface Mesh {
  HTTP: { Incoming: { RequestNormalization: Record<string, unknown> } };
}

/** The fields of the mesh entry in connection managers of inbound listeners. */
export function managerOf({ HTTP }: Mesh): object {
  const normalization = HTTP.Incoming.RequestNormalization;
  return {
    normalize_path: normalization.InsecureDisablePathNormalization !== true,
    merge_slashes: normalization.MergeSlashes === true,
    path_with_escaped_slashes_action: normalization.PathWithEscapedSlashesAction ?? "IMPLEMENTATION_SPECIFIC_DEFAULT",
  };
}

/** The cluster of an upstream service. */
export function clusterName(service: string): string {
  return `${service}.default.dc1.internal.c6f48ba0-3a0c-4d8e-9f0c-2f7b0a6d2f11.consul`;
}

/** The filters that a service's own sidecar gets in its listeners of this type. */
export function filtersOf({ Protocol, EnvoyExtensions }: ServiceDefaults, type: "inbound" | "outbound"): HttpFilter[] {
  const extensions = EnvoyExtensions.filter(({ Arguments }) => {
    return Arguments.ListenerType === type && Arguments.Protocol === Protocol;
  });
  return extensions.map(({ Required, Arguments: { PluginConfig: plugin } }) => {
    const { Name = "", RootID = "", Configuration = "", VmConfig } = plugin;
    const config = {
      name: Name,
      root_id: RootID,
      fail_open: !Required,
      ...(Configuration !== "" && { configuration: stringValue(Configuration) }),
      vm_config: {
        vm_id: VmConfig.VmID ?? "",
        runtime: `envoy.wasm.runtime.${VmConfig.Runtime ?? "v8"}`,
        code: codeOf(VmConfig.Code),
      },
    };
    // It always has this name, independent of the plugin's name.
    return { name: "envoy.filters.http.wasm", typed_config: { "@type": WASM_TYPE, config } };
  });
}

/** The node of the server's proxy (`command/connect/envoy/bootstrap_tpl.go`). */
const NODE = {
  id: "mcp-server-sidecar-proxy",
  cluster: "mcp-server",
  metadata: { node_name: "node-1", namespace: "default", partition: "default" },
};

/** The part of the bootstrap with these defaults, and the node. */
export function bootstrapPartOf({ Config }: ProxyDefaults): object {
  return { node: NODE, stats_config: JSON.parse(Config.envoy_stats_config_json) as object };
}

function codeOf(code: WasmArguments["PluginConfig"]["VmConfig"]["Code"]): Code {
  if ("Local" in code) return { local: { filename: code.Local.Filename } };
  const { HttpURI, RetryPolicy, SHA256 } = code.Remote;
  return {
    remote: {
      // The duration in whole seconds.
      http_uri: { uri: HttpURI.URI, cluster: clusterName(HttpURI.Service.Name), timeout: HttpURI.Timeout ?? "1s" },
      sha256: SHA256,
      ...(RetryPolicy?.NumRetries && { retry_policy: { num_retries: RetryPolicy.NumRetries } }),
    },
  };
}
