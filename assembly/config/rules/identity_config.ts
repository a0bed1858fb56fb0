/** Where the caller's principal may be read from. */
export enum PrincipalSource {
  /** The URI SAN of the peer's certificate. */
  PeerCertificate,
  /** Istio's `io.istio.peer_principal`. */
  FilterState,
  /** `<iss>/<sub>` of a JWT that `jwt_authn` has verified. */
  Jwt,
  /** `x-forwarded-client-cert`. */
  ForwardedCertificate,
}

export const PRINCIPAL_SOURCES: string[] = ["peer_certificate", "filter_state", "jwt", "x-forwarded-client-cert"];

/** The configuration's `identity`: how callers are identified. */
export class IdentityConfig {
  /** The sources in the order in which they are read. */
  principalSources: PrincipalSource[] = [PrincipalSource.PeerCertificate, PrincipalSource.FilterState];
  /** The key under which `jwt_authn` stores a JWT's payload (`payload_in_metadata`). */
  jwtPayloadKey: string = "payload";
}
