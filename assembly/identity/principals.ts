import { IdentityConfig, PrincipalSource } from "../config/rules/identity_config";
import { Properties } from "../host/properties";
import { Caller } from "./caller";
import { claimPath } from "./claim_path";
import { uriOfForwarded } from "./forwarded_certificate";

const PEER_CERTIFICATE = "connection\0uri_san_peer_certificate";
const FILTER_STATE = "filter_state\0io.istio.peer_principal";
const FORWARDED = "request\0headers\0x-forwarded-client-cert";
const SLASH = "/";

/** Determines who calls, by the first of the policy's sources that names a caller. */
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

  /** Fills in `caller`. `forwarded`: the header `x-forwarded-client-cert`, empty where it is not there. `needsAddress`: whether
   *  the address is of interest too, which asks the host. */
  find(caller: Caller, forwarded: usize, forwardedLength: i32, needsAddress: bool = true): void {
    caller.clear();
    this.findPrincipal(caller, forwarded, forwardedLength);
    if (needsAddress) findAddress(caller, this.properties);
  }

  /** Whether a source is a header of the request, which the proxy shows during the callback of the headers alone. */
  get needsHeaders(): bool {
    return this.config.principalSources.includes(PrincipalSource.ForwardedCertificate);
  }

  /** Fills in the principal of `caller` alone, which is cleared, during the callbacks of the request; if
   *  {@link needsHeaders}, during that of its headers. */
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
          if (this.properties.findSegments(PEER_CERTIFICATE)) this.take(caller);
          break;
        case PrincipalSource.FilterState:
          if (this.properties.findSegments(FILTER_STATE)) this.take(caller);
          break;
        case PrincipalSource.Jwt:
          this.takeJwt(caller);
          break;
        case PrincipalSource.ForwardedCertificate:
          uriOfForwarded(caller, forwarded, forwardedLength);
          break;
      }
    }
  }

  private take(caller: Caller): void {
    caller.append(this.properties.at, this.properties.length);
  }

  /** `<iss>/<sub>`, as Istio's requestPrincipals. */
  private takeJwt(caller: Caller): void {
    const properties = this.properties;
    if (!properties.findSegments(this.issuer)) return;
    this.take(caller);
    if (!properties.findSegments(this.subject)) return caller.clear();
    caller.appendText(SLASH);
    this.take(caller);
  }
}

/** Reads the address of the caller, as Envoy determines it. */
export function findAddress(caller: Caller, properties: Properties): void {
  if (properties.find("source.address")) caller.setAddress(properties.at, properties.length);
}
