/**
 * Generates what Envoy Gateway generates from our policies: its Wasm filters, enabled for each route, or a patch of the
 * listener.
 */
import { type HttpFilter, stringValue, structJson, TYPE, WASM_TYPE } from "./resources.ts";
import type { ServedModule } from "./module.ts";

export interface EnvoyExtensionPolicy {
  metadata: { name: string };
  spec: { wasm: Wasm[] };
}

interface Wasm {
  name: string;
  rootID?: string;
  failOpen?: boolean;
  config?: unknown;
}

export interface EnvoyPatchPolicy {
  spec: { jsonPatches: { type: string; operation: { op: string; jsonPath: string; value: HttpFilter } }[] };
}

export interface ClientTrafficPolicy {
  spec: { path: { disableMergeSlashes: boolean; escapedSlashesAction: keyof typeof SLASH_ACTIONS } };
}

export interface SecurityPolicy {
  spec: { jwt: { providers: { name: string; issuer: string; audiences: string[]; remoteJWKS: { uri: string } }[] } };
}

const SLASH_ACTIONS = {
  KeepUnchanged: "KEEP_UNCHANGED",
  RejectRequest: "REJECT_REQUEST",
  UnescapeAndRedirect: "UNESCAPE_AND_REDIRECT",
  UnescapeAndForward: "UNESCAPE_AND_FORWARD",
};

/** An EnvoyProxy, whose bootstrap is YAML as text. */
export interface EnvoyProxy {
  spec: { bootstrap: { type: "Merge"; value: string } };
}

/** The cluster from which Envoys fetch the modules that the gateway serves. */
export const MODULE_CLUSTER = "wasm_cluster";

const NAMESPACE = "default";
const BEFORE_ROUTER = "..http_filters[?(@.name=='envoy.filters.http.router')]";

/** What a policy adds to a listener, and to each of its routes. */
export interface Extension {
  filters: HttpFilter[];
  perFilter: Record<string, object>;
}

/** The part of the connection manager from a policy (`xds/translator/listener.go`). */
export function managerOf({ spec: { path } }: ClientTrafficPolicy): object {
  return {
    normalize_path: true,
    merge_slashes: !path.disableMergeSlashes,
    path_with_escaped_slashes_action: SLASH_ACTIONS[path.escapedSlashesAction],
  };
}

/**
 * The filter that verifies tokens, before those of {@link extensionOf} (`xds/translator/jwt.go`), with these keys (a
 * JWKS) in place of those at `remoteJWKS.uri`. Envoy Gateway enables it by routes; here it is enabled in the listener.
 */
export function jwtAuthnOf({ spec }: SecurityPolicy, jwks: string): HttpFilter {
  const [{ name, issuer, audiences }] = spec.jwt.providers;
  const provider = {
    issuer,
    audiences,
    payload_in_metadata: name,
    forward: true,
    local_jwks: { inline_string: jwks },
  };
  return {
    name: "envoy.filters.http.jwt_authn",
    typed_config: {
      "@type": `${TYPE}envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication`,
      providers: { [name]: provider },
      rules: [{ match: { prefix: "/" }, requires: { provider_name: name } }],
    },
  };
}

/** The filters of a policy for a module that the gateway serves: disabled in the listener, enabled in the routes. */
export function extensionOf({ metadata, spec }: EnvoyExtensionPolicy, { uri, sha256 }: ServedModule): Extension {
  const filters = spec.wasm.map(({ name, rootID, failOpen = false, config }, index): HttpFilter => {
    const id = `/${NAMESPACE}/${metadata.name}/wasm/${index}`;
    const plugin = {
      name,
      ...(rootID !== undefined && { root_id: rootID }),
      fail_open: failOpen,
      configuration: stringValue(config === undefined ? "" : structJson(config)),
      vm_config: {
        vm_id: id,
        runtime: "envoy.wasm.runtime.v8",
        code: { remote: { http_uri: { uri, cluster: MODULE_CLUSTER, timeout: "10s" }, sha256 } },
      },
    };
    return {
      name: `envoy.filters.http.wasm${id}`,
      disabled: true,
      typed_config: { "@type": WASM_TYPE, config: plugin },
    };
  });
  const enabled = { "@type": `${TYPE}envoy.config.route.v3.FilterConfig`, config: {} };
  return { filters, perFilter: Object.fromEntries(filters.map(({ name }) => [name, enabled])) };
}

/** The filters that a patch inserts before the router of a listener without other filters. */
export function patchedFilters({ spec }: EnvoyPatchPolicy): HttpFilter[] {
  return spec.jsonPatches.map(({ type, operation: { op, jsonPath, value } }) => {
    const isUnderstood = type.endsWith(".listener.v3.Listener") && op === "add" && jsonPath === BEFORE_ROUTER;
    if (!isUnderstood) throw new Error(`no patch that this knows: ${type} ${op} ${jsonPath}`);
    return value;
  });
}
