import { ContentType } from "../../http/content_type";
import { HttpMethod } from "../../http/http_method";
import { IdKind } from "../../jsonrpc/id";
import { MessageKind, ReadFault } from "../../jsonrpc/message_reader";
import { Pool } from "../../memory/pool";
import { EventPart } from "../../sse/event_reader";
import { SessionEnd } from "../../store/session_entry";
import { MirroredHeaders } from "../headers/mirrored_headers";
import { RequestHead } from "../headers/request_head";
import { ResponseHead } from "../headers/response_head";
import { McpMessage } from "../message/message";
import { McpPart } from "../message/message_reader";
import { Method, isDistinctive } from "../protocol/methods";
import { Outcome } from "../protocol/outcome";
import { StreamEnd, StreamKind } from "../protocol/stream_kinds";
import { Undecoded, undecodedBy } from "../protocol/undecoded";
import { STREAM_SIZE, Stream } from "../state/stream";
import { Decoder } from "./decoder";
import { ExchangeServices } from "./services";

/**
 * The controller of one HTTP exchange of Streamable HTTP (2025-03-26 to 2026-07-28, basic/transports) or of the earlier
 * HTTP+SSE. It reads the bodies as they pass and hands their messages to {@link ExchangeServices}. If a candidate turns out
 * not to be MCP, the exchange stops reading: `mayBeMcp` becomes false, and nothing is reported. One block of memory
 * holds the exchange and its {@link Stream}.
 */
@unmanaged
export class Exchange {
  /** The address of the unit in which the exchange is counted. */
  unit: usize;
  /** The address of the gate's request; 0 if no stage handles it. */
  gated: usize;
  /** The address of the {@link MirroredHeaders} of the request; 0 for none. */
  private mirrored: usize;
  /** The addresses of the decoders of the request body and the response body; 0 for none. */
  private request: usize;
  private response: usize;
  /** Whether a header that MCP defines, or a known HTTP+SSE endpoint, identifies the request as MCP. */
  private hasMcpHeader: bool;
  /** Whether the operator configured the request's path as an MCP path. */
  private isNamed: bool;
  /** Whether the exchange is not MCP. */
  private isReleased: bool;
  /** Whether the request is a DELETE, which ends a session. */
  private isDelete: bool;
  /** The number of messages in the request so far. */
  private messages: i32;

  static acquire(): Exchange {
    return changetype<Exchange>(pool.acquire());
  }

  @inline
  get stream(): Stream {
    return changetype<Stream>(changetype<usize>(this) + STREAM_AT);
  }

  /** Starts the exchange with the request headers of a candidate. `now` is in nanoseconds. */
  begin(head: RequestHead, now: u64, services: ExchangeServices): void {
    const stream = this.stream;
    stream.startedAt = now;
    stream.resumes = head.resumes;
    // A target that only ends like an endpoint is not an HTTP+SSE POST if it has a session of Streamable HTTP.
    stream.isUnpaired = head.isUnpaired && (head.isAtEndpoint || !head.sessionLength);
    this.hasMcpHeader = head.hasMcpHeader || head.isAtEndpoint;
    this.isNamed = head.isNamed;
    services.beginTrace(stream, head);
    services.sessions.begin(stream, head);
    if (services.participants.needsHeaders) services.participants.nameCaller(stream);
    if (head.method == HttpMethod.Delete) {
      this.isDelete = true;
    } else if (head.method == HttpMethod.Get) {
      stream.kind = StreamKind.Get;
      services.httpSse.expect(stream, head);
    } else if (!head.compressed) {
      this.request = Decoder.acquire(false);
      if (head.mirrored.isThere && !head.isAtEndpoint) {
        const mirrored = MirroredHeaders.acquire();
        mirrored.copy(head.mirrored);
        this.mirrored = changetype<usize>(mirrored);
      }
    } else if (this.hasMcpHeader) {
      this.confirm(services);
      services.events.undecoded(stream, Undecoded.Compressed);
    } else {
      this.isReleased = true;
    }
  }

  /** Whether the exchange may still be MCP. */
  get mayBeMcp(): bool {
    return !this.isReleased;
  }

