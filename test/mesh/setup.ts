/** Common setup of the tests of meshes. */
import { describe } from "vitest";
import { hasComponent } from "../components.ts";
import { freePort } from "../envoy/sessions/free-port.ts";
import { INSTALL_GO } from "../fixtures/go.ts";
import { clusterOf, type HttpFilter, listenerOf } from "./resources.ts";

/** A `describe` that is skipped if the xDS server cannot be built. */
export const describeMesh = describe.runIf(hasComponent("go", INSTALL_GO));

/** The sidecars of a client and of a server, as a mesh names and fills them. */
export interface Sidecars {
  /** The outbound listener's cluster. */
  outbound: string;
  /** The inbound listener's cluster. */
  inbound: string;
  outboundFilters: readonly HttpFilter[];
  inboundFilters: readonly HttpFilter[];
}

/**
 * Both sidecars for one Envoy: a listener `outbound`, after it one `inbound`, and after that the server on this port.
 */
export async function sidecarsOf(serverPort: number, sidecars: Sidecars): Promise<object[]> {
  const { outbound, inbound, outboundFilters, inboundFilters } = sidecars;
  const port = await freePort();
  return [
    clusterOf(outbound, port),
    clusterOf(inbound, serverPort),
    listenerOf({ name: "outbound", direction: "OUTBOUND", cluster: outbound, filters: outboundFilters }),
    listenerOf({ name: "inbound", port, direction: "INBOUND", cluster: inbound, filters: inboundFilters }),
  ];
}
