/** An Envoy that gets its listeners and clusters from its own xDS server, like a mesh's proxies. */
import { type Envoy, startEnvoy } from "../../scripts/envoy/process.ts";
import { listenerUrls } from "../envoy/sessions/bootstrap.ts";
import { bootstrapOf } from "./resources.ts";
import { type Refusals, XdsServer } from "./xds.ts";

/** A running Envoy with its xDS server. */
export interface MeshProxy extends Envoy {
  /** The URL of each listener, by name. */
  urls: Record<string, string>;
  /** Replaces all resources; see {@link XdsServer.deliver}. */
  deliver(resources: readonly object[]): Promise<Refusals>;
}

/**
 * Starts an Envoy for these resources, and waits until its listeners are open. `mesh` is the mesh's part of the
 * bootstrap. Rejects if no listener opens.
 */
export async function startMeshProxy(resources: readonly object[], mesh: object, concurrency = 1): Promise<MeshProxy> {
  const xds = await XdsServer.start();
  try {
    await xds.set(resources);
    // Everything that startEnvoy renders is replaced, including the upstream.
    const upstream = { host: "127.0.0.1", port: xds.port };
    const vary = () => JSON.stringify(bootstrapOf(xds.port, mesh));
    const envoy = await startEnvoy({ upstream, vary, concurrency });
    return {
      ...envoy,
      urls: await listenerUrls(envoy),
      deliver: (resources) => xds.deliver(resources),
      stop: () => envoy.stop().finally(() => xds.stop()),
    };
  } catch (error) {
    await xds.stop();
    throw error;
  }
}
