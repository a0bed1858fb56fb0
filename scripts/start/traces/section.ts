/** The section `trace` of the plugin configuration for `npm start -- --traces`. */
import { COLLECTOR } from "../../envoy/config.ts";
import type { TraceViewer } from "./viewer.ts";

/** Configures a span for every operation of the server `service`, sent to this collector. The user's own section takes
 *  precedence. */
export function traceSection(
  { host, port, headers }: TraceViewer["collector"],
  service: string,
  configured: unknown = {},
): unknown {
  // The filter reports the error in this section.
  if (typeof configured !== "object" || configured === null || Array.isArray(configured)) return configured;
  return {
    cluster: COLLECTOR,
    // MLflow rejects any other Host header, to prevent DNS rebinding.
    authority: `${host}:${port}`,
    headers,
    sample: { parent: false, ratio: 1 },
    resource: { "service.name": service },
    ...configured,
  };
}
