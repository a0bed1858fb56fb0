import { MessageKind } from "../jsonrpc/message_reader";
import { Pool } from "../memory/pool";
import { EventPart } from "../sse/event_reader";
import { CountingUnit } from "./counting_unit";
import { Decoder } from "./decoder";
import { ContentType, HttpMethod, RequestHead, ResponseHead } from "./head";
import { MeasuredStream } from "./measured_stream";
import { McpMessage, McpPart } from "./message";
import { Method, TargetKind } from "./methods";
import { Operation } from "./operation";
import { Outcome } from "./outcome";
import { MODERN_REVISION, UNKNOWN_REVISION } from "./revisions";
import { StreamEnd, StreamKind } from "./stream_kinds";
import { Undecoded, undecodedBy } from "./undecoded";

/** Whether a stream may be MCP by its request's headers. `pathNamed`: the operator named its path as one of MCP. */
export function isCandidate(head: RequestHead, pathNamed: bool): bool {
  switch (head.method) {
    case HttpMethod.Post:
      return head.contentType == ContentType.Json && (head.acceptsEventStream || head.hasMcpHeader || pathNamed);
    case HttpMethod.Get:
      return head.acceptsEventStream;
    case HttpMethod.Delete:
      return head.sessionLength > 0;
    default:
      return false;
  }
}

/**
 * One HTTP exchange of Streamable HTTP (2025-03-26 to 2026-07-28, basic/transports): reads its bodies as they pass and
 * tells an {@link Observer} what they mean. A candidate that turns out not to be MCP is let go: from then on
 * `isWatched` is false and nothing is told.
 */
@unmanaged
export class Exchange extends MeasuredStream {
  /** The response has been seen to its end. */
  responseEnded: bool;
  private hasMcpHeader: bool;
  /** It asks for the end of a session. */
  private isDelete: bool;
  /** It is MCP beyond doubt. */
  private confirmed: bool;
  /** It is not MCP. */
  private released: bool;
  /** Addresses, 0 where there is none. */
  private operation: usize;
  private request: usize;
  private response: usize;
  /** Something in the response that could be the answer could not be read. */
  private unreadable: bool;

  static take(): Exchange {
    return changetype<Exchange>(pool.take());
  }

  /** Begins with the head of a candidate's request. */
  begin(head: RequestHead, now: u64, unit: CountingUnit): void {
    this.startedAt = now;
    this.hasMcpHeader = head.hasMcpHeader;
    this.beginInSession(head, unit);
    if (head.method == HttpMethod.Delete) {
      this.isDelete = true;
    } else if (head.method == HttpMethod.Get) {
      this.kind = StreamKind.Get;
    } else if (!head.compressed) {
      this.request = Decoder.take(false, unit.tokens);
    } else if (head.hasMcpHeader) {
      this.confirm(unit);
      unit.observer.undecoded(this, Undecoded.Compressed);
    } else {
      this.released = true;
    }
  }

  /** Whether it may still be MCP: false once it is let go. */
  get isWatched(): bool {
    return !this.released;
  }

  get readsRequest(): bool {
    return this.request != 0;
  }

  get readsResponse(): bool {
    return this.response != 0;
  }

  /** Bytes of the request's body. */
  requestBody(at: usize, length: usize, unit: CountingUnit): void {
    const decoder = changetype<Decoder>(this.request);
    const message = decoder.message;
    message.feed(at, length);
    while (true) {
      const part = message.next();
      if (part == McpPart.More) return;
      if (part == McpPart.Method && message.method == Method.None) {
        if (!this.hasMcpHeader) return this.letGo();
        message.method = Method.Other;
      } else if (part == McpPart.Refused) {
        return this.refuseRequest(message, unit);
      }
    }
  }

