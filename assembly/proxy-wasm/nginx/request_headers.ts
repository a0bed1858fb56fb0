import { equalsText, permanentBytes } from "../../memory/bytes";
import { FoldedHeaders } from "../folded_headers";

const AUTHORITY = ":authority";
const NAME: usize = permanentBytes(AUTHORITY);

/** The request headers in NGINX, whose `:authority` is the name of its server block. The header `Host`, which NGINX also sets
 *  for HTTP/2, takes its place. */
export class NginxRequestHeaders extends FoldedHeaders {
  next(): bool {
    if (!super.next()) return false;
    if (equalsText(this.name, this.nameLength, AUTHORITY) && !super.next()) return false;
    if (!equalsText(this.name, this.nameLength, "host")) return true;
    this.name = NAME;
    this.nameLength = AUTHORITY.length;
    return true;
  }
}