  get readsRequest(): bool {
    return this.request != 0;
  }

  get readsResponse(): bool {
    return this.response != 0;
  }

  /** Reads bytes of the request body. */
  requestBody(at: usize, length: usize, services: ExchangeServices): void {
    const reader = changetype<Decoder>(this.request).reader(services.tokens);
    const message = reader.message;
    message.mirrored = this.mirrored;
    reader.feed(at, length);
    while (true) {
      const part = reader.next();
      if (part == McpPart.More) break;
      if (part == McpPart.Fault) return this.failRequest(reader.fault, services);
      if (part == McpPart.Method) {
        if (!this.isOfMcp(message.method)) return this.stopReading();
        if (message.method == Method.None) message.method = Method.Other;
      } else if (part == McpPart.End) {
        this.endClientMessage(services);
        if (!this.request) return;
        reader.beginNext(services.tokens);
      }
    }
    // The response arrives on another stream and must not be processed before the end of the request.
    if (this.stream.session.isHttpSse && reader.complete) this.requestEnd(services);
  }

  /** Ends the request body. */
  requestEnd(services: ExchangeServices): void {
    const reader = changetype<Decoder>(this.request).reader(services.tokens);
    if (!reader.isBatch) {
      this.endClientMessage(services);
    } else {
      const fault = reader.finishBatch();
      if (fault) return this.failRequest(fault, services);
    }
    this.releaseRequest();
  }

  /** The gate rejects the whole request. All its messages, read or still to be read, get this outcome. */
  reject(outcome: Outcome, services: ExchangeServices): void {
    this.stream.rejection = outcome;
    services.pairing.reject(this.stream);
  }

  /** The gate rejects one of the waiting requests. */
  rejectOne(kind: IdKind, idHash: u64, outcome: Outcome, services: ExchangeServices): void {
    services.pairing.rejectOne(this.stream, kind, idHash, outcome);
  }

  /** The gate forwards the request. If its messages have waited, their operations start now. */
  admit(services: ExchangeServices): void {
    if (this.stream.isQueued) services.pairing.admit(this.stream);
  }

  /** Reads the response headers. */
  responseHead(head: ResponseHead, services: ExchangeServices): void {
    const stream = this.stream;
    // This is the gate's own reply.
    if (stream.isRejected) return;
    // A server may respond as soon as it has the message, before the end of the request is reported.
    if (this.request && changetype<Decoder>(this.request).isComplete) this.requestEnd(services);
    stream.status = head.status;
    if (stream.isConfirmed || this.isDelete || stream.kind == StreamKind.Get) this.followSession(head, services);
    const isStream = head.contentType == ContentType.EventStream;
    if (stream.kind == StreamKind.Get) {
      if (head.status != 200 || !isStream) return this.stopReading();
      // A stream without a session may turn out to be HTTP+SSE, which is another kind of stream.
      if (this.hasMcpHeader && stream.session.id) this.confirm(services);
    } else if (!stream.operations.count) {
      return;
    }
    if (head.compressed) {
      stream.isUnreadable = true;
      if (!this.isMcp) return this.stopReading();
      this.confirm(services);
      services.events.undecoded(stream, Undecoded.Compressed);
    } else if (isStream || head.contentType == ContentType.Json) {
      this.response = Decoder.acquire(isStream);
    }
  }

  /** Reads bytes of the response body. */
  responseBody(at: usize, length: usize, services: ExchangeServices): void {
    const decoder = changetype<Decoder>(this.response);
    if (decoder.isEventStream) this.readEvents(decoder, at, length, services);
    else this.readResponse(decoder, at, length, services);
    services.serverMessages.report(this.stream);
  }

  private readEvents(decoder: Decoder, at: usize, length: usize, services: ExchangeServices): void {
    const stream = this.stream;
    const events = decoder.events;
    events.feed(at, length);
    while (true) {
      const part = events.next();
      if (events.hasIds) stream.isResumable = true;
      if (part == EventPart.More) return;
      if (part == EventPart.Data) {
        services.httpSse.feed(stream, events.isEndpoint, events.dataAt, events.dataLength);
        this.readResponse(decoder, events.dataAt, events.dataLength, services);
        if (!this.response) return;
        continue;
      }
      if (services.httpSse.learn(stream, events.isEndpoint)) this.confirm(services);
      else if (events.isMessage && !events.isEndMark) this.endServerMessages(decoder, services);
      else this.passOver();
      if (!this.response) return;
      decoder.endMessage();
    }
  }

