import { MessageKind, Refusal } from "../../jsonrpc/message_reader";
import { CountingUnit } from "./counting_unit";
import { Decoder } from "./decoder";
import { HttpSseStream } from "./http_sse_stream";
import { McpMessage, McpPart } from "../message/message";
import { Method } from "../protocol/methods";
import { MODERN_REVISION } from "../protocol/revisions";
import { StreamKind } from "../protocol/stream_kinds";
import { undecodedBy } from "../protocol/undecoded";

/** A stream whose bodies are read: whether it is MCP, and what the client sends. One that turns out not to be MCP is let
 *  go: from then on nothing is told of it. */
@unmanaged
export class ReadStream extends HttpSseStream {
  protected hasMcpHeader: bool;
  /** It is MCP beyond doubt. */
  protected confirmed: bool;
  /** It is not MCP. */
  protected released: bool;
  /** Addresses of the decoders of its bodies, 0 where there is none. */
  protected request: usize;
  protected response: usize;

  get readsRequest(): bool {
    return this.request != 0;
  }

  /** Bytes of the request's body. */
  requestBody(at: usize, length: usize, unit: CountingUnit): void {
    const message = changetype<Decoder>(this.request).message(unit.tokens);
    message.mirrored = this.mirrored;
    message.feed(at, length);
    while (true) {
      const part = message.next();
      if (part == McpPart.More) break;
      if (part == McpPart.Refused) return this.refuseBody(message.refusal, unit);
      if (part == McpPart.Method && message.method == Method.None) {
        if (!this.isMcp) return this.letGo();
        message.method = Method.Other;
      } else if (part == McpPart.End) {
        this.takeClientMessage(message, unit);
        if (!this.request) return;
        message.beginNext(unit.tokens);
      }
    }
    // The answer comes on another stream, and must not overtake the request's end.
    if (this.isHttpSse && message.complete) this.requestEnd(unit);
  }

  /** The request's body is over. */
  requestEnd(unit: CountingUnit): void {
    const message = changetype<Decoder>(this.request).message(unit.tokens);
    if (!message.isBatch) {
      this.takeClientMessage(message, unit);
    } else {
      const refusal = message.finishBatch();
      if (refusal) return this.refuseBody(refusal, unit);
    }
    this.releaseRequest();
  }

  private takeClientMessage(message: McpMessage, unit: CountingUnit): void {
    const kind = message.finish();
    if (kind == MessageKind.None) return this.refuseMessage(message.refusal, unit);
    if (kind == MessageKind.Response && !this.isMcp) return this.letGo();
    const listens = kind == MessageKind.Request && message.method == Method.SubscriptionsListen;
    if (listens && !message.isBatch) this.kind = StreamKind.Listen;
    this.confirm(unit);
    if (this.isUnchecked) this.tellUnchecked(message, kind, unit);
    if (this.isDenied) {
      if (kind == MessageKind.Request) this.beginOperation(message, unit);
      else if (kind == MessageKind.Response) this.takeClientAnswer(message, unit);
      else this.logNotification(message, unit);
    } else if (kind == MessageKind.Request) {
      // HTTP+SSE has no headers that repeat the body.
      if (!message.isBatch && !this.isHttpSse) this.checkHeaders(message, this.revision, unit);
      this.beginOperation(message, unit);
    } else if (kind == MessageKind.Response) {
      this.countClientAnswer(message, unit);
      this.takeClientAnswer(message, unit);
    } else {
      unit.observer.notification(this, message.method, true, message.size);
      if (message.method == Method.NotificationsCancelled) this.cancelOperation(message, false, unit);
      this.logNotification(message, unit);
    }
  }

  private tellUnchecked(message: McpMessage, kind: MessageKind, unit: CountingUnit): void {
    const isAnswer = kind == MessageKind.Response;
    const method = isAnswer ? this.askedMethod(message.idKind, message.idHash, unit) : message.method;
    unit.observer.unchecked(this, method, message.name, message.nameLength);
  }

  private logNotification(message: McpMessage, unit: CountingUnit): void {
    unit.log.notified(this, message.method, this.sessionOf(unit), this.isModern);
  }

  /** The request's body cannot be read any further. */
  private refuseBody(refusal: Refusal, unit: CountingUnit): void {
    this.refuseMessage(refusal, unit);
    this.releaseRequest();
  }

  /** A message of the client cannot be read: told where it must be MCP, else the stream is let go. */
  private refuseMessage(refusal: Refusal, unit: CountingUnit): void {
    if (!this.isMcp) return this.letGo();
    this.confirm(unit);
    unit.observer.undecoded(this, undecodedBy(refusal));
  }

  /** The access policy denies the request: what has been read of it, and what is still read. */
  deny(unit: CountingUnit): void {
    this.isDenied = true;
    this.denyOperations(unit);
  }

  /** Whether it is MCP beyond doubt, or says so in its headers. */
  protected get isMcp(): bool {
    return this.confirmed || this.hasMcpHeader;
  }

  private get isModern(): bool {
    return this.revision == MODERN_REVISION;
  }

  protected confirm(unit: CountingUnit): void {
    if (this.confirmed) return;
    this.confirmed = true;
    unit.observer.streamStarted(this);
  }

  protected letGo(): void {
    this.released = true;
    this.releaseRequest();
    this.releaseResponse();
  }

  protected releaseRequest(): void {
    if (this.request) changetype<Decoder>(this.request).release();
    this.request = 0;
  }

  protected releaseResponse(): void {
    if (this.response) changetype<Decoder>(this.response).release();
    this.response = 0;
  }
}
