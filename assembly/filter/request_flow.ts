import { PluginConfig } from "../config/plugin_config";
import { TraceHeaders } from "../edit/request/trace_headers";
import { Gate, gatedRequest } from "../gate/gate";
import { GateRequest } from "../gate/stage/request";
import { Stage } from "../gate/stage/stage";
import { HttpMethod } from "../http/http_method";
import { Body } from "../host/body";
import { HeaderMap } from "../host/header_map";
import { Headers } from "../host/headers";
import { HttpMessage } from "../host/proxy";
import { Exchange } from "../mcp/exchange/exchange";
import { isCandidate } from "../mcp/headers/candidate";
import { RequestHead } from "../mcp/headers/request_head";
import { Action } from "../proxy-wasm/module/abi";
import { Configuration } from "./configuration/configuration";
import { Settling } from "./configuration/settling";
import { Holding } from "./holding/holding";
import { Service } from "./service";
import { Host, unitOf } from "./counting_unit";
import { CountingUnits } from "./counting_units";

/**
 * Handles requests from their headers to their ends: finds those that may be MCP, begins their exchanges, asks the gate
 * about them, and reads what passes.
 */
export class RequestFlow {
  /** Requests that may be MCP arrived. Cleared by the reader of this field. */
  hadStreams: bool = false;
  /** Address of the exchange that {@link begin} began; 0 if the request is not MCP. */
  begun: usize = 0;
  /** Null until a request needs the trace context of its messages in its headers. */
  private traceHeaders: TraceHeaders | null = null;
  private headers: Headers;
  private requestHeaders: HeaderMap;
  private body: Body;

  constructor(
    private configuration: Configuration,
    private settling: Settling,
    private service: Service,
    private units: CountingUnits,
    private gate: Gate,
    private host: Host,
    message: HttpMessage,
    private holding: Holding,
  ) {
    this.headers = message.headers;
    this.requestHeaders = message.headerMap;
    this.body = message.body;
  }

  /** Handles the headers of a new stream. Leaves its exchange in `begun`. */
  begin(stream: u32, endOfStream: bool): Action {
    this.begun = 0;
    const configuration = this.configuration;
    if (configuration.isBad) {
      // The substitute for an invalid configuration may be one that arrived later.
      this.settling.settleAll(stream);
      configuration.follow();
    }
    const config = this.service.follow();
    if (!config) return Action.Continue;
    const head = this.service.head;
    this.headers.open();
    head.read(this.headers);
    head.hasBody = !endOfStream;
    const gate = this.gate;
    const leaderships = configuration.leaderships;
    let newer = leaderships.isConcerned ? this.newerStage(config) : null;
    // Stages decide about everything that a server may read, statistics cover JSON only.
    const mayPost = gate.hasStages || newer ? head.mayBringMessages(endOfStream) : head.isJsonPost;
    if (mayPost) this.findEndpoint(head);
    const concern = gate.concern(head, endOfStream);
    head.isNamed = concern != 0 || this.isNamed(head);
    const isMcp = concern != 0 || isCandidate(head, head.isNamed);
    if (isMcp && this.settling.settle(stream) && leaderships.isConcerned) newer = this.newerStage(config);
    if (newer && !newer.concerns(head, endOfStream)) newer = null;
    if (!isMcp && !newer) return Action.Continue;
    this.hadStreams = true;
    const unit = this.units.of(config);
    const exchange = Exchange.acquire();
    exchange.unit = changetype<usize>(unit);
    unit.enter();
    exchange.begin(head, this.host.clock.now(), unit.services);
    exchange.stream.showsHeaders = config.responseHeaders;
    this.begun = changetype<usize>(exchange);
    gate.begin(stream, exchange, unit.services, head, newer, concern);
    const request = gatedRequest(exchange);
    if (request && request.isAnswered) return Action.Pause;
    if (request && request.wantsPlainAnswer) this.requestHeaders.remove("accept-encoding");
    if (endOfStream) return this.end(exchange);
    if (!request || !gate.holdHeaders(request)) return Action.Continue;
    const trace = config.trace;
    request.setsTraceparent = trace != null && trace.setTraceparent;
    return Action.Pause;
  }

  /** Determines whether the request goes to an HTTP+SSE endpoint that a stream named. */
  private findEndpoint(head: RequestHead): void {
    const endpoints = this.host.endpoints;
    if (!endpoints.anyLearned) return;
    head.endpoint = endpoints.find(head.authority, head.path, head.targetLength);
    head.isUnpaired = endpoints.isUnpaired;
    head.isAtEndpoint = head.endpoint != 0 || endpoints.isAmbiguous;
    head.isAtExactEndpoint = endpoints.isExact;
  }

