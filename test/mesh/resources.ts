/** Envoy's resources as the meshes' control planes make them, in protobuf's JSON form, as far as all of them agree. */

export const TYPE = "type.googleapis.com/";
export const WASM_TYPE = `${TYPE}envoy.extensions.filters.http.wasm.v3.Wasm`;
export const LISTENER_TYPE = `${TYPE}envoy.config.listener.v3.Listener`;
export const CLUSTER_TYPE = `${TYPE}envoy.config.cluster.v3.Cluster`;
export const EXTENSION_TYPE = `${TYPE}envoy.config.core.v3.TypedExtensionConfig`;

/** An HTTP filter in a listener, in either of protobuf's two spellings. */
export interface HttpFilter {
  name: string;
  [field: string]: unknown;
}

/** Where a module comes from (core.v3.AsyncDataSource). */
export type Code =
  | { local: { filename: string } }
  | {
      remote: {
        http_uri: { uri: string; cluster: string; timeout: string };
        sha256: string;
        retry_policy?: { num_retries: number };
      };
    };

/** A listener on a loopback port with one route, to one cluster. */
export interface ListenerOptions {
  name: string;
  /** A port that is free; the system's choice where absent. */
  port?: number;
  /** As the mesh sets it; a gateway's are OUTBOUND in Istio and Envoy Gateway. */
  direction?: "INBOUND" | "OUTBOUND";
  cluster: string;
  /** The filters before the router. */
  filters: readonly HttpFilter[];
  /** What the route says of filters, by their names. */
  perFilter?: Record<string, object>;
  /** Further fields of the connection manager. */
  manager?: object;
  /** The transport socket; plain text where absent. */
  transportSocket?: object;
}

const ROUTER: HttpFilter = {
  name: "envoy.filters.http.router",
  typed_config: { "@type": `${TYPE}envoy.extensions.filters.http.router.v3.Router` },
};

export function listenerOf(options: ListenerOptions): object {
  const { name, port = 0, direction, cluster, filters, perFilter, manager: further, transportSocket } = options;
  const route = {
    match: { prefix: "/" },
    route: { cluster, timeout: "0s" },
    ...(perFilter && { typed_per_filter_config: perFilter }),
  };
  const manager = {
    "@type": `${TYPE}envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: name,
    route_config: { name, virtual_hosts: [{ name, domains: ["*"], routes: [route] }] },
    http_filters: [...filters, ROUTER],
    ...further,
  };
  return {
    "@type": LISTENER_TYPE,
    name,
    address: { socket_address: { address: "127.0.0.1", port_value: port } },
    ...(direction && { traffic_direction: direction }),
    filter_chains: [
      {
        filters: [{ name: "envoy.filters.network.http_connection_manager", typed_config: manager }],
        ...(transportSocket && { transport_socket: transportSocket }),
      },
    ],
  };
}

/** A cluster of one endpoint, on loopback. */
export function clusterOf(name: string, port: number): object {
  const options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
  return {
    "@type": CLUSTER_TYPE,
    ...staticCluster(name, port),
    typed_extension_protocol_options: {
      [options]: {
        "@type": `${TYPE}${options}`,
        // The servers close what was idle for 5 s: Envoy is first.
        common_http_protocol_options: { idle_timeout: "4s" },
        explicit_http_config: { http_protocol_options: {} },
      },
    },
  };
}

/** A bootstrap that has everything from ADS on this port, and of a mesh's own what `mesh` has of stats_config and more. */
export function bootstrapOf(xdsPort: number, mesh: object): object {
  const ads = { ads: {}, resource_api_version: "V3" };
  return {
    node: { id: "test", cluster: "test" },
    admin: { address: { socket_address: { address: "127.0.0.1", port_value: 0 } } },
    dynamic_resources: {
      ads_config: {
        // As istiod, Consul and Envoy Gateway have it.
        api_type: "DELTA_GRPC",
        transport_api_version: "V3",
        grpc_services: [{ envoy_grpc: { cluster_name: "xds" } }],
      },
      cds_config: ads,
      lds_config: ads,
    },
    static_resources: {
      clusters: [
        {
          ...staticCluster("xds", xdsPort),
          typed_extension_protocol_options: {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
              "@type": `${TYPE}envoy.extensions.upstreams.http.v3.HttpProtocolOptions`,
              explicit_http_config: { http2_protocol_options: {} },
            },
          },
        },
      ],
    },
    stats_flush_interval: "1s",
    ...mesh,
  };
}

/** A plugin configuration as a mesh hands it over: text. */
export function stringValue(value: string): object {
  return { "@type": `${TYPE}google.protobuf.StringValue`, value };
}

/** JSON as a protobuf Struct brings it back: keys sorted, numbers as doubles, members that are null left out. */
export function structJson(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) => {
    if (typeof member !== "object" || member === null || Array.isArray(member)) return member;
    const members = Object.entries(member).filter(([, each]) => each !== null);
    return Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** A static cluster of one loopback endpoint. */
function staticCluster(name: string, port: number): object {
  const address = { socket_address: { address: "127.0.0.1", port_value: port } };
  return {
    name,
    type: "STATIC",
    connect_timeout: "5s",
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
  };
}