  /** Ends the response. */
  responseEnd(services: ExchangeServices): void {
    this.stream.hasResponseEnded = true;
    if (!this.response) return;
    const decoder = changetype<Decoder>(this.response);
    if (!decoder.isEventStream) this.endServerMessages(decoder, services);
    services.serverMessages.report(this.stream);
    this.releaseResponse();
  }

  /** Ends the stream for the reason `end` and settles its open operations. The exchange must not be used afterwards. */
  close(end: StreamEnd, services: ExchangeServices): void {
    const stream = this.stream;
    // The headers identify the stream as MCP, but its body has not ended or contained no message.
    if (this.hasMcpHeader && (this.request || this.isOpenGet)) this.confirm(services);
    const isServersOwn = stream.kind == StreamKind.Get || stream.kind == StreamKind.HttpSse;
    if (isUnpairedRequest(stream)) {
      stream.isUnreadable = true;
      services.events.undecoded(stream, Undecoded.Unpaired);
    }
    const isQuiet = isServersOwn && end == StreamEnd.Complete;
    const reason = isQuiet ? StreamEnd.ServerClosed : services.pairing.end(stream, end);
    services.httpSse.close(stream, end);
    if (this.mirrored) changetype<MirroredHeaders>(this.mirrored).release();
    if (stream.isConfirmed) services.events.streamEnded(stream, reason);
    this.releaseRequest();
    this.releaseResponse();
    stream.release();
    pool.release(changetype<usize>(this));
  }

  /** Whether the exchange is certainly MCP, or its headers say so. */
  private get isMcp(): bool {
    return this.stream.isConfirmed || this.hasMcpHeader;
  }

  /** Whether a message with this method is MCP on this stream. */
  private isOfMcp(method: Method): bool {
    return this.isMcp || isDistinctive(method) || (this.isNamed && method != Method.None);
  }

  /** Whether the whole message is MCP, given that its method is. The `initialize` of a language server offers no revision. */
  private isOfMcpAsWhole(message: McpMessage): bool {
    return this.isMcp || this.isNamed || message.method != Method.Initialize || message.offersRevision;
  }

  /** Whether this is a GET stream that the server has accepted. */
  private get isOpenGet(): bool {
    return this.stream.kind == StreamKind.Get && this.stream.status == 200 && !this.isReleased;
  }

  private confirm(services: ExchangeServices): void {
    const stream = this.stream;
    if (stream.isConfirmed) return;
    stream.isConfirmed = true;
    services.participants.serverOf(stream);
    services.events.streamStarted(stream);
  }

  private followSession(head: ResponseHead, services: ExchangeServices): void {
    const stream = this.stream;
    const isInitialize = stream.operations.includes(Method.Initialize);
    const reason = services.sessions.follow(stream, head, this.isDelete, isInitialize);
    if (reason == SessionEnd.None) return;
    services.pairing.endSession(stream, Outcome.Unanswered);
    services.sessions.end(stream, reason);
  }

  /** Ends a message of the client. */
  private endClientMessage(services: ExchangeServices): void {
    const reader = changetype<Decoder>(this.request).reader(services.tokens);
    const message = reader.message;
    const kind = reader.finish();
    const rejection = this.stream.rejectionOf(this.messages++);
    if (kind == MessageKind.None) return this.failClientMessage(reader.fault, services);
    if (kind == MessageKind.Response ? !this.isMcp : !this.isOfMcpAsWhole(message)) return this.stopReading();
    const listens = kind == MessageKind.Request && message.method == Method.SubscriptionsListen;
    if (listens && !message.isBatch) this.stream.kind = StreamKind.Listen;
    this.confirm(services);
    services.clientMessages.process(this.stream, message, kind, rejection);
  }

