import { ContentType } from "../../http/content_type";
import { HttpMethod } from "../../http/http_method";
import { IdKind } from "../../jsonrpc/id";
import { MessageKind, Refusal } from "../../jsonrpc/message_reader";
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
 * The controller of one HTTP exchange of Streamable HTTP (2025-03-26 to 2026-07-28, basic/transports) or of HTTP+SSE before
 * it: reads its bodies as they pass and hands their messages to {@link ExchangeServices}. It stops watching a candidate that
 * turns out not to be MCP: from then on `isWatched` is false and nothing is reported. One block of memory holds it and its
 * {@link Stream}.
 */
@unmanaged
export class Exchange {
  /** The address of the unit that the exchange is counted in. */
  unit: usize;
  /** The address of the gate's request; 0 where no stage is concerned with it. */
  gated: usize;
  /** The address of what the request's headers repeat of its body, or 0. */
  private mirrored: usize;
  /** Addresses of the decoders of its bodies, 0 where there is none. */
  private request: usize;
  private response: usize;
  /** A header that MCP defines, or an endpoint that a stream named, says that the request is MCP. */
  private hasMcpHeader: bool;
  /** The operator named the request's path as one of MCP. */
  private isNamed: bool;
  /** It is not MCP. */
  private isReleased: bool;
  /** It asks for the end of a session. */
  private isDelete: bool;
  /** Messages of the request so far. */
  private messages: i32;

  static take(): Exchange {
    return changetype<Exchange>(pool.take());
  }

  @inline
  get stream(): Stream {
    return changetype<Stream>(changetype<usize>(this) + STREAM_AT);
  }

