/** An Envoy whose listeners each have their own access policy. All share one VM of the filter. */
import { type Envoy, type EnvoyOptions, startEnvoy } from "../../scripts/envoy/process.ts";
import type { Identity } from "./certificates.ts";
import { downstreamTls } from "./downstream-tls.ts";

/** A part of Envoy's configuration. */
export type Config = Record<string, unknown>;

/** A listener whose policy covers /mcp. */
export interface Guarded {
  access?: object | string;
  /** The rest of the plugin's configuration. */
  plugin?: object;
  /** Sets `allow_on_headers_stop_iteration`. */
  allowHeadersStop?: boolean;
  /** Serves TLS, and requests client certificates of this authority. */
  tls?: { server: Identity; ca: string };
  /** HTTP filters before the plugin. */
  filtersBefore?: Config[];
  /** HTTP filters directly after the plugin. */
  filtersAfter?: Config[];
  /** The port on 127.0.0.1 of the listener's own server. */
  upstreamPort?: number;
  /** Further fields of the connection manager, and of the listener. */
  manager?: Config;
  listener?: Config;
}

/** A running Envoy. */
export interface GuardedEnvoy extends Envoy {
  /** The URL of a listener without a path: `http://127.0.0.1:port`, or `https:` with TLS. */
  urlOf(listener: string): string;
}

/** Starts an Envoy with these listeners, by name. */
export async function startGuarded(
  listeners: Record<string, Guarded>,
  options: Pick<EnvoyOptions, "upstream" | "concurrency" | "wasmPath">,
): Promise<GuardedEnvoy> {
  const envoy = await startEnvoy({ ...options, vary: (config) => withListeners(config, listeners) });
  const ports = await portsOf(envoy);
  const urlOf = (name: string) => `${listeners[name].tls ? "https" : "http"}://127.0.0.1:${ports.get(name)}`;
  return { ...envoy, urlOf };
}

/** The listener of a rendered configuration, changed as in `guarded`. */
export function guardedListener(shipped: Listener, name: string, guarded: Guarded): Listener {
  const listener = { ...structuredClone(shipped), ...guarded.listener, name };
  const [chain] = listener.filter_chains;
  const manager = chain.filters[0].typed_config;
  Object.assign(manager, guarded.manager);
  const plugin = manager.http_filters[0].typed_config.config;
  // Plugins with the same name would count as successors of each other.
  plugin.name = name;
  plugin.configuration.value = pluginConfig(guarded);
  if (guarded.allowHeadersStop) plugin.allow_on_headers_stop_iteration = true;
  const [ours, ...others] = manager.http_filters;
  const { filtersBefore = [], filtersAfter = [] } = guarded;
  manager.http_filters = [...filtersBefore, ours, ...filtersAfter, ...others] as Filters;
  if (guarded.tls) chain.transport_socket = downstreamTls(guarded.tls);
  if (guarded.upstreamPort !== undefined) routeOf(listener).cluster = clusterOf(name);
  return listener;
}

/** The changed parts of the listener in envoy.yaml. */
export interface Listener {
  name: string;
  filter_chains: [{ filters: [{ typed_config: Manager }]; transport_socket?: Config }];
}

interface Manager {
  http_filters: Filters;
  route_config: { virtual_hosts: [{ routes: [{ route: { cluster: string } }] }] };
}

interface Cluster {
  name: string;
  load_assignment: {
    cluster_name: string;
    endpoints: [
      { lb_endpoints: [{ endpoint: { address: { socket_address: { address: string; port_value: number } } } }] },
    ];
  };
}

type Filters = [{ typed_config: { config: Plugin } }, ...unknown[]];

interface Plugin {
  name: string;
  configuration: { value: string };
  allow_on_headers_stop_iteration?: boolean;
}

function withListeners(config: string, listeners: Record<string, Guarded>): string {
  const bootstrap = JSON.parse(config) as { static_resources: { listeners: Listener[]; clusters: Cluster[] } };
  const { static_resources: resources } = bootstrap;
  const [shipped] = resources.listeners;
  const [shippedCluster] = resources.clusters;
  resources.listeners = Object.entries(listeners).map(([name, guarded]) => guardedListener(shipped, name, guarded));
  for (const [name, { upstreamPort }] of Object.entries(listeners)) {
    if (upstreamPort !== undefined) resources.clusters.push(clusterTo(shippedCluster, clusterOf(name), upstreamPort));
  }
  return JSON.stringify(bootstrap);
}

/** The cluster of a listener with its own server. */
function clusterOf(listener: string): string {
  return `to_${listener}`;
}

function clusterTo(shipped: Cluster, name: string, port: number): Cluster {
  const cluster = { ...structuredClone(shipped), name };
  cluster.load_assignment.cluster_name = name;
  const [{ lb_endpoints }] = cluster.load_assignment.endpoints;
  lb_endpoints[0].endpoint.address.socket_address = { address: "127.0.0.1", port_value: port };
  return cluster;
}

function routeOf(listener: Listener): { cluster: string } {
  const [{ filters }] = listener.filter_chains;
  return filters[0].typed_config.route_config.virtual_hosts[0].routes[0].route;
}

function pluginConfig({ access, plugin }: Guarded): string {
  return JSON.stringify({
    match: { paths: ["/mcp"] },
    logFields: true,
    ...plugin,
    ...(access === undefined ? {} : { access }),
  });
}

async function portsOf(envoy: Envoy): Promise<Map<string, number>> {
  const { listener_statuses } = (await (await fetch(`${envoy.adminUrl}/listeners?format=json`)).json()) as {
    listener_statuses: { name: string; local_address: { socket_address: { port_value: number } } }[];
  };
  return new Map(
    listener_statuses.map(({ name, local_address }) => [name, local_address.socket_address.port_value] as const),
  );
}