  /** The rest of the request body cannot be read. */
  private failRequest(fault: ReadFault, services: ExchangeServices): void {
    this.failClientMessage(fault, services);
    this.releaseRequest();
  }

  /** A message of the client cannot be read. Reports that if it must be MCP; otherwise stops reading the stream. */
  private failClientMessage(fault: ReadFault, services: ExchangeServices): void {
    if (!this.isMcp) return this.stopReading();
    this.confirm(services);
    services.events.undecoded(this.stream, undecodedBy(fault));
  }

  private readResponse(decoder: Decoder, at: usize, length: usize, services: ExchangeServices): void {
    const reader = decoder.reader(services.tokens);
    const message = reader.message;
    reader.feed(at, length);
    while (true) {
      const part = reader.next();
      if (part == McpPart.More || part == McpPart.Fault) return;
      if (part == McpPart.Method) {
        if (message.method == Method.None && this.isMcp) message.method = Method.Other;
      } else if (part == McpPart.List) {
        if (this.isMcp) services.serverMessages.compareList(this.stream, reader);
      } else if (part == McpPart.Listed) {
        if (this.isMcp) services.serverMessages.readListed(this.stream, message);
      } else if (part == McpPart.Task) {
        if (this.isMcp) services.serverMessages.readTask(this.stream, message);
      } else if (part == McpPart.End) {
        this.endServerMessage(decoder, services);
        if (!this.response) return;
        reader.beginNext(services.tokens);
      }
    }
  }

  /** Ends a message or batch of the server. */
  private endServerMessages(decoder: Decoder, services: ExchangeServices): void {
    if (!decoder.hasMessage) return;
    const reader = decoder.reader(services.tokens);
    if (reader.blank) return;
    if (!reader.isBatch) return this.endServerMessage(decoder, services);
    const fault = reader.finishBatch();
    if (fault) this.failServerMessage(fault, services);
  }

  private endServerMessage(decoder: Decoder, services: ExchangeServices): void {
    const stream = this.stream;
    const reader = decoder.reader(services.tokens);
    const message = reader.message;
    const kind = reader.finish();
    if (kind == MessageKind.None) return this.failServerMessage(reader.fault, services);
    stream.readSize += message.size;
    if (services.serverMessages.addsUp(message, kind)) return;
    if (kind == MessageKind.Response ? !this.isMcp : !this.isOfMcp(message.method)) return this.passOver();
    if (stream.isConfirmed && !stream.operations.includes(Method.Initialize)) services.sessions.keepAlive(stream);
    this.confirm(services);
    const isWhole = !message.isBatch && !decoder.isEventStream;
    services.serverMessages.process(stream, message, kind, isWhole);
  }

  /** A message of the server cannot be read. */
  private failServerMessage(fault: ReadFault, services: ExchangeServices): void {
    const stream = this.stream;
    if (!this.isMcp) return this.passOver();
    this.confirm(services);
    // The body of an HTTP error need not be JSON-RPC.
    if (stream.status >= 300) return;
    stream.isUnreadable = true;
    services.events.undecoded(stream, undecodedBy(fault));
  }

  /** The server's stream contains something other than an MCP message. Since clients ignore that, the stream may still be
   *  MCP as long as it may announce an endpoint. */
  private passOver(): void {
    if (!this.isMcp && !this.stream.endpoint.event) this.stopReading();
  }

  private stopReading(): void {
    this.isReleased = true;
    this.releaseRequest();
    this.releaseResponse();
  }

  private releaseRequest(): void {
    if (this.request) changetype<Decoder>(this.request).release();
    this.request = 0;
  }

  private releaseResponse(): void {
    if (this.response) changetype<Decoder>(this.response).release();
    this.response = 0;
  }
}

const STREAM_AT: usize = (offsetof<Exchange>() + 7) & ~7;
const pool = new Pool(STREAM_AT + STREAM_SIZE);

/** Whether the server accepted a request whose response arrives on another, unknown stream. */
function isUnpairedRequest(stream: Stream): bool {
  const isAccepted = stream.status >= 200 && stream.status < 300;
  return stream.isUnpaired && isAccepted && stream.hasResponseEnded && stream.operations.count > 0;
}
