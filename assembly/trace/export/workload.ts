import { Properties } from "../../host/properties";
import { Bytes } from "../../memory/bytes";
import { Resource } from "../otlp/resource";

const SDK = "mcp-proxy-wasm";
const NODE = "xds\0node\0";
const METADATA = NODE + "metadata\0";

/**
 * Properties that name the workload, in order of preference: Istio's canonical service, the node's cluster (in Consul and
 * Kuma the service, in a plain Envoy what its operator chose), the node's id.
 */
const SERVICE_NAMES: string[] = [METADATA + "LABELS\0service.istio.io/canonical-name", NODE + "cluster", NODE + "id"];

/**
 * The resource of the spans: the configured attributes, and others of the workload next to this proxy. `service.name`
 * names that workload, never the filter. Call it only when the proxy's properties are readable.
 * @param configured alternating names and values
 * @param version the version of the filter
 */
export function workloadOf(configured: string[], role: string, version: string, properties: Properties): Resource {
  const resource = new Resource(SDK, version);
  for (let i = 0; i + 1 < configured.length; i += 2) resource.add(configured[i], Bytes.of(configured[i + 1]));
  for (let i = 0; i < SERVICE_NAMES.length; i++) addFound(resource, "service.name", SERVICE_NAMES[i], properties);
  addFound(resource, "service.namespace", METADATA + "NAMESPACE", properties);
  resource.add("mcp.role", Bytes.of(role));
  resource.add("telemetry.sdk.name", Bytes.of(SDK));
  resource.add("telemetry.sdk.language", Bytes.of("webassembly"));
  resource.add("telemetry.sdk.version", Bytes.of(version));
  return resource;
}

/**
 * Adds an attribute from a property of the proxy, if its value is text and the resource has no attribute of this name.
 */
function addFound(resource: Resource, name: string, path: string, properties: Properties): void {
  if (!properties.findSegments(path)) return;
  // The host's encoding of numbers and structures contains control characters.
  for (let i = 0; i < properties.length; i++) {
    if (load<u8>(properties.at + i) < 0x20) return;
  }
  resource.add(name, Bytes.copy(properties.at, properties.length));
}
