/** The section `trace` of the plugin configuration with which `npm start -- --traces` runs. */
import { COLLECTOR } from "../../envoy/config.ts";
import type { TraceViewer } from "./viewer.ts";

/** Every operation in front of the server `service` is a span at this collector, unless the user's own section says otherwise. */
export function traceSection(
  { host, port, headers }: TraceViewer["collector"],
  service: string,
  configured: unknown = {},
): unknown {
  // The filter says what is wrong with it.
  if (typeof configured !== "object" || configured === null || Array.isArray(configured)) return configured;
  return {
    cluster: COLLECTOR,
    // Another Host would be a foreign one, which MLflow refuses (DNS rebinding).
    authority: `${host}:${port}`,
    headers,
    sample: { parent: false, ratio: 1 },
    resource: { "service.name": service },
    ...configured,
  };
}
