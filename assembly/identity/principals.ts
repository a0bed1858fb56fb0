import { IdentityConfig, PrincipalSource } from "../config/rules/identity_config";
import { Properties } from "../host/properties";
import { Caller } from "./caller";
import { claimPath } from "./claim_path";
import { uriOfForwarded } from "./forwarded_certificate";

const PEER_CERTIFICATE = "connection\0uri_san_peer_certificate";
const FILTER_STATE = "filter_state\0io.istio.peer_principal";
const FORWARDED = "request\0headers\0x-forwarded-client-cert";
const SLASH = "/";

/** Identifies the caller by the first of the policy's sources that has a principal. */
export class Principals {
  private issuer: string;
  private subject: string;

  constructor(
    private config: IdentityConfig,
    private properties: Properties,
  ) {
    this.issuer = claimPath(config.jwtPayloadKey, ["iss"]);
    this.subject = claimPath(config.jwtPayloadKey, ["sub"]);
  }

  /** Fills in `caller`. `forwarded` is the header `x-forwarded-client-cert`; 0 bytes if it is missing. `needsAddress`: also
   *  find the address, which makes a host call. */
  find(caller: Caller, forwarded: usize, forwardedLength: i32, needsAddress: bool = true): void {
    caller.clear();
    this.findPrincipal(caller, forwarded, forwardedLength);
    if (needsAddress) findAddress(caller, this.properties);
  }

  /** Whether a source is a request header, which is accessible only during the headers callback. */
  get needsHeaders(): bool {
    return this.config.principalSources.includes(PrincipalSource.ForwardedCertificate);
  }

  /** Clears `caller` and fills in its principal only. Call it during a request callback; if {@link needsHeaders}, during
   *  that of the headers. */
  findName(caller: Caller): void {
    caller.clear();
    const properties = this.properties;
    const isThere = this.needsHeaders && properties.findSegments(FORWARDED);
    this.findPrincipal(caller, properties.at, isThere ? properties.length : 0);
  }

  private findPrincipal(caller: Caller, forwarded: usize, forwardedLength: i32): void {
    const sources = this.config.principalSources;
    for (let i = 0; i < sources.length && caller.isAnonymous; i++) {
      switch (sources[i]) {
        case PrincipalSource.PeerCertificate:
          if (this.properties.findSegments(PEER_CERTIFICATE)) this.appendValue(caller);
          break;
        case PrincipalSource.FilterState:
          if (this.properties.findSegments(FILTER_STATE)) this.appendValue(caller);
          break;
        case PrincipalSource.Jwt:
          this.appendJwt(caller);
          break;
        case PrincipalSource.ForwardedCertificate:
          uriOfForwarded(caller, forwarded, forwardedLength);
          break;
      }
    }
  }

  private appendValue(caller: Caller): void {
    caller.append(this.properties.at, this.properties.length);
  }

  /** Sets the principal to `<iss>/<sub>`, as in Istio's requestPrincipals. */
  private appendJwt(caller: Caller): void {
    const properties = this.properties;
    if (!properties.findSegments(this.issuer)) return;
    this.appendValue(caller);
    if (!properties.findSegments(this.subject)) return caller.clear();
    caller.appendText(SLASH);
    this.appendValue(caller);
  }
}

/** Sets the caller's address, as determined by Envoy. */
export function findAddress(caller: Caller, properties: Properties): void {
  if (properties.find("source.address")) caller.setAddress(properties.at, properties.length);
}