  /** Whether the operator named the path of this POST or GET request. False for other methods. */
  private isNamed(head: RequestHead): bool {
    if (head.method != HttpMethod.Post && head.method != HttpMethod.Get) return false;
    return this.service.paths.include(head.path, head.pathLength, head.targetLength);
  }

  /** The stage of a newer configuration for a new stream; null if none applies. */
  private newerStage(config: PluginConfig): Stage | null {
    const leadership = this.configuration.leaderships.of(this.units.of(config).role);
    const properties = this.host.properties;
    if (leadership.needsConnections && properties.find("connection.id") && properties.length == 8) {
      leadership.saw(load<u64>(properties.at));
    }
    const newer = leadership.newer;
    if (!newer || !newer.config) return null;
    if (!newer.stage) newer.stage = this.gate.open(newer.config!);
    return newer.stage;
  }

  /** Handles body bytes. `size` is the number of bytes that the proxy shows: if it buffers the body of a held request, the
   *  whole body so far, otherwise the new bytes. */
  bodyOf(exchange: Exchange, size: usize, endOfStream: bool): Action {
    const request = gatedRequest(exchange);
    if (request && request.isAnswered) return Action.Pause;
    if (request && request.isHeld) {
      const holding = this.holding;
      if (!this.gate.grow(request, holding.hold(request, size))) return Action.Pause;
      return endOfStream ? this.end(exchange) : holding.waiting;
    }
    this.pass(exchange, size);
    return endOfStream ? this.end(exchange) : Action.Continue;
  }

  /** Handles the end of a request: decides about it if it is held. */
  end(exchange: Exchange): Action {
    const services = unitOf(exchange).services;
    const request = gatedRequest(exchange);
    if (request) {
      if (request.isAnswered) return Action.Pause;
      if (request.isHeld) {
        const traces = this.traceHeadersOf(request);
        if (traces) traces.begin();
        this.holding.open(request);
        this.pass(exchange, this.gate.conclude(request), traces);
        if (!request.isAnswered && !request.isHeld) this.gate.rewrite(request);
        const passes = !request.isAnswered && !request.isHeld;
        if (!this.holding.close(request, passes)) this.gate.refuse(request);
      }
      if (!request.isAnswered) this.gate.end(request);
    }
    if (exchange.readsRequest) exchange.requestEnd(services);
    if (request && !request.isAnswered) this.setTraceparent(exchange, request);
    if (!request || !(request.isAnswered || request.isHeld)) return Action.Continue;
    if (request.isAnswered) exchange.reject(exchange.stream.rejection, services);
    return Action.Pause;
  }

  /** Puts the trace context of a request that has been read into its headers, if configured. Requests that wait for
   *  a limit get it before they wait. */
  private setTraceparent(exchange: Exchange, request: GateRequest): void {
    const traces = this.traceHeadersOf(request);
    request.setsTraceparent = false;
    const stream = exchange.stream;
    // Kept in the stream, so that it is not mistaken for a context from the header or from the proxy's tracer.
    if (traces && stream.isConfirmed && traces.apply()) stream.trace.meta.copy(traces.context);
  }

  /** The reader of the trace context that this request's headers need; null if they need none. */
  private traceHeadersOf(request: GateRequest): TraceHeaders | null {
    if (!request.setsTraceparent) return null;
    if (!this.traceHeaders) this.traceHeaders = new TraceHeaders(this.requestHeaders);
    return this.traceHeaders;
  }

  /** Reads `size` bytes of a request for the gate, for `traces` and for the exchange. */
  private pass(exchange: Exchange, size: usize, traces: TraceHeaders | null = null): void {
    const body = this.body;
    const services = unitOf(exchange).services;
    const request = gatedRequest(exchange);
    body.begin(size);
    while ((exchange.readsRequest || (request && request.isRead)) && body.next()) {
      // The gate reads first, so that it decides about each message before the message has an effect.
      if (request) this.gate.bytes(request, body.at, body.length);
      if (traces) traces.feed(body.at, body.length);
      if (exchange.readsRequest) exchange.requestBody(body.at, body.length, services);
    }
  }

  /** Handles the end of the stream. */
  close(exchange: Exchange): void {
    const request = gatedRequest(exchange);
    if (request) this.gate.close(request);
  }
}
