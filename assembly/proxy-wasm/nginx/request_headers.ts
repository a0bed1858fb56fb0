import { equalsText, permanentBytes } from "../../memory/bytes";
import { FoldedHeaders } from "../folded_headers";

/** The most headers that NGINX passes, with the pseudo-headers. It leaves out those behind them. */
const LIMIT: u32 = 100;
const AUTHORITY = ":authority";
const NAME: usize = permanentBytes(AUTHORITY);

/** The request headers in NGINX, whose `:authority` is the name of its server block. The header `Host`, which NGINX also sets
 *  for HTTP/2, takes its place. */
export class NginxRequestHeaders extends FoldedHeaders {
  /** Whether NGINX may have left out headers of the current request. */
  mayLack: bool = false;

  open(): void {
    super.open();
    this.mayLack = this.left >= LIMIT;
  }

  next(): bool {
    if (!super.next()) return false;
    if (equalsText(this.name, this.nameLength, AUTHORITY) && !super.next()) return false;
    if (!equalsText(this.name, this.nameLength, "host")) return true;
    this.name = NAME;
    this.nameLength = AUTHORITY.length;
    return true;
  }
}