  /** The request's body is over. */
  requestEnd(unit: CountingUnit): void {
    const message = changetype<Decoder>(this.request).message;
    const kind = message.finish();
    if (kind == MessageKind.None) return this.refuseRequest(message, unit);
    if (kind == MessageKind.Response && !this.hasMcpHeader) return this.letGo();
    if (kind == MessageKind.Request) this.readRequest(message);
    this.confirm(unit);
    if (kind == MessageKind.Request) {
      unit.observer.operationStarted(this);
    } else if (kind == MessageKind.Response) {
      this.countClientAnswer(message, unit);
    } else if (kind == MessageKind.Notification) {
      unit.observer.notification(this, message.method, true, message.size);
      const cancelled = message.cancelledId;
      // Ids are unique in a session only: without one, a mark could hit a stranger's request.
      if (message.method == Method.NotificationsCancelled && cancelled && this.session) {
        unit.cancellations.add(this.session, cancelled, 1);
      }
    }
    this.releaseRequest();
  }

  /** The response's headers. */
  responseHead(head: ResponseHead, unit: CountingUnit): void {
    // A server may answer once it has the message, before the request's end has been told.
    if (this.request && changetype<Decoder>(this.request).message.complete) this.requestEnd(unit);
    this.status = head.status;
    if (this.confirmed || this.isDelete || this.kind == StreamKind.Get) {
      this.followSession(head, this.isDelete, this.isInitialize, unit);
    }
    const isStream = head.contentType == ContentType.EventStream;
    if (this.kind == StreamKind.Get) {
      if (head.status != 200 || !isStream) return this.letGo();
      if (this.hasMcpHeader) this.confirm(unit);
    } else if (!this.operation) {
      return;
    }
    if (head.compressed) {
      this.unreadable = true;
      if (this.confirmed) unit.observer.undecoded(this, Undecoded.Compressed);
      else this.letGo();
    } else if (isStream || head.contentType == ContentType.Json) {
      this.response = Decoder.take(isStream, unit.tokens);
    }
  }

  /** Bytes of the response's body. */
  responseBody(at: usize, length: usize, unit: CountingUnit): void {
    const decoder = changetype<Decoder>(this.response);
    if (!decoder.isEventStream) return this.readResponse(decoder.message, at, length, unit);
    const events = decoder.events;
    events.feed(at, length);
    while (true) {
      const part = events.next();
      if (part == EventPart.More) return;
      if (part == EventPart.Data) {
        this.readResponse(decoder.message, events.dataAt, events.dataLength, unit);
        continue;
      }
      if (events.isMessage) this.endResponseMessage(decoder.message, unit);
      else if (!this.confirmed) this.letGo();
      if (!this.response) return;
      decoder.message.reset(unit.tokens);
    }
  }

  /** The response is over. */
  responseEnd(unit: CountingUnit): void {
    this.responseEnded = true;
    if (!this.response) return;
    const decoder = changetype<Decoder>(this.response);
    if (!decoder.isEventStream) this.endResponseMessage(decoder.message, unit);
    this.releaseResponse();
  }

  /** The stream is over, for the reason `end`: settles what is open. The exchange must not be used any more. */
  close(end: StreamEnd, unit: CountingUnit): void {
    // Its headers said that it is MCP, and its body never came to an end.
    if (this.request && this.hasMcpHeader) this.confirm(unit);
    if (this.operation) {
      const operation = changetype<Operation>(this.operation);
      const outcome = this.outcomeWithoutAnswer(operation, end, unit);
      if (outcome == Outcome.Unanswered) end = StreamEnd.ServerClosed;
      this.endOperation(outcome, unit);
    } else if (this.kind == StreamKind.Get && end == StreamEnd.Complete) {
      end = StreamEnd.ServerClosed;
    }
    if (this.confirmed) unit.observer.streamEnded(this, end);
    this.releaseRequest();
    this.releaseResponse();
    pool.release(changetype<usize>(this));
  }

  private get isInitialize(): bool {
    return this.operation != 0 && changetype<Operation>(this.operation).method == Method.Initialize;
  }

  private readRequest(message: McpMessage): void {
    const operation = Operation.take();
    operation.method = message.method;
    operation.idKind = message.idKind;
    operation.idHash = message.idHash;
    operation.requestSize = message.size;
    operation.setName(message.name, message.nameLength);
    operation.setClientName(message.clientName, message.clientNameLength);
    this.measureRequest(message, operation);
    if (message.requestRevision != UNKNOWN_REVISION) this.setRevision(message.requestRevision);
    if (message.method == Method.SubscriptionsListen) this.kind = StreamKind.Listen;
    this.operation = changetype<usize>(operation);
  }

