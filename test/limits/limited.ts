/** Listeners with limits, in each of the ways in which a proxy holds a request until it is decided. */
import { peerPrincipal } from "../access/peer-principal.ts";
import type { Config, Guarded } from "../access/proxy.ts";
import { CALL } from "./call-server.ts";
import { edited, filtersOf } from "../envoy/sessions/bootstrap.ts";

/** The header that names the caller. In these proxies it is as good as a certificate. */
export const PEER = "x-test-peer";

/** How a request is held: its body, also its headers, or both by Envoy's buffer filter directly after ours. */
export type Holding = "default" | "held" | "buffered";

const BUFFER: Config = {
  name: "envoy.filters.http.buffer",
  typed_config: {
    "@type": "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer",
    max_request_bytes: 1_048_576,
  },
};

/** More than any test holds, so that no caller is limited for what waits. */
const ROOMY = { maxStreams: 100_000 };

/**
 * A listener with its own limits on /mcp. `instance` names its counting unit.
 * @param more the rest of the plugin's configuration
 */
export function limitedListener(instance: string, rules: object[], holding: Holding, more: Limited = {}): Guarded {
  const { limits, hold, ...rest } = more;
  return {
    filtersBefore: [peerPrincipal(PEER)],
    filtersAfter: holding === "buffered" ? [BUFFER] : [],
    allowHeadersStop: holding === "held",
    plugin: {
      instance,
      limits: { ...limits, rules },
      hold: { ...ROOMY, headers: holding === "held", ...hold },
      ...rest,
    },
  };
}

/**
 * A `vary` for startDiscovering that makes an Envoy's only listener hold requests in this way. It does not change the
 * limits.
 */
export function holdingAs(holding: Holding): (config: string) => string {
  return edited((bootstrap) => {
    const filters = filtersOf(bootstrap.static_resources.listeners[0]);
    const plugin = filters[0].typed_config!.config as { allow_on_headers_stop_iteration?: boolean };
    if (holding === "held") plugin.allow_on_headers_stop_iteration = true;
    if (holding === "buffered") filters.splice(1, 0, BUFFER as { name: string });
  });
}

/**
 * A `vary` for startEnvoy that adds fields to the access log: `call`, the name of the request's call, and `waited_ms`,
 * how long it has waited for limits.
 */
export function loggingCalls(config: string): string {
  const fields = `"call":"%REQ(${CALL})%","waited_ms":"%FILTER_STATE(wasm.mcp.wait_ms:PLAIN)%",`;
  return config.replace(/"json_format": ?\{/, (found) => found + fields);
}

interface Limited {
  limits?: object;
  hold?: object;
  [section: string]: unknown;
}

/** A workload's name, as a principal. */
export function workload(name: string): string {
  return `spiffe://mesh.example/ns/test/sa/${name}`;
}

/** What a rule allows: `amount` per period, and at most `burst` at once. */
export interface Rate {
  amount: number;
  seconds: number;
  burst: number;
}

/** The rate in the syntax of rules. */
export function rateOf({ amount, seconds, burst }: Rate): object {
  return { amount, per: `${seconds}s`, burst };
}

/** The most that a rate admits within this number of milliseconds. */
export function mostWithin({ amount, seconds, burst }: Rate, elapsedMs: number): number {
  return (amount * elapsedMs) / (1000 * seconds) + burst;
}
