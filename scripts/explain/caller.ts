/** Who calls: the attributes of a request by which Envoy tells the filter. */
import type { Properties, PropertyValue } from "../host/index.ts";
import type { Identity } from "./configuration.ts";

/** A caller as the user describes it. What is missing is unknown to the filter. */
export interface Caller {
  readonly principal?: string;
  /** The payload of the verified JWT. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** An IP address without a port. */
  readonly address?: string;
  /** The upstream cluster, which is the server's name unless the configuration has another. */
  readonly cluster?: string;
}

/** Attributes and headers of a caller's requests. */
export interface CallerFacts {
  readonly properties: Properties;
  readonly headers: Readonly<Record<string, string>>;
}

const METADATA = "metadata.filter_metadata.envoy.filters.http.jwt_authn";
/** The bytes of lists, objects and null, as far as the filter distinguishes them: they are not text. */
const NO_TEXT = new Uint8Array(4);

/** What Envoy tells the filter about this caller. Throws if no source of the configuration can have its principal. */
export function factsOf(caller: Caller, identity: Required<Identity>): CallerFacts {
  const { address, cluster, claims } = caller;
  const named = principalFacts(caller, identity.principalSources);
  const properties: Record<string, PropertyValue> = {
    "source.address": address === undefined ? "" : address.includes(":") ? `[${address}]:0` : `${address}:0`,
    "xds.cluster_name": cluster ?? "",
    ...named.properties,
  };
  addClaims(`${METADATA}.${identity.jwtPayloadKey}`, { ...named.claims, ...claims }, properties);
  return { properties, headers: named.headers ?? {} };
}

/** The principal in the first of these sources that can have it. */
function principalFacts(
  { principal, claims = {} }: Caller,
  sources: readonly string[],
): Partial<CallerFacts> & { claims?: object } {
  if (principal === undefined) return {};
  switch (sources.find((source) => source !== "jwt" || mayBeJwt(principal, claims))) {
    case "peer_certificate":
      return { properties: { "connection.uri_san_peer_certificate": principal } };
    case "filter_state":
      return { properties: { "filter_state.io.istio.peer_principal": principal } };
    case "x-forwarded-client-cert":
      return { headers: { "x-forwarded-client-cert": `URI="${principal.replaceAll(/["\\]/g, "\\$&")}"` } };
    case "jwt": {
      const slash = principal.lastIndexOf("/");
      return { claims: { iss: principal.slice(0, slash), sub: principal.slice(slash + 1) } };
    }
    default:
      throw new Error(
        sources.length === 0
          ? "The configuration reads no principal (identity.principalSources is empty): leave out --principal."
          : "The configuration reads principals from tokens (<iss>/<sub>): correct --principal, or give --claims instead.",
      );
  }
}

/** Whether `<iss>/<sub>` can be this principal with these claims. */
function mayBeJwt(principal: string, claims: Readonly<Record<string, unknown>>): boolean {
  const { iss, sub } = claims;
  if (typeof iss === "string" && typeof sub === "string") return principal === `${iss}/${sub}`;
  return iss === undefined && sub === undefined && principal.includes("/");
}

/** Adds a claim and its members or elements, as Envoy's attributes show them. */
function addClaims(path: string, value: unknown, to: Record<string, PropertyValue>): void {
  if (typeof value === "object" && value !== null) {
    for (const [name, member] of Object.entries(value)) addClaims(`${path}.${name}`, member, to);
  }
  if (typeof value === "number") to[path] = new Uint8Array(Float64Array.of(value).buffer);
  else to[path] = typeof value === "string" || typeof value === "boolean" ? value : NO_TEXT;
}