  /** Begins with the head of a candidate's request. `now` in nanoseconds. */
  begin(head: RequestHead, now: u64, services: ExchangeServices): void {
    const stream = this.stream;
    stream.startedAt = now;
    stream.resumes = head.resumes;
    // A session of Streamable HTTP tells what a POST is whose target only ends like an endpoint.
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
      this.request = Decoder.take(false);
      if (head.mirrored.isThere && !head.isAtEndpoint) {
        const mirrored = MirroredHeaders.take();
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

  /** Whether it may still be MCP. */
  get isWatched(): bool {
    return !this.isReleased;
  }

  get readsRequest(): bool {
    return this.request != 0;
  }

  get readsResponse(): bool {
    return this.response != 0;
  }

  /** Bytes of the request's body. */
  requestBody(at: usize, length: usize, services: ExchangeServices): void {
    const reader = changetype<Decoder>(this.request).reader(services.tokens);
    const message = reader.message;
    message.mirrored = this.mirrored;
    reader.feed(at, length);
    while (true) {
      const part = reader.next();
      if (part == McpPart.More) break;
      if (part == McpPart.Refused) return this.refuseRequest(reader.refusal, services);
      if (part == McpPart.Method) {
        if (!this.isOfMcp(message.method)) return this.stopWatching();
        if (message.method == Method.None) message.method = Method.Other;
      } else if (part == McpPart.End) {
        this.endClientMessage(services);
        if (!this.request) return;
        reader.beginNext(services.tokens);
      }
    }
    // The answer comes on another stream, and must not overtake the request's end.
    if (this.stream.session.isHttpSse && reader.complete) this.requestEnd(services);
  }

  /** The request's body is over. */
  requestEnd(services: ExchangeServices): void {
    const reader = changetype<Decoder>(this.request).reader(services.tokens);
    if (!reader.isBatch) {
      this.endClientMessage(services);
    } else {
      const refusal = reader.finishBatch();
      if (refusal) return this.refuseRequest(refusal, services);
    }
    this.releaseRequest();
  }

  /** The gate keeps the whole request from the server: what has been read of it, and what is still to be read, has this outcome. */
  reject(outcome: Outcome, services: ExchangeServices): void {
    this.stream.rejection = outcome;
    services.pairing.reject(this.stream);
  }

  /** The gate keeps one of the requests that have waited from the server. */
  rejectOne(kind: IdKind, idHash: u64, outcome: Outcome, services: ExchangeServices): void {
    services.pairing.rejectOne(this.stream, kind, idHash, outcome);
  }

  /** The gate lets the request on: if its messages have waited, their operations begin only now. */
  admit(services: ExchangeServices): void {
    if (this.stream.isQueued) services.pairing.admit(this.stream);
  }

  /** The response's headers. */
  responseHead(head: ResponseHead, services: ExchangeServices): void {
    const stream = this.stream;
    // The gate's own answer.
    if (stream.isRejected) return;
    // A server may answer once it has the message, before the request's end has been reported.
    if (this.request && changetype<Decoder>(this.request).isComplete) this.requestEnd(services);
    stream.status = head.status;
    if (stream.isConfirmed || this.isDelete || stream.kind == StreamKind.Get) this.followSession(head, services);
    const isStream = head.contentType == ContentType.EventStream;
    if (stream.kind == StreamKind.Get) {
      if (head.status != 200 || !isStream) return this.stopWatching();
      // Without a session it may turn out to be one of HTTP+SSE, which is another kind of stream.
      if (this.hasMcpHeader && stream.session.id) this.confirm(services);
    } else if (!stream.operations.count) {
      return;
    }
    if (head.compressed) {
      stream.isUnreadable = true;
      if (!this.isMcp) return this.stopWatching();
      this.confirm(services);
      services.events.undecoded(stream, Undecoded.Compressed);
    } else if (isStream || head.contentType == ContentType.Json) {
      this.response = Decoder.take(isStream);
    }
  }

  /** Bytes of the response's body. */
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

  /** The response is over. */
  responseEnd(services: ExchangeServices): void {
    this.stream.hasResponseEnded = true;
    if (!this.response) return;
    const decoder = changetype<Decoder>(this.response);
    if (!decoder.isEventStream) this.endServerMessages(decoder, services);
    services.serverMessages.report(this.stream);
    this.releaseResponse();
  }

  /** The stream is over, for the reason `end`: settles what is open. The exchange must not be used any more. */
  close(end: StreamEnd, services: ExchangeServices): void {
    const stream = this.stream;
    // Its headers said that it is MCP, and its body never came to an end, or was silent.
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

  /** Whether it is MCP beyond doubt, or says so in its headers. */
  private get isMcp(): bool {
    return this.stream.isConfirmed || this.hasMcpHeader;
  }

  /** Whether a message with this method is MCP, on this stream. */
  private isOfMcp(method: Method): bool {
    return this.isMcp || isDistinctive(method) || (this.isNamed && method != Method.None);
  }

  /** Whether the whole message is MCP, given that its method is. A language server's `initialize` offers no revision. */
  private isOfMcpAsWhole(message: McpMessage): bool {
    return this.isMcp || this.isNamed || message.method != Method.Initialize || message.offersRevision;
  }

  /** Whether it is a GET stream that the server opened. */
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

  /** A message of the client is over. */
  private endClientMessage(services: ExchangeServices): void {
    const reader = changetype<Decoder>(this.request).reader(services.tokens);
    const message = reader.message;
    const kind = reader.finish();
    const rejection = this.stream.rejectionOf(this.messages++);
    if (kind == MessageKind.None) return this.refuseMessage(reader.refusal, services);
    if (kind == MessageKind.Response ? !this.isMcp : !this.isOfMcpAsWhole(message)) return this.stopWatching();
    const listens = kind == MessageKind.Request && message.method == Method.SubscriptionsListen;
    if (listens && !message.isBatch) this.stream.kind = StreamKind.Listen;
    this.confirm(services);
    services.clientMessages.process(this.stream, message, kind, rejection);
  }

  /** The request's body cannot be read any further. */
  private refuseRequest(refusal: Refusal, services: ExchangeServices): void {
    this.refuseMessage(refusal, services);
    this.releaseRequest();
  }

  /** A message of the client cannot be read: that is reported if it must be MCP, and otherwise the stream is no longer
   *  watched. */
  private refuseMessage(refusal: Refusal, services: ExchangeServices): void {
    if (!this.isMcp) return this.stopWatching();
    this.confirm(services);
    services.events.undecoded(this.stream, undecodedBy(refusal));
  }

  private readResponse(decoder: Decoder, at: usize, length: usize, services: ExchangeServices): void {
    const reader = decoder.reader(services.tokens);
    const message = reader.message;
    reader.feed(at, length);
    while (true) {
      const part = reader.next();
      if (part == McpPart.More || part == McpPart.Refused) return;
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

  /** A message or batch of the server is over. */
  private endServerMessages(decoder: Decoder, services: ExchangeServices): void {
    if (!decoder.hasMessage) return;
    const reader = decoder.reader(services.tokens);
    if (reader.blank) return;
    if (!reader.isBatch) return this.endServerMessage(decoder, services);
    const refusal = reader.finishBatch();
    if (refusal) this.refuseAnswer(refusal, services);
  }

  private endServerMessage(decoder: Decoder, services: ExchangeServices): void {
    const stream = this.stream;
    const reader = decoder.reader(services.tokens);
    const message = reader.message;
    const kind = reader.finish();
    if (kind == MessageKind.None) return this.refuseAnswer(reader.refusal, services);
    stream.readSize += message.size;
    if (services.serverMessages.addsUp(message, kind)) return;
    if (kind == MessageKind.Response ? !this.isMcp : !this.isOfMcp(message.method)) return this.passOver();
    if (stream.isConfirmed && !stream.operations.includes(Method.Initialize)) services.sessions.keepAlive(stream);
    this.confirm(services);
    const isWhole = !message.isBatch && !decoder.isEventStream;
    services.serverMessages.process(stream, message, kind, isWhole);
  }

  /** A message of the server cannot be read. */
  private refuseAnswer(refusal: Refusal, services: ExchangeServices): void {
    const stream = this.stream;
    if (!this.isMcp) return this.passOver();
    this.confirm(services);
    // An HTTP error's body need not be JSON-RPC.
    if (stream.status >= 300) return;
    stream.isUnreadable = true;
    services.events.undecoded(stream, undecodedBy(refusal));
  }

  /** The server's stream brought something else than a message of MCP. Clients go on, so the stream may still be MCP as long
   *  as it may name an endpoint. */
  private passOver(): void {
    if (!this.isMcp && !this.stream.endpoint.event) this.stopWatching();
  }

  private stopWatching(): void {
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

/** Whether the server accepted a request whose answer it gives elsewhere, on a stream that cannot be told. */
function isUnpairedRequest(stream: Stream): bool {
  const isAccepted = stream.status >= 200 && stream.status < 300;
  return stream.isUnpaired && isAccepted && stream.hasResponseEnded && stream.operations.count > 0;
}
