import { Properties } from "../../host/properties";
import { Bytes } from "../../memory/bytes";
import { Resource } from "../otlp/resource";

const SDK = "mcp-proxy-wasm";
const NODE = "xds\0node\0";
const METADATA = NODE + "metadata\0";

/** What names the workload, the best first: Istio's canonical service, the node's cluster (the service in Consul and Kuma, and
 *  what operators of a plain Envoy choose), the node's id. */
const SERVICE_NAMES: string[] = [METADATA + "LABELS\0service.istio.io/canonical-name", NODE + "cluster", NODE + "id"];

/**
 * The resource of the spans: what is configured, and of the workload beside this proxy what is not. The service is never the
 * filter. The proxy's attributes must be readable now.
 * @param configured names and values in turn.
 * @param version that of the filter.
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

/** Adds an attribute of the proxy, if it has a value that is text and there is no attribute of this name. */
function addFound(resource: Resource, name: string, path: string, properties: Properties): void {
  if (!properties.findSegments(path)) return;
  // Numbers and structures, as the host encodes them, have control characters.
  for (let i = 0; i < properties.length; i++) {
    if (load<u8>(properties.at + i) < 0x20) return;
  }
  resource.add(name, Bytes.copy(properties.at, properties.length));
}
