import type { Result as Results } from "../../abi.ts";
import { Result } from "../../abi.ts";
import type { HttpStream } from "../../stream.ts";

/** The value of a property, or the result that its lack has. */
export type PropertyResult = string | (typeof Results)["NotFound" | "InternalFailure"];

/** Properties that are not implemented: each read logs an alert (`nyi` in ngx_proxy_wasm_properties.c). */
const UNIMPLEMENTED = new Set([
  "response.grpc_status",
  "response.trailers",
  ...["upstream", "connection"].flatMap((side) => [
    `${side}.subject_peer_certificate`,
    `${side}.dns_san_local_certificate`,
    `${side}.dns_san_peer_certificate`,
    `${side}.uri_san_local_certificate`,
    `${side}.uri_san_peer_certificate`,
    `${side}.sha256_peer_certificate_digest`,
  ]),
  "upstream.tls_version",
  "upstream.subject_local_certificate",
  "upstream.local_address",
  "upstream.transport_failure_reason",
  "plugin_vm_id",
]);

/** Properties of Envoy's: each read logs an error (`not_supported`, same file). */
const UNSUPPORTED = new Set([
  "response.code_details",
  "response.flags",
  "connection.termination_details",
  "node",
  "cluster_name",
  "cluster_metadata",
  "listener_direction",
  "listener_metadata",
  "route_name",
  "route_metadata",
  "upstream_host_metadata",
]);

/** Properties with a value in a stream, if the test has set them: `pw2ngx`, same file. All values are text. */
const READABLE = new Set([
  ...["path", "url_path", "host", "scheme", "method", "useragent", "protocol", "query", "id", "referer", "time"].map(
    (name) => `request.${name}`,
  ),
  ...["request.duration", "request.size", "request.total_size", "request.is_subrequest"],
  ...["response.code", "response.size", "response.total_size", "upstream.address", "upstream.port"],
  ...["destination.address", "destination.port", "source.address", "source.port"],
  ...["requested_server_name", "tls_version", "subject_local_certificate", "id", "mtls"].map(
    (name) => `connection.${name}`,
  ),
]);

/** NGINX's own variables, a selection of those that a module cannot set. */
const FIXED_VARIABLES = new Set(["remote_addr", "hostname", "pid", "request_uri", "uri", "status", "server_name"]);

/** Reads a property of a stream (`ngx_proxy_wasm_properties_get`). `path` is dotted. */
export function readProperty(stream: HttpStream, path: string, moduleName: string, alerts: string[]): PropertyResult {
  if (path === "plugin_name") return moduleName;
  // get_filter_root_id prints an empty number.
  if (path === "plugin_root_id") return "0";
  if (UNIMPLEMENTED.has(path)) {
    alerts.push(`[alert] NYI - "${path}" property`);
    return Result.NotFound;
  }
  if (UNSUPPORTED.has(path)) {
    alerts.push(`[error] "${path}" property not supported`);
    return Result.NotFound;
  }
  const variable = variableOf(path);
  if (variable === "upstream_http_content_length") return stream.announcedLength?.toString() ?? Result.NotFound;
  if (variable !== undefined) return stream.state.get(variable) ?? textOf(stream, path) ?? Result.NotFound;
  if (path === "source.address") return addressOnly(textOf(stream, path) ?? "");
  return READABLE.has(path) ? (textOf(stream, path) ?? Result.NotFound) : Result.NotFound;
}

/**
 * Writes a property of a stream (`ngx_proxy_wasm_properties_set`): a variable of NGINX's, or one of the host's own, `wasmx.`.
 * According to its source, the module survives a write to a variable that cannot be changed; according to its
 * documentation, it traps.
 * @param variables the variables that the configuration declares with `set`
 */
export function writeProperty(
  stream: HttpStream,
  path: string,
  value: string,
  variables: readonly string[],
  alerts: string[],
): number {
  const variable = variableOf(path);
  if (variable === undefined) return path.startsWith("wasmx.") ? Result.Ok : Result.NotFound;
  if (FIXED_VARIABLES.has(variable)) {
    alerts.push(`[error] variable "${variable}" is not changeable`);
    return Result.InternalFailure;
  }
  if (!variables.includes(variable)) return Result.NotFound;
  stream.state.set(variable, value);
  return Result.Ok;
}

/** The name of NGINX's variable at the path `ngx.NAME`. */
function variableOf(path: string): string | undefined {
  return path.startsWith("ngx.") ? path.slice(4) : undefined;
}

function textOf(stream: HttpStream, path: string): string | undefined {
  const value = stream.properties.get(path);
  return value === undefined ? undefined : value instanceof Uint8Array ? Buffer.from(value).toString() : String(value);
}

/** The address without the port that Envoy adds. */
function addressOnly(address: string): string {
  return /^\[(.+)\]:\d+$/.exec(address)?.[1] ?? address.replace(/^([^:]*):\d+$/, "$1");
}
