import { Headers } from "../../host/headers";
import { BAGGAGE_PREFIX, baggageHash } from "../../http/baggage";
import { ContentType, contentType, isCompressed, isUtf8 } from "../../http/content_type";
import { HttpMethod, httpMethod } from "../../http/http_method";
import { lineLength, memberEnd, skipBlanks, skipBlanksBack } from "../../http/list_form";
import { indexOfIgnoringCase, mix, startsWithText } from "../../memory/bytes";
import { keyedHash } from "../../memory/keyed_hash";
import { MODERN_REVISION, UNKNOWN_REVISION, revisionOf } from "../protocol/revisions";
import { MirroredHeaders } from "./mirrored_headers";
import { named } from "./named";

/** One request's headers are read at a time. */
const mirrored = MirroredHeaders.take();

/** What the headers of a request say of MCP. */
export class RequestHead {
  method: HttpMethod = HttpMethod.Other;
  contentType: ContentType = ContentType.Other;
  /** The content type is `application/json` in UTF-8 and nothing else. */
  isPlainJson: bool = false;
  acceptsEventStream: bool = false;
  /** It asks for another protocol than HTTP. */
  isUpgrade: bool = false;
  compressed: bool = false;
  /** It has a header that MCP defines: others whose names begin with `Mcp-` say nothing. */
  hasMcpHeader: bool = false;
  /** It asks for what followed an event of an earlier stream, by `Last-Event-ID`. */
  resumes: bool = false;
  /** What `MCP-Protocol-Version` names. */
  revision: i32 = UNKNOWN_REVISION;
  /** `MCP-Protocol-Version` came, and whether it came more than once and names several. */
  hasRevision: bool = false;
  namesTwoRevisions: bool = false;
  /** `x-forwarded-client-cert`; empty where it is not there. */
  forwarded: usize = 0;
  forwardedLength: i32 = 0;
  /** `x-request-id`, the first where there are several; empty where there is none. */
  requestId: usize = 0;
  requestIdLength: i32 = 0;
  /** `traceparent`; empty where there is none, or where there are several, which name none. */
  traceparent: usize = 0;
  traceparentLength: i32 = 0;
  /** `Origin`; empty where there is none, or where it is not read. */
  origin: usize = 0;
  originLength: i32 = 0;
  /** `Mcp-Session-Id`, which is a secret; empty where there is none. */
  session: usize = 0;
  sessionLength: i32 = 0;
  /** The hash of the HTTP+SSE session to whose endpoint, which an open stream named, it posts; 0 where it posts to none, or it
   *  cannot be told to which. */
  endpoint: u64 = 0;
  /** It posts to an endpoint that an open stream named, which alone proves that it is of HTTP+SSE. */
  isAtEndpoint: bool = false;
  /** The stream named exactly its target. Where a hop has changed one of the two, another server may have named it. */
  isAtExactEndpoint: bool = false;
  /** It may post to an endpoint that an open stream named, but it cannot be told to which. */
  isUnpaired: bool = false;
  /** It has a body. Set by who knows it. */
  hasBody: bool = false;
  /** The operator named its path as one of MCP. Set by who knows the configuration. */
  isNamed: bool = false;
  /** What the headers repeat of the body. */
  readonly mirrored: MirroredHeaders = mirrored;
  private hasContentType: bool = false;
  private hasTraceparent: bool = false;
  private authorityAt: usize = 0;
  private authorityLength: i32 = 0;
  /** A keyed hash of the headers that tell callers apart, by the configuration. */
  callerKey: u64 = 0;
  /** The path, without the query. */
  path: usize = 0;
  pathLength: i32 = 0;
  /** Bytes of the path and the query. */
  targetLength: i32 = 0;

  /** @param callerHeaders names of headers, in lower case, that tell callers apart; `baggage.` and a key for a member of
   *  the baggage.
   *  @param readsOrigin read `Origin`. */
  constructor(
    private callerHeaders: string[],
    private readsOrigin: bool = false,
  ) {}

  read(headers: Headers): void {
    this.method = HttpMethod.Other;
    this.contentType = ContentType.Other;
    this.isPlainJson = false;
    this.acceptsEventStream = false;
    this.isUpgrade = false;
    this.compressed = false;
    this.namesTwoRevisions = false;
    this.forwardedLength = 0;
    this.originLength = 0;
    this.requestIdLength = 0;
    this.traceparentLength = 0;
    this.hasTraceparent = false;
    this.hasContentType = false;
    this.hasRevision = false;
    this.hasMcpHeader = false;
    this.resumes = false;
    this.revision = UNKNOWN_REVISION;
    this.sessionLength = 0;
    this.callerKey = 0;
    this.pathLength = 0;
    this.targetLength = 0;
    this.authorityLength = 0;
    this.endpoint = 0;
    this.isAtEndpoint = false;
    this.isAtExactEndpoint = false;
    this.isUnpaired = false;
    this.isNamed = false;
    this.hasBody = false;
    this.mirrored.clear();
    while (headers.next()) this.take(headers);
  }

  /** The keyed hash of the authority. */
  get authority(): u64 {
    return keyedHash(this.authorityAt, this.authorityLength);
  }

