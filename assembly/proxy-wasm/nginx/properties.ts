import { Properties } from "../../host/properties";
import { SUBJECT_SCHEME } from "../../host/subject_scheme";
import { equalsText } from "../../memory/bytes";
import { HostProperties } from "../properties";

/** The longest text of an IP address, in brackets and with a port. */
const ADDRESS_LIMIT: i32 = 64;
const ADDRESS: usize = heap.alloc(ADDRESS_LIMIT);

const SUBJECT_LIMIT: i32 = 1024;
const SUBJECT: usize = heap.alloc(SUBJECT_SCHEME.length + SUBJECT_LIMIT);
String.UTF8.encodeUnsafe(changetype<usize>(SUBJECT_SCHEME), SUBJECT_SCHEME.length, SUBJECT);

const PEER_CERTIFICATE = "connection\0uri_san_peer_certificate";
const REQUEST_HEADER = "request\0headers\0";

/**
 * NGINX's attributes under Envoy's names. It asks only for attributes that NGINX has, because each lookup of another one costs
 * a line in NGINX's log. Other attributes do not exist.
 */
export class NginxProperties extends Properties {
  private host: HostProperties = new HostProperties();
  private identity: ArrayBuffer;

  /** @param id the number of the plugin instance, which NGINX makes from the configuration */
  constructor(id: u32) {
    super();
    this.identity = String.UTF8.encode(id.toString());
  }

  find(path: string): bool {
    if (path == "source.address") return this.findAddress();
    if (path == "plugin_root_id") return this.findIdentity();
    return this.copy(path.startsWith("ngx.") && this.host.find(path));
  }

  findSegments(path: string): bool {
    if (path == PEER_CERTIFICATE) return this.findSubject();
    return this.copy(path.startsWith(REQUEST_HEADER) && this.host.findSegments(path));
  }

  /** What tells this plugin instance from those of other locations, the same on all workers. NGINX's own root id is always 0. */
  private findIdentity(): bool {
    this.at = changetype<usize>(this.identity);
    this.length = this.identity.byteLength;
    this.isThere = true;
    this.isMissing = false;
    return true;
  }

  /** The address of the client, with a port as in Envoy. NGINX returns the address only. */
  private findAddress(): bool {
    const host = this.host;
    if (!this.copy(host.find("source.address")) || host.length > ADDRESS_LIMIT - 4) return this.none();
    let isIpv6 = false;
    for (let i = 0; i < host.length; i++) isIpv6 = isIpv6 || load<u8>(host.at + i) == 0x3a;
    let at = ADDRESS;
    if (isIpv6) store<u8>(at++, 0x5b);
    memory.copy(at, host.at, host.length);
    at += host.length;
    if (isIpv6) store<u8>(at++, 0x5d);
    store<u16>(at, 0x303a);
    this.at = ADDRESS;
    this.length = <i32>(at + 2 - ADDRESS);
    return true;
  }

  /** The subject of the client's certificate, if NGINX has verified it, in place of the URI in the certificate, which NGINX
   *  does not provide. */
  private findSubject(): bool {
    const host = this.host;
    if (!host.find("ngx.ssl_client_verify") || !equalsText(host.at, host.length, "SUCCESS")) return this.none();
    if (!this.copy(host.find("ngx.ssl_client_s_dn")) || host.length > SUBJECT_LIMIT) return this.none();
    memory.copy(SUBJECT + SUBJECT_SCHEME.length, host.at, host.length);
    this.at = SUBJECT;
    this.length = SUBJECT_SCHEME.length + host.length;
    return true;
  }

  /** Takes over what the host has found. */
  private copy(isFound: bool): bool {
    if (!isFound) return this.none();
    this.at = this.host.at;
    this.length = this.host.length;
    this.isThere = true;
    this.isMissing = false;
    return true;
  }

  private none(): bool {
    this.length = 0;
    this.isThere = false;
    this.isMissing = true;
    return false;
  }
}
