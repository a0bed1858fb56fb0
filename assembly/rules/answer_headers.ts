import { HeaderBlock } from "../host/header_block";
import { equalsText } from "../memory/bytes";

/** Stands for all origins. */
const ANY = "*";
const JSON_TYPE: string[] = ["content-type", "application/json"];
const STREAM_TYPE: string[] = ["content-type", "text/event-stream"];
/** What pages may read of a reply besides its body (WHATWG Fetch, "CORS protocol"). */
const EXPOSED = "mcp-session-id, mcp-protocol-version";
const RETRY_AFTER = "retry-after";
/** Seconds up to which the headers of replies that ask for a delay are kept. */
const KEPT_SECONDS: u32 = 64;

/** The headers of replies that the filter sends in place of a server, so that pages of the origins in `access.denial.cors`
 *  can read these. */
export class AnswerHeaders {
  /** The headers for each origin, with a body and without; first those for any other request. */
  private withBody: HeaderBlock[] = [new HeaderBlock(JSON_TYPE)];
  private withoutBody: HeaderBlock[] = [new HeaderBlock([])];
  /** Those with a body that ask for a delay, by its seconds; null until the first one. */
  private retrying: Array<HeaderBlock | null> = new Array<HeaderBlock | null>(KEPT_SECONDS);

  /** @param origins as `access.denial.cors` lists them. */
  constructor(private origins: string[]) {
    for (let i = 0; i < origins.length; i++) {
      const headers = headersFor(origins[i], EXPOSED);
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

  /** Those of an event stream without events. */
  ofStream(origin: i32): HeaderBlock {
    return new HeaderBlock(origin ? STREAM_TYPE.concat(headersFor(this.origins[origin - 1], EXPOSED)) : STREAM_TYPE);
  }

  /** Those of a reply with a body that asks for a delay of so many seconds (RFC 9110, section 10.2.3). */
  retryingAfter(origin: i32, seconds: u32): HeaderBlock {
    const known = origin == 0 && seconds < KEPT_SECONDS ? this.retrying[seconds] : null;
    if (known) return known;
    let headers = JSON_TYPE.concat([RETRY_AFTER, seconds.toString()]);
    if (origin) headers = headers.concat(headersFor(this.origins[origin - 1], EXPOSED + ", " + RETRY_AFTER));
    const block = new HeaderBlock(headers);
    if (origin == 0 && seconds < KEPT_SECONDS) this.retrying[seconds] = block;
    return block;
  }
}

function headersFor(origin: string, exposed: string): string[] {
  const headers = ["access-control-allow-origin", origin, "access-control-expose-headers", exposed];
  return origin == ANY ? headers : headers.concat(["vary", "origin"]);
}
