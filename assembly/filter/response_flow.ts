import { Gate, gatedRequest } from "../gate/gate";
import { ResponseEdits } from "../gate/response_edits";
import { GateRequest } from "../gate/stage/request";
import { Body } from "../host/body";
import { Clock } from "../host/clock";
import { Headers } from "../host/headers";
import { HttpMessage } from "../host/proxy";
import { Properties } from "../host/properties";
import { Exchange } from "../mcp/exchange/exchange";
import { ResponseHead } from "../mcp/headers/response_head";
import { StreamEnd } from "../mcp/protocol/stream_kinds";
import { equalsText } from "../memory/bytes";
import { Action } from "../proxy-wasm/module/abi";
import { ResponseHeaders } from "../trace/response_headers";
import { endingOf } from "./ending";
import { unitOf } from "./counting_unit";

const OK: i32 = 200;
const TOO_MANY_REQUESTS: i32 = 429;

/** Handles responses from their headers to the ends of their streams. */
export class ResponseFlow {
  private head: ResponseHead = new ResponseHead();
  private headers: Headers;
  private body: Body;
  private shown: ResponseHeaders;

  constructor(
    private gate: Gate,
    private edits: ResponseEdits,
    private properties: Properties,
    private clock: Clock,
    message: HttpMessage,
  ) {
    this.headers = message.headers;
    this.body = message.body;
    this.shown = new ResponseHeaders(message.headerMap);
  }

  begin(exchange: Exchange, endOfStream: bool): Action {
    const stream = exchange.stream;
    const request = gatedRequest(exchange);
    if (!exchange.mayBeMcp && !stream.isHandedOn && !request) return Action.Continue;
    this.headers.open();
    this.head.read(this.headers);
    if (this.head.status == TOO_MANY_REQUESTS && stream.isHandedOn && this.isLimitedElsewhere) {
      if (request && !request.isAnswered && !this.gate.letsLimited(request)) return Action.Pause;
    }
    if (request && !request.isAnswered && !this.gate.letsRespond(request, this.head, endOfStream)) return Action.Pause;
    if (!exchange.mayBeMcp) {
      // Limits charge for the body, unless it is the body of an error.
      stream.status = this.head.status;
      if (stream.isRejected) this.show(exchange);
      return Action.Continue;
    }
    exchange.responseHead(this.head, unitOf(exchange).services);
    if (exchange.mayBeMcp) this.show(exchange);
    if (endOfStream) this.end(exchange);
    return Action.Continue;
  }

  /** Describes the request in the headers of the response, if configured. */
  private show(exchange: Exchange): void {
    const stream = exchange.stream;
    if (!stream.showsHeaders || this.head.status < OK) return;
    this.shown.write(stream, unitOf(exchange).services.sessions.keyAtResponse(stream));
  }

  /** Whether Envoy's own rate limit filter made the current response. */
  private get isLimitedElsewhere(): bool {
    const details = this.properties;
    if (!details.find("response.code_details")) return false;
    if (equalsText(details.at, details.length, "request_rate_limited")) return true;
    return equalsText(details.at, details.length, "local_rate_limited");
  }

  /** Handles `size` bytes of the response body. */
  bodyOf(exchange: Exchange, size: usize, endOfStream: bool): void {
    const services = unitOf(exchange).services;
    const body = this.body;
    const request = gatedRequest(exchange);
    body.begin(size);
    const stream = exchange.stream;
    stream.responseSize += size;
    const trace = stream.trace;
    if (trace.hasSpans && !trace.firstByteAt) trace.firstByteAt = this.clock.now();
    if (request && request.editor) this.edit(exchange, request, size);
    while (exchange.readsResponse && body.next()) exchange.responseBody(body.at, body.length, services);
    if (endOfStream) this.end(exchange);
  }

  /** Reads the server's bytes in the current callback and replaces them with the edited ones. */
  private edit(exchange: Exchange, request: GateRequest, size: usize): void {
    const body = this.body;
    const edits = this.edits;
    const services = unitOf(exchange).services;
    edits.beginBytes(request);
    while (body.next()) {
      if (exchange.readsResponse) exchange.responseBody(body.at, body.length, services);
      edits.bytes(request, body.at, body.length);
    }
    edits.endBytes(request, size, body.total);
  }

  /** Handles the end of the response. */
  end(exchange: Exchange): void {
    exchange.responseEnd(unitOf(exchange).services);
  }

  /** Handles the end of the stream. The exchange must not be used afterwards. */
  close(exchange: Exchange): void {
    const end = exchange.mayBeMcp ? endingOf(exchange, this.properties) : StreamEnd.Complete;
    const unit = unitOf(exchange);
    exchange.close(end, unit.services);
    unit.leave();
  }
}
