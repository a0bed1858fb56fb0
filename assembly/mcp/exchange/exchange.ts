import { MessageKind, Refusal } from "../../jsonrpc/message_reader";
import { Pool } from "../../memory/pool";
import { EventPart } from "../../sse/event_reader";
import { CountingUnit } from "./counting_unit";
import { Decoder } from "./decoder";
import { ContentType } from "../../http/content_type";
import { HttpMethod } from "../../http/http_method";
import { RequestHead } from "../headers/request_head";
import { ResponseHead } from "../headers/response_head";
import { McpMessage, McpPart } from "../message/message";
import { Method, TargetKind } from "../protocol/methods";
import { MirroredHeaders } from "../headers/mirrored_headers";
import { ReadStream } from "./read_stream";
import { StreamEnd, StreamKind } from "../protocol/stream_kinds";
import { Undecoded, undecodedBy } from "../protocol/undecoded";

/** Whether a stream may be MCP by its request's headers. `pathNamed`: the operator named its path as one of MCP. */
export function isCandidate(head: RequestHead, pathNamed: bool): bool {
  switch (head.method) {
    case HttpMethod.Post:
      if (head.contentType != ContentType.Json) return false;
      return head.acceptsEventStream || head.hasMcpHeader || pathNamed || head.endpoint != 0;
    case HttpMethod.Get:
      // Servers open a stream also for clients that do not say that they accept one.
      return head.acceptsEventStream || pathNamed;
    case HttpMethod.Delete:
      return head.sessionLength > 0;
    default:
      return false;
  }
}

/**
 * One HTTP exchange of Streamable HTTP (2025-03-26 to 2026-07-28, basic/transports) or of HTTP+SSE before it: reads its
 * bodies as they pass and tells an {@link Observer} what they mean. A candidate that turns out not to be MCP is let go: from then on
 * `isWatched` is false and nothing is told.
 */
@unmanaged
export class Exchange extends ReadStream {
  /** It asks for the end of a session. */
  private isDelete: bool;

  static take(): Exchange {
    return changetype<Exchange>(pool.take());
  }

