/** Generates what Emissary's control plane generates from our Mappings: routes of its own Envoy, and their cluster. */
import { readYamls } from "./shipped.ts";
import { TYPE } from "./resources.ts";

/** A Mapping, as far as our files have one. Times are in milliseconds. */
export interface Mapping {
  spec: {
    hostname: string;
    prefix: string;
    prefix_exact?: boolean;
    rewrite?: string;
    service: string;
    timeout_ms?: number;
    idle_timeout_ms?: number;
    load_balancer?: { policy: "ring_hash"; header?: string; source_ip?: true };
  };
}

/** Emissary's default for the whole response. */
const DEFAULT_TIMEOUT_MS = 3000;

/** The Mappings of the file, for every host. */
export function readMappings(): Mapping[] {
  return readYamls<Mapping>("emissary/mapping.yaml").map((mapping) => ({
    spec: { ...mapping.spec, hostname: "*" },
  }));
}

function routeOf({ spec }: Mapping): object {
  const { prefix, prefix_exact, rewrite = "/", timeout_ms = DEFAULT_TIMEOUT_MS, idle_timeout_ms } = spec;
  const { header, source_ip } = spec.load_balancer ?? {};
  return {
    match: prefix_exact ? { path: prefix } : { prefix },
    route: {
      cluster: "pod",
      timeout: `${timeout_ms / 1000}s`,
      ...(idle_timeout_ms !== undefined && { idle_timeout: `${idle_timeout_ms / 1000}s` }),
      ...(rewrite !== "" && { prefix_rewrite: rewrite }),
      ...(header !== undefined && { hash_policy: [{ header: { header_name: header } }] }),
      ...(source_ip && { hash_policy: [{ connection_properties: { source_ip } }] }),
    },
  };
}

/** The bootstrap of an Envoy as Emissary configures it for these Mappings, all of which lead to pods at these ports. */
export function edgeOf(mappings: readonly Mapping[], ports: readonly number[]): object {
  const manager = {
    "@type": `${TYPE}envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: "ingress_http",
    normalize_path: true,
    use_remote_address: true,
    route_config: { virtual_hosts: [{ name: "http", domains: ["*"], routes: mappings.map(routeOf) }] },
    http_filters: [
      {
        name: "envoy.filters.http.router",
        typed_config: { "@type": `${TYPE}envoy.extensions.filters.http.router.v3.Router` },
      },
    ],
  };
  const addressOf = (port_value: number) => ({ socket_address: { address: "127.0.0.1", port_value } });
  return {
    admin: { address: addressOf(0) },
    static_resources: {
      listeners: [
        {
          name: "http",
          address: addressOf(0),
          filter_chains: [
            { filters: [{ name: "envoy.filters.network.http_connection_manager", typed_config: manager }] },
          ],
        },
      ],
      clusters: [
        {
          name: "pod",
          type: "STATIC",
          lb_policy: mappings.some(({ spec }) => spec.load_balancer) ? "RING_HASH" : "ROUND_ROBIN",
          connect_timeout: "3s",
          load_assignment: {
            cluster_name: "pod",
            endpoints: [{ lb_endpoints: ports.map((port) => ({ endpoint: { address: addressOf(port) } })) }],
          },
        },
      ],
    },
  };
}
