import { HeaderBlock } from "../../host/header_block";
import { equalsText } from "../../memory/bytes";

/** Stands for all origins. */
const ANY = "*";
const JSON_TYPE: string[] = ["content-type", "application/json"];
/** What pages may read of a reply besides its body (WHATWG Fetch, "CORS protocol"). */
const EXPOSED = "mcp-session-id, mcp-protocol-version";

/** The headers of replies that the filter sends in place of a server, so that pages of the origins in `access.denial.cors`
 *  can read these. */
export class DenialHeaders {
  /** The headers for each origin, with a body and without; first those for any other request. */
  private withBody: HeaderBlock[] = [new HeaderBlock(JSON_TYPE)];
  private withoutBody: HeaderBlock[] = [new HeaderBlock([])];

  /** @param origins as `access.denial.cors` lists them. */
  constructor(private origins: string[]) {
    for (let i = 0; i < origins.length; i++) {
      const headers = headersFor(origins[i]);
      this.withBody.push(new HeaderBlock(JSON_TYPE.concat(headers)));
      this.withoutBody.push(new HeaderBlock(headers));
    }
  }

  /** The number that stands for the `Origin` of a request, `length` bytes; 0 for one that is not listed, or none. */
  numberOf(at: usize, length: i32): i32 {
    if (length == 0) return 0;
    for (let i = 0; i < this.origins.length; i++) {
      if (equalsText(at, length, this.origins[i])) return i + 1;
    }
    return this.origins.indexOf(ANY) + 1;
  }

  /** The headers of the reply to a request whose origin has this number. */
  of(origin: i32, hasBody: bool): HeaderBlock {
    return hasBody ? this.withBody[origin] : this.withoutBody[origin];
  }
}

function headersFor(origin: string): string[] {
  const headers = ["access-control-allow-origin", origin, "access-control-expose-headers", EXPOSED];
  return origin == ANY ? headers : headers.concat(["vary", "origin"]);
}