  /** Begins with the head of a candidate's request. */
  begin(head: RequestHead, now: u64, unit: CountingUnit): void {
    this.startedAt = now;
    this.hasMcpHeader = head.hasMcpHeader || head.endpoint != 0;
    this.beginInSession(head, unit);
    if (head.method == HttpMethod.Delete) {
      this.isDelete = true;
    } else if (head.method == HttpMethod.Get) {
      this.kind = StreamKind.Get;
      this.expectEndpoint(head);
    } else if (!head.compressed) {
      this.request = Decoder.take(false);
      if (head.mirrored.isThere && !head.endpoint) {
        const mirrored = MirroredHeaders.take();
        mirrored.copy(head.mirrored);
        this.mirrored = changetype<usize>(mirrored);
      }
    } else if (this.hasMcpHeader) {
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

  get readsResponse(): bool {
    return this.response != 0;
  }

  /** The response's headers. */
  responseHead(head: ResponseHead, unit: CountingUnit): void {
    // The policy's own answer.
    if (this.isDenied) return;
    // A server may answer once it has the message, before the request's end has been told.
    if (this.request && changetype<Decoder>(this.request).isComplete) this.requestEnd(unit);
    this.status = head.status;
    if (this.confirmed || this.isDelete || this.kind == StreamKind.Get) {
      this.followSession(head, this.isDelete, this.awaits(Method.Initialize), unit);
    }
    const isStream = head.contentType == ContentType.EventStream;
    if (this.kind == StreamKind.Get) {
      if (head.status != 200 || !isStream) return this.letGo();
      // Without a session it may turn out to be one of HTTP+SSE, which is another kind of stream.
      if (this.hasMcpHeader && this.session) this.confirm(unit);
    } else if (!this.hasOperations) {
      return;
    }
    if (head.compressed) {
      this.unreadable = true;
      if (!this.isMcp) return this.letGo();
      this.confirm(unit);
      unit.observer.undecoded(this, Undecoded.Compressed);
    } else if (isStream || head.contentType == ContentType.Json) {
      this.response = Decoder.take(isStream);
    }
  }

  /** Bytes of the response's body. */
  responseBody(at: usize, length: usize, unit: CountingUnit): void {
    const decoder = changetype<Decoder>(this.response);
    if (!decoder.isEventStream) return this.readResponse(decoder, at, length, unit);
    const events = decoder.events;
    events.feed(at, length);
    while (true) {
      const part = events.next();
      if (events.hasIds) this.isResumable = true;
      if (part == EventPart.More) return;
      if (part == EventPart.Data) {
        this.feedEndpoint(events.dataAt, events.dataLength);
        this.readResponse(decoder, events.dataAt, events.dataLength, unit);
        if (!this.response) return;
        continue;
      }
      if (this.learnEndpoint(events.isEndpoint, this.confirmed, unit)) this.confirm(unit);
      else if (events.isMessage) this.endServerMessage(decoder, unit);
      else if (!this.isMcp) this.letGo();
      if (!this.response) return;
      decoder.endMessage();
    }
  }

  /** The response is over. */
  responseEnd(unit: CountingUnit): void {
    this.responseEnded = true;
    if (!this.response) return;
    const decoder = changetype<Decoder>(this.response);
    if (!decoder.isEventStream) this.endServerMessage(decoder, unit);
    this.releaseResponse();
  }

  /** The stream is over, for the reason `end`: settles what is open. The exchange must not be used any more. */
  close(end: StreamEnd, unit: CountingUnit): void {
    // Its headers said that it is MCP, and its body never came to an end, or was silent.
    if (this.hasMcpHeader && (this.request || this.isOpenGet)) this.confirm(unit);
    const isServersOwn = this.kind == StreamKind.Get || this.kind == StreamKind.HttpSse;
    const isQuiet = isServersOwn && end == StreamEnd.Complete;
    const reason = isQuiet ? StreamEnd.ServerClosed : this.endOperations(end, unit);
    this.closeEndpoint(end, unit);
    this.releaseMirrored();
    if (this.confirmed) unit.observer.streamEnded(this, reason);
    this.releaseRequest();
    this.releaseResponse();
    pool.release(changetype<usize>(this));
  }

  /** Whether it is a GET stream that the server opened. */
  private get isOpenGet(): bool {
    return this.kind == StreamKind.Get && this.status == 200 && !this.released;
  }

  private readResponse(decoder: Decoder, at: usize, length: usize, unit: CountingUnit): void {
    const message = decoder.message(unit.tokens);
    message.feed(at, length);
    while (true) {
      const part = message.next();
      if (part == McpPart.More || part == McpPart.Refused) return;
      if (part == McpPart.Method && message.method == Method.None) {
        message.method = Method.Other;
      } else if (part == McpPart.Listed && this.lists(message.listed)) {
        const label = unit.observer.listed(this, message.listed, message.listedAt, message.listedLength);
        if (message.listed == TargetKind.Tool) message.setToolLabel(label);
      } else if (part == McpPart.Task && this.mayAnswer(Method.TasksList)) {
        this.tellTask(message.task, message.taskState, unit);
      } else if (part == McpPart.End) {
        this.takeServerMessage(decoder, unit);
        if (!this.response) return;
        message.beginNext(unit.tokens);
      }
    }
  }

  /** Whether the request asked for a list of this kind. */
  private lists(kind: TargetKind): bool {
    return this.mayAnswer(kind == TargetKind.Tool ? Method.ToolsList : Method.PromptsList);
  }

  /** Whether the response may bring the answer to such a request. What is asked elsewhere is not known here. */
  private mayAnswer(method: Method): bool {
    return this.kind == StreamKind.Get || this.kind == StreamKind.HttpSse || this.awaits(method);
  }

  /** A message or batch of the server is over. */
  private endServerMessage(decoder: Decoder, unit: CountingUnit): void {
    if (!decoder.hasMessage) return;
    const message = decoder.message(unit.tokens);
    if (message.blank) return;
    if (!message.isBatch) return this.takeServerMessage(decoder, unit);
    const refusal = message.finishBatch();
    if (refusal) this.refuseAnswer(refusal, unit);
  }

  private takeServerMessage(decoder: Decoder, unit: CountingUnit): void {
    const message = decoder.message(unit.tokens);
    const kind = message.finish();
    if (kind == MessageKind.None) return this.refuseAnswer(message.refusal, unit);
    if (this.confirmed && !this.awaits(Method.Initialize)) this.keepSession(unit);
    this.confirm(unit);
    if (kind == MessageKind.Response) {
      this.takeAnswer(message, !message.isBatch && !decoder.isEventStream, unit);
    } else if (kind == MessageKind.Notification) {
      this.takeServerNotification(message, unit);
    } else {
      if (message.method == Method.SamplingCreateMessage) this.countSamplingRequest(message, unit);
      this.beginServerOperation(message, unit);
    }
  }

  private takeServerNotification(message: McpMessage, unit: CountingUnit): void {
    unit.observer.notification(this, message.method, false, message.size);
    switch (message.method) {
      case Method.NotificationsProgress:
        unit.toolObserver.progress(this, this.onlyOperation);
        break;
      case Method.NotificationsCancelled:
        this.cancelOperation(message, true, unit);
        break;
      case Method.NotificationsTasks:
      case Method.NotificationsTasksStatus:
        this.tellTask(message.task, message.taskState, unit);
        break;
    }
  }

  /** A message of the server cannot be read. */
  private refuseAnswer(refusal: Refusal, unit: CountingUnit): void {
    if (!this.isMcp) return this.letGo();
    this.confirm(unit);
    // An HTTP error's body need not be JSON-RPC.
    if (this.status >= 300) return;
    this.unreadable = true;
    unit.observer.undecoded(this, undecodedBy(refusal));
  }
}

const pool = new Pool(offsetof<Exchange>());
