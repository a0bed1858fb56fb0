/** A path with two sidecars, client → sidecar → sidecar → server: an Envoy on each side. */
import { type Envoy, startEnvoy } from "../../scripts/envoy/process.ts";

/** The collector's cluster in the sidecars' Envoys. */
const COLLECTOR = "collector";

/** Both sidecars. Their spans belong to the services `sidecar-client` and `sidecar-server`. */
export interface Sidecars {
  /** The URL for clients' requests, without a path. */
  url: string;
  client: Envoy;
  server: Envoy;
  stop(): Promise<void>;
}

/**
 * Starts sidecars in front of a server, both with these fields of `trace`. The server's sidecar also has these
 * sections, and may hold headers.
 */
export async function startSidecars(
  upstream: { host: string; port: number },
  collector: { host: string; port: number },
  trace: object,
  ofServer: object = {},
): Promise<Sidecars> {
  const start = (role: "client" | "server", behind: { host: string; port: number }) => {
    const resource = { "service.name": `sidecar-${role}` };
    return startEnvoy({
      upstream: behind,
      concurrency: 2,
      pluginConfig: JSON.stringify({
        role,
        logFields: true,
        trace: { cluster: COLLECTOR, resource, ...trace },
        ...(role === "server" && ofServer),
      }),
      vary: (config) => withCollector(config, collector),
    });
  };
  const server = await start("server", upstream);
  const stopping = async (...envoys: Envoy[]) => void (await Promise.all(envoys.map((envoy) => envoy.stop())));
  try {
    const { hostname, port } = new URL(server.proxyUrl);
    const client = await start("client", { host: hostname, port: Number(port) });
    return { url: client.proxyUrl, client, server, stop: () => stopping(client, server) };
  } catch (error) {
    await stopping(server);
    throw error;
  }
}

/** Envoy's configuration with a cluster for the collector, and with a filter that may hold headers. */
function withCollector(config: string, { host, port }: { host: string; port: number }): string {
  const bootstrap = JSON.parse(config) as Bootstrap;
  const [listener] = bootstrap.static_resources.listeners;
  const [filter] = listener.filter_chains[0].filters[0].typed_config.http_filters;
  filter.typed_config.config.allow_on_headers_stop_iteration = true;
  const address = { socket_address: { address: host, port_value: port } };
  bootstrap.static_resources.clusters.push({
    name: COLLECTOR,
    type: "STATIC",
    load_assignment: { cluster_name: COLLECTOR, endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
  });
  return JSON.stringify(bootstrap);
}

interface Bootstrap {
  static_resources: { listeners: [Listener]; clusters: object[] };
}

interface Listener {
  filter_chains: [{ filters: [{ typed_config: { http_filters: [Filter] } }] }];
}

interface Filter {
  typed_config: { config: { allow_on_headers_stop_iteration?: boolean } };
}