  /** Whether it is a POST of JSON. */
  get isJsonPost(): bool {
    return this.method == HttpMethod.Post && this.contentType == ContentType.Json;
  }

  /** Whether a server may find messages in it: in a POST, and, since some servers read it, in the body of any other request.
   *  `endOfStream`: it has no body. */
  mayBringMessages(endOfStream: bool): bool {
    return this.method == HttpMethod.Post || this.method == HttpMethod.Other || !endOfStream;
  }

  /** Whether no client of Streamable HTTP would send this POST: it accepts no event stream, as that transport requires, and
   *  has no session and not its latest revision. Only a guess, since headers are the caller's own: {@link isAtEndpoint}
   *  proves what a POST is. */
  get looksLikeHttpSse(): bool {
    const isStreamable = this.acceptsEventStream || this.sessionLength > 0 || this.revision == MODERN_REVISION;
    return this.isJsonPost && !isStreamable;
  }

  private take(header: Headers): void {
    const at = header.value;
    const length = header.valueLength;
    // Told apart by their lengths first: most requests are no MCP, and their headers shall cost little.
    switch (header.nameLength) {
      case 5:
        if (named(header, ":path")) this.takePath(at, length);
        break;
      case 6:
        if (!this.acceptsEventStream && named(header, "accept")) {
          this.acceptsEventStream = indexOfIgnoringCase(at, length, "text/event-stream") >= 0;
        } else if (this.readsOrigin && named(header, "origin")) {
          this.origin = at;
          this.originLength = length;
        }
        break;
      case 7:
        if (named(header, ":method")) this.method = httpMethod(at, length);
        else if (named(header, "upgrade")) this.isUpgrade = true;
        break;
      case 10:
        if (named(header, ":authority")) {
          this.authorityAt = at;
          this.authorityLength = length;
        }
        break;
      case 11:
        if (!named(header, "traceparent")) break;
        this.traceparent = at;
        this.traceparentLength = this.hasTraceparent ? 0 : length;
        this.hasTraceparent = true;
        break;
      case 12:
        if (named(header, "content-type")) {
          this.takeContentType(at, length);
        } else if (this.requestIdLength == 0 && named(header, "x-request-id")) {
          this.requestId = at;
          this.requestIdLength = length;
        }
        break;
      case 13:
        if (named(header, "last-event-id")) this.resumes = true;
        break;
      case 16:
        if (named(header, "content-encoding"))
          this.compressed = this.compressed || isCompressed(at, lineLength(at, length));
        break;
      case 23:
        if (!named(header, "x-forwarded-client-cert")) break;
        this.forwarded = at;
        this.forwardedLength = length;
        break;
    }
    if (startsWithText(header.name, header.nameLength, "mcp-")) this.takeMcp(header);
    if (this.callerHeaders.length) this.takeCaller(header);
  }

  private takeContentType(at: usize, length: i32): void {
    const size = lineLength(at, length);
    this.contentType = contentType(at, size);
    const isOne = !this.hasContentType && size == length;
    this.isPlainJson = isOne && this.contentType == ContentType.Json && isUtf8(at, length);
    this.hasContentType = true;
  }

  private takePath(at: usize, length: i32): void {
    this.path = at;
    this.targetLength = length;
    this.pathLength = 0;
    while (this.pathLength < length && load<u8>(at + this.pathLength) != 0x3f) this.pathLength++;
  }

  private takeMcp(header: Headers): void {
    if (named(header, "mcp-session-id")) {
      this.session = header.value;
      this.sessionLength = lineLength(header.value, header.valueLength);
    } else if (named(header, "mcp-protocol-version")) {
      this.takeRevisions(header.value, header.valueLength);
    } else if (named(header, "mcp-method")) {
      this.mirrored.addMethod(header.value, header.valueLength);
    } else if (named(header, "mcp-name")) {
      this.mirrored.addName(header.value, header.valueLength);
    } else if (startsWithText(header.name, header.nameLength, "mcp-param-")) {
      this.mirrored.addParam(header.value, header.valueLength);
    } else {
      return;
    }
    this.hasMcpHeader = true;
  }

  /** Takes a line of `MCP-Protocol-Version`, which may be several that were joined. */
  private takeRevisions(at: usize, length: i32): void {
    for (let from = 0; from <= length;) {
      from = skipBlanks(at, from, length);
      const comma = memberEnd(at, from, length);
      const revision = revisionOf(at + from, max(skipBlanksBack(at, comma) - from, 0));
      if (this.hasRevision && this.revision != revision) this.namesTwoRevisions = true;
      this.hasRevision = true;
      this.revision = revision;
      from = comma + 1;
    }
  }

  /** Adds the header to what tells callers apart. The order of headers is the client's own: what they add up to must not
   *  depend on it. */
  private takeCaller(header: Headers): void {
    for (let i = 0; i < this.callerHeaders.length; i++) {
      const name = this.callerHeaders[i];
      if (named(header, name)) {
        this.callerKey += mix(keyedHash(header.value, header.valueLength) ^ (i + 1));
      } else if (name.startsWith(BAGGAGE_PREFIX) && named(header, "baggage")) {
        const hash = baggageHash(header.value, header.valueLength, name);
        if (hash) this.callerKey += mix(hash ^ (i + 1));
      }
    }
  }
}