  private readResponse(message: McpMessage, at: usize, length: usize, unit: CountingUnit): void {
    message.feed(at, length);
    while (true) {
      const part = message.next();
      if (part == McpPart.More || part == McpPart.Refused) return;
      if (part == McpPart.Method && message.method == Method.None) message.method = Method.Other;
      else if (part == McpPart.Listed && this.lists(message.listed)) {
        unit.observer.listed(this, message.listed, message.listedAt, message.listedLength);
      }
    }
  }

  /** Whether the request asked for a list of this kind. */
  private lists(kind: TargetKind): bool {
    if (!this.operation) return false;
    const method = changetype<Operation>(this.operation).method;
    return method == (kind == TargetKind.Tool ? Method.ToolsList : Method.PromptsList);
  }

  private endResponseMessage(message: McpMessage, unit: CountingUnit): void {
    if (message.blank) return;
    const kind = message.finish();
    if (kind != MessageKind.None && this.confirmed && !this.isInitialize) this.keepSession(unit);
    switch (kind) {
      case MessageKind.None:
        if (!this.confirmed) return this.letGo();
        // An HTTP error's body need not be JSON-RPC.
        if (this.status >= 300) return;
        this.unreadable = true;
        return unit.observer.undecoded(this, undecodedBy(message.refusal));
      case MessageKind.Response:
        this.confirm(unit);
        return this.takeAnswer(message, unit);
      case MessageKind.Notification:
        this.confirm(unit);
        return unit.observer.notification(this, message.method, false, message.size);
      default:
        this.confirm(unit);
        if (message.method == Method.SamplingCreateMessage) this.countSamplingRequest(message, unit);
    }
  }

  private takeAnswer(message: McpMessage, unit: CountingUnit): void {
    if (!this.operation) return;
    const operation = changetype<Operation>(this.operation);
    const isAnswer = message.idKind == operation.idKind && message.idHash == operation.idHash;
    if (!isAnswer && !message.isErrorOfUnknownRequest) return;
    operation.responseSize = message.size;
    operation.errorCode = message.errorCode;
    const outcome = message.outcome;
    if (operation.method == Method.Initialize && outcome == Outcome.Ok) {
      this.initialized(message.agreedRevision, operation, unit);
    }
    this.measureAnswer(message, operation, unit);
    this.endOperation(outcome, unit);
  }

  private endOperation(outcome: Outcome, unit: CountingUnit): void {
    const operation = changetype<Operation>(this.operation);
    operation.outcome = outcome;
    unit.observer.operationEnded(this, operation);
    this.countInSession(operation, unit);
    operation.release();
    this.operation = 0;
  }

  /** How the operation ended whose stream is over and brought no answer. */
  private outcomeWithoutAnswer(operation: Operation, end: StreamEnd, unit: CountingUnit): Outcome {
    if (this.session && unit.cancellations.get(this.session, operation.idHash)) return Outcome.Cancelled;
    if (this.status >= 500) return Outcome.UpstreamError;
    if (this.status == 401) return Outcome.Unauthenticated;
    if (this.status >= 300) return Outcome.HttpError;
    if (end == StreamEnd.ClientClosed)
      return this.revision == MODERN_REVISION ? Outcome.Cancelled : Outcome.Disconnected;
    if (!this.responseEnded) return Outcome.UpstreamError;
    return this.unreadable ? Outcome.Undecoded : Outcome.Unanswered;
  }

  /** The request cannot be read: told where the headers say that it is MCP, else the stream is let go. */
  private refuseRequest(message: McpMessage, unit: CountingUnit): void {
    if (!this.hasMcpHeader) return this.letGo();
    this.confirm(unit);
    unit.observer.undecoded(this, undecodedBy(message.refusal));
    this.releaseRequest();
  }

  private confirm(unit: CountingUnit): void {
    if (this.confirmed) return;
    this.confirmed = true;
    unit.observer.streamStarted(this);
  }

  private letGo(): void {
    this.released = true;
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

const pool = new Pool(offsetof<Exchange>());
