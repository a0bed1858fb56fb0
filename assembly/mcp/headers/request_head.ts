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

/** Shared by all instances, since the headers of only one request are read at a time. */
const mirrored = MirroredHeaders.acquire();

/** The request headers that matter to MCP. */
export class RequestHead {
  method: HttpMethod = HttpMethod.Other;
  contentType: ContentType = ContentType.Other;
  /** Whether the content type is `application/json` in UTF-8 and nothing else. */
  isPlainJson: bool = false;
  acceptsEventStream: bool = false;
  /** Whether the request asks for another protocol than HTTP. */
  isUpgrade: bool = false;
  compressed: bool = false;
  /** Whether the request has a header that MCP defines. Other names that begin with `Mcp-` do not count. */
  hasMcpHeader: bool = false;
  /** Whether the request resumes an earlier stream after an event, by `Last-Event-ID`. */
  resumes: bool = false;
  /** The revision in `MCP-Protocol-Version`. */
  revision: i32 = UNKNOWN_REVISION;
  /** Whether `MCP-Protocol-Version` is present, and whether it names different revisions. */
  hasRevision: bool = false;
  namesTwoRevisions: bool = false;
  /** The value of `x-forwarded-client-cert`; empty if it is missing. */
  forwarded: usize = 0;
  forwardedLength: i32 = 0;
  /** The first value of `x-request-id`; empty if it is missing. */
  requestId: usize = 0;
  requestIdLength: i32 = 0;
  /** The value of `traceparent`; empty if it is missing or repeated, since a repeated one is invalid. */
  traceparent: usize = 0;
  traceparentLength: i32 = 0;
  /** The value of `Origin`; empty if it is missing or not read. */
  origin: usize = 0;
  originLength: i32 = 0;
  /** The value of `Mcp-Session-Id`, which is a secret; empty if it is missing. */
  session: usize = 0;
  sessionLength: i32 = 0;
  /** The hash of the HTTP+SSE session to whose endpoint, announced by an open stream, the request posts; 0 if there is none
   *  or it is unknown. */
  endpoint: u64 = 0;
  /** Whether the request posts to an endpoint that an open stream announced. Only this proves that it belongs to HTTP+SSE. */
  isAtEndpoint: bool = false;
  /** Whether the stream announced exactly this target. If a hop has changed one of the two, another server may have
   *  announced it. */
  isAtExactEndpoint: bool = false;
  /** Whether the request may post to an endpoint that an open stream announced, but which one is unknown. */
  isUnpaired: bool = false;
  /** Whether the request has a body. Set by the caller of {@link read}. */
  hasBody: bool = false;
  /** Whether the operator configured the path as an MCP path. Set by the caller of {@link read}. */
  isNamed: bool = false;
  /** The headers that repeat values of the body. */
  readonly mirrored: MirroredHeaders = mirrored;
  private hasContentType: bool = false;
  private hasTraceparent: bool = false;
  private authorityAt: usize = 0;
  private authorityLength: i32 = 0;
  /** A keyed hash of the configured headers that distinguish callers. */
  callerKey: u64 = 0;
  /** The path without the query. */
  path: usize = 0;
  pathLength: i32 = 0;
  /** The length of the path and the query in bytes. */
  targetLength: i32 = 0;

  /**
   * @param callerHeaders the names, in lower case, of headers that distinguish callers; `baggage.` and a key for a member of
   *   the baggage.
   * @param readsOrigin whether to read `Origin`.
   */
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
    while (headers.next()) this.readHeader(headers);
  }

  /** The keyed hash of the authority. */
  get authority(): u64 {
    return keyedHash(this.authorityAt, this.authorityLength);
  }

  /** Whether the request is a POST of JSON. */
  get isJsonPost(): bool {
    return this.method == HttpMethod.Post && this.contentType == ContentType.Json;
  }

  /** Whether a server may find messages in the request: in a POST, and, since some servers read it, in the body of any other
   *  request. `endOfStream`: the request has no body. */
  mayBringMessages(endOfStream: bool): bool {
    return this.method == HttpMethod.Post || this.method == HttpMethod.Other || !endOfStream;
  }

  /** Whether no client of Streamable HTTP would send this POST: it does not accept an event stream, as that transport
   *  requires, has no session, and does not name its latest revision. This is only a guess, since the client chooses the
   *  headers; {@link isAtEndpoint} is proof. */
  get looksLikeHttpSse(): bool {
    const isStreamable = this.acceptsEventStream || this.sessionLength > 0 || this.revision == MODERN_REVISION;
    return this.isJsonPost && !isStreamable;
  }

  private readHeader(header: Headers): void {
    const at = header.value;
    const length = header.valueLength;
    // Switches on the length first, since most requests are not MCP and must have little overhead.
    switch (header.nameLength) {
      case 5:
        if (named(header, ":path")) this.readPath(at, length);
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
          this.readContentType(at, length);
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
    if (startsWithText(header.name, header.nameLength, "mcp-")) this.readMcp(header);
    if (this.callerHeaders.length) this.readCallerKey(header);
  }

  private readContentType(at: usize, length: i32): void {
    const size = lineLength(at, length);
    this.contentType = contentType(at, size);
    const isOne = !this.hasContentType && size == length;
    this.isPlainJson = isOne && this.contentType == ContentType.Json && isUtf8(at, length);
    this.hasContentType = true;
  }

  private readPath(at: usize, length: i32): void {
    this.path = at;
    this.targetLength = length;
    this.pathLength = 0;
    while (this.pathLength < length && load<u8>(at + this.pathLength) != 0x3f) this.pathLength++;
  }

  private readMcp(header: Headers): void {
    if (named(header, "mcp-session-id")) {
      this.session = header.value;
      this.sessionLength = lineLength(header.value, header.valueLength);
    } else if (named(header, "mcp-protocol-version")) {
      this.readRevisions(header.value, header.valueLength);
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

  /** Reads a value of `MCP-Protocol-Version`, which may be several lines joined by commas. */
  private readRevisions(at: usize, length: i32): void {
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

  /** Adds the header to {@link callerKey} if it distinguishes callers. The sum does not depend on the order of headers,
   *  which the client chooses. */
  private readCallerKey(header: Headers): void {
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
