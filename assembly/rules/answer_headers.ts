import { HeaderBlock } from "../host/header_block";
import { equalsText } from "../memory/bytes";

/** Matches every origin. */
const ANY = "*";
const JSON_TYPE: string[] = ["content-type", "application/json"];
const STREAM_TYPE: string[] = ["content-type", "text/event-stream"];
/** The response headers that web pages may read (WHATWG Fetch, "CORS protocol"). */
const EXPOSED = "mcp-session-id, mcp-protocol-version";
const RETRY_AFTER = "retry-after";
/** Header blocks with a `retry-after` below this number of seconds are cached. */
const KEPT_SECONDS: u32 = 64;

/**
 * The headers of replies that the filter sends in place of a server. They let web pages of the origins in
 * `access.denial.cors` read the replies.
 */
export class AnswerHeaders {
  /** Header blocks by origin number, with and without a body. Number 0 is for requests of any other origin. */
  private withBody: HeaderBlock[] = [new HeaderBlock(JSON_TYPE)];
  private withoutBody: HeaderBlock[] = [new HeaderBlock([])];
  /** Cached header blocks with a body and `retry-after`, indexed by seconds; null until first used. */
  private retrying: Array<HeaderBlock | null> = new Array<HeaderBlock | null>(KEPT_SECONDS);

  /** @param origins the list in `access.denial.cors` */
  constructor(private origins: string[]) {
    for (let i = 0; i < origins.length; i++) {
      const headers = headersFor(origins[i], EXPOSED);
      this.withBody.push(new HeaderBlock(JSON_TYPE.concat(headers)));
      this.withoutBody.push(new HeaderBlock(headers));
    }
  }

  /** The number of a request's `Origin` (`length` bytes at `at`) in {@link of}; 0 if it is empty or not listed. */
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

  /** The headers of an event stream without events. */
  ofStream(origin: i32): HeaderBlock {
    return new HeaderBlock(origin ? STREAM_TYPE.concat(headersFor(this.origins[origin - 1], EXPOSED)) : STREAM_TYPE);
  }

  /** The headers of a reply with a body that asks for a delay of `seconds` (RFC 9110, section 10.2.3). */
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
