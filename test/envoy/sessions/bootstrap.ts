/** Changes to the rendered bootstrap, for Envoys with more listeners and clusters, and for those that are reloaded. */
import type { Envoy } from "../../../scripts/envoy/process.ts";

/** The parts of the bootstrap that are changed. */
export interface Bootstrap {
  node?: { id: string; cluster: string; metadata?: object };
  dynamic_resources?: object;
  static_resources: { listeners: Listener[]; clusters: Cluster[] };
}

export interface Listener {
  name: string;
  traffic_direction?: string;
  address: Address;
  filter_chains: [{ filters: [{ typed_config: Manager }] }];
}

/** The HTTP connection manager. */
interface Manager {
  route_config: { virtual_hosts: [{ routes: Route[] }] };
  http_filters: HttpFilter[];
}

interface Route {
  match: { prefix: string };
  route: { cluster: string; timeout: string };
}

export interface HttpFilter {
  name: string;
  typed_config?: { "@type": string; config: PluginConfig };
  config_discovery?: object;
}

interface PluginConfig {
  name: string;
  vm_config: { code: { local: { filename: string } } };
  configuration: { value: string };
}

interface Cluster {
  name: string;
  load_assignment: { endpoints: [{ lb_endpoints: [{ endpoint: { address: Address } }] }] };
}

interface Address {
  socket_address: { address: string; port_value: number };
}

/** A `vary` for startEnvoy. */
export function edited(change: (bootstrap: Bootstrap) => void): (config: string) => string {
  return (config) => {
    const bootstrap = JSON.parse(config) as Bootstrap;
    change(bootstrap);
    return JSON.stringify(bootstrap);
  };
}

/** Adds a copy of the first cluster. */
export function addCluster({ static_resources: { clusters } }: Bootstrap, name: string, port: number): void {
  const cluster = { ...structuredClone(clusters[0]), name };
  const [{ lb_endpoints }] = cluster.load_assignment.endpoints;
  lb_endpoints[0].endpoint.address.socket_address.port_value = port;
  clusters.push(cluster);
}

/** Adds a copy of the first listener, with a plugin configuration of its own. */
export function addListener({ static_resources: { listeners } }: Bootstrap, name: string, config: object): Listener {
  const listener = { ...structuredClone(listeners[0]), name };
  configure(filtersOf(listener)[0], config);
  listeners.push(listener);
  return listener;
}

/** Adds a route in front of the others. */
export function addRoute(listener: Listener, prefix: string, cluster: string): void {
  const [{ routes }] = managerOf(listener).route_config.virtual_hosts;
  routes.unshift({ match: { prefix }, route: { ...routes[0].route, cluster } });
}

/** Sends all that comes to the listener to this cluster. */
export function routeTo(listener: Listener, cluster: string): void {
  managerOf(listener).route_config.virtual_hosts[0].routes[0].route.cluster = cluster;
}

export function filtersOf(listener: Listener): HttpFilter[] {
  return managerOf(listener).http_filters;
}

/** Sets the plugin configuration: an object, or any text.
 *  @param wasmPath the module; it stays the same where absent. */
export function configure(filter: HttpFilter, config: object | string, wasmPath?: string): void {
  const plugin = filter.typed_config!.config;
  plugin.configuration.value = typeof config === "string" ? config : JSON.stringify(config);
  if (wasmPath !== undefined) plugin.vm_config.code.local.filename = wasmPath;
}

function managerOf(listener: Listener): Manager {
  return listener.filter_chains[0].filters[0].typed_config;
}

/** Where each listener is to be reached, by its name. */
export async function listenerUrls(envoy: Envoy): Promise<Record<string, string>> {
  const answer = await fetch(`${envoy.adminUrl}/listeners?format=json`);
  const { listener_statuses } = (await answer.json()) as {
    listener_statuses: { name: string; local_address: Address }[];
  };
  const urls = listener_statuses.map(({ name, local_address }) => {
    return [name, `http://127.0.0.1:${local_address.socket_address.port_value}`];
  });
  return Object.fromEntries(urls) as Record<string, string>;
}
