/** One Envoy with a listener for each variant, all in front of the same upstream. */
import { fileURLToPath } from "node:url";
import { renderConfig } from "../envoy/config.ts";
import { type Envoy, startEnvoy } from "../envoy/process.ts";
import { COLLECTOR_CLUSTER } from "./traces/configuration.ts";
import type { Variant } from "./variants.ts";

/** An entry of `http_filters`. */
export interface HttpFilter {
  name: string;
  typed_config: object;
}

/** The filter `mcp` as shipped in envoy.yaml. */
export interface WasmFilter extends HttpFilter {
  typed_config: {
    config: {
      vm_config: { vm_id?: string; code: { local: { filename: string } } };
      configuration: { value: string };
    };
  };
}

/** The parts of a bootstrap that are changed here. */
interface Bootstrap {
  static_resources: { listeners: Listener[]; clusters: Cluster[] };
}

interface Listener {
  name: string;
  filter_chains: [{ filters: [{ typed_config: ConnectionManager }] }];
}

interface ConnectionManager {
  stat_prefix: string;
  access_log?: unknown;
  route_config: { virtual_hosts: [{ routes: [{ route: { cluster: string } }] }] };
  /** In the shipped configuration: our filter and the router. */
  http_filters: HttpFilter[];
}

interface Cluster {
  name: string;
  load_assignment: { cluster_name: string };
}

/** A running Envoy with a listener for each variant. */
export interface BenchEnvoy extends Envoy {
  /** The URL of a variant's listener, without a path. */
  urlOf: (variant: Variant) => string;
}

/** Options of {@link startBenchEnvoy}. */
export interface BenchEnvoyOptions {
  variants: readonly Variant[];
  upstream: { host: string; port: number };
  concurrency?: number;
  envoyPath?: string;
  signal?: AbortSignal;
}

/** The output of `npm run build`. */
export const MODULE_PATH = fileURLToPath(new URL("../../build/mcp.wasm", import.meta.url));

export async function startBenchEnvoy({ variants, ...options }: BenchEnvoyOptions): Promise<BenchEnvoy> {
  const config = await withListeners(variants, options.upstream);
  const envoy = await startEnvoy({ ...options, vary: () => config });
  try {
    const ports = await portsByListener(envoy.adminUrl);
    return { ...envoy, urlOf: ({ id }) => `http://127.0.0.1:${ports.get(id)}` };
  } catch (error) {
    await envoy.stop();
    throw error;
  }
}

/**
 * The shipped configuration, but with a listener and a cluster for each variant, and a cluster for the trace collector,
 * which is also the upstream.
 */
async function withListeners(variants: readonly Variant[], upstream: BenchEnvoyOptions["upstream"]): Promise<string> {
  const rendered = renderConfig({ listenerPort: 0, adminPort: 0, upstream, wasmPath: MODULE_PATH });
  const bootstrap = JSON.parse(rendered) as Bootstrap;
  const { listeners, clusters } = bootstrap.static_resources;
  bootstrap.static_resources = {
    listeners: await Promise.all(variants.map((variant) => listenerOf(structuredClone(listeners[0]), variant))),
    clusters: [...variants.map(({ id }) => id), COLLECTOR_CLUSTER].map((name) =>
      clusterOf(structuredClone(clusters[0]), name),
    ),
  };
  return JSON.stringify(bootstrap);
}

async function listenerOf(listener: Listener, variant: Variant): Promise<Listener> {
  const manager = listener.filter_chains[0].filters[0].typed_config;
  const [shipped, router] = manager.http_filters as [WasmFilter, HttpFilter];
  // A separate VM, whose shared data no other variant sees.
  shipped.typed_config.config.vm_config.vm_id = variant.id;
  const filter = await variant.filter(shipped);

  listener.name = variant.id;
  manager.stat_prefix = variant.id;
  manager.http_filters = filter === undefined ? [router] : [filter, router];
  // Writing a line for each request would dominate the measurement.
  delete manager.access_log;
  manager.route_config.virtual_hosts[0].routes[0].route.cluster = variant.id;
  return listener;
}

/** A separate cluster gives each variant its own connections, and our filter its label `mcp_server`. */
function clusterOf(cluster: Cluster, name: string): Cluster {
  return { ...cluster, name, load_assignment: { ...cluster.load_assignment, cluster_name: name } };
}

async function portsByListener(adminUrl: string): Promise<ReadonlyMap<string, number>> {
  const { listener_statuses: statuses } = (await (await fetch(`${adminUrl}/listeners?format=json`)).json()) as {
    listener_statuses: { name: string; local_address: { socket_address: { port_value: number } } }[];
  };
  return new Map(statuses.map(({ name, local_address }) => [name, local_address.socket_address.port_value]));
}
