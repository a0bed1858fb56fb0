/** Creates a runnable configuration from `envoy/envoy.yaml`, by replacing only what differs between runs. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";

/** The path of the shipped configuration. */
export const CONFIG_PATH = fileURLToPath(new URL("../../envoy/envoy.yaml", import.meta.url));

/** The name of the cluster that receives spans. */
export const COLLECTOR = "otel_collector";

/** The parts of the file that are changed here. */
interface Bootstrap {
  admin: { address: Address };
  static_resources: {
    listeners: [{ address: Address; filter_chains: [{ filters: [{ typed_config: { http_filters: Filters } }] }] }];
    clusters: [Cluster, ...Cluster[]];
  };
}

interface Cluster {
  name: string;
  type: string;
  connect_timeout?: string;
  load_assignment: { cluster_name: string; endpoints: [{ lb_endpoints: [{ endpoint: { address: Address } }] }] };
}

interface Address {
  socket_address: { address: string; port_value: number };
}

/** Our filter, then the router. */
type Filters = [{ typed_config: { config: Plugin } }, ...unknown[]];

interface Plugin {
  vm_config: { code: { local: { filename: string } } };
  configuration: { value: string };
}

/** The replaced values. Ports are on 127.0.0.1; 0 lets the system choose. */
export interface ConfigValues {
  listenerPort: number;
  adminPort: number;
  /** An IP address (the cluster is STATIC) and a port. */
  upstream: { host: string; port: number };
  wasmPath: string;
  /** The plugin configuration, one JSON object as text; the shipped one if absent. */
  pluginConfig?: string;
  /** The destination of spans: the address of another cluster, named {@link COLLECTOR}. */
  collector?: { host: string; port: number };
  /** Omits the filter, for comparison with the same Envoy. */
  withoutFilter?: boolean;
}

/** The configuration for these values, as JSON text. */
export function renderConfig(values: ConfigValues): string {
  const config = parse(readFileSync(CONFIG_PATH, "utf8")) as Bootstrap;
  const [listener] = config.static_resources.listeners;
  const [cluster] = config.static_resources.clusters;
  config.admin.address.socket_address.port_value = values.adminPort;
  listener.address.socket_address.port_value = values.listenerPort;

  const upstream = cluster.load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.socket_address;
  upstream.address = values.upstream.host;
  upstream.port_value = values.upstream.port;

  if (values.collector !== undefined) config.static_resources.clusters.push(collectorCluster(values.collector));

  const manager = listener.filter_chains[0].filters[0].typed_config;
  if (values.withoutFilter) {
    manager.http_filters.shift();
  } else {
    const plugin = manager.http_filters[0].typed_config.config;
    plugin.vm_config.code.local.filename = values.wasmPath;
    if (values.pluginConfig !== undefined) plugin.configuration.value = values.pluginConfig;
  }
  return JSON.stringify(config, null, 2);
}

function collectorCluster({ host, port }: { host: string; port: number }): Cluster {
  const endpoint = { address: { socket_address: { address: host, port_value: port } } };
  return {
    name: COLLECTOR,
    type: "STATIC",
    connect_timeout: "1s",
    load_assignment: { cluster_name: COLLECTOR, endpoints: [{ lb_endpoints: [{ endpoint }] }] },
  };
}
