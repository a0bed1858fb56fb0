import { Plugin } from "./filter/plugin";
import { ProxyHolding } from "./filter/holding/proxy_holding";
import { gatedRequest } from "./gate/gate";
import { Stages } from "./gate/stages";
import { GateRequest } from "./gate/stage/request";
import { HeaderBlock } from "./host/header_block";
import { Proxy } from "./host/proxy";
import { Exchange } from "./mcp/exchange/exchange";
import { equalsText, startsWithText } from "./memory/bytes";
import { Action } from "./proxy-wasm/module/abi";
import { NginxRequestHeaders } from "./proxy-wasm/nginx/request_headers";
import { NginxReplies } from "./proxy-wasm/nginx/replies";
import { AccessLogs } from "./trace/access_logs";

/** The length that the server announced, which stays the same when the response's headers change. */
const ANNOUNCED = "ngx.upstream_http_content_length";

const TOO_MANY_HEADERS: i32 = 431;
const NO_HEADERS = new HeaderBlock([]);

/** What the headers of a request say about its body. */
enum BodyForm {
  None,
  /** There may be a body: its length is not known. */
  Possible,
  Announced,
}

/**
 * A plugin instance in NGINX, whose callbacks do not tell where most messages end: `end_of_stream` is never set in a headers
 * callback, and of a response with a `content-length` only if the body arrives in one piece. An empty body has no callback.
 */
export class NginxPlugin extends Plugin {
  private replies: NginxReplies;
  private headers: NginxRequestHeaders;

  constructor(
    id: u32,
    stages: Stages,
    private proxy: Proxy,
  ) {
    super(id, stages, proxy, new AccessLogs(proxy.filterState, proxy.log, proxy.clock), new ProxyHolding());
    this.replies = proxy.replies as NginxReplies;
    this.headers = proxy.request.headers as NginxRequestHeaders;
  }

  onRequestHeaders(stream: u32, _endOfStream: bool): Action {
    this.replies.hasResponse = false;
    this.headers.mayLack = false;
    const form = this.bodyForm;
    const action = super.onRequestHeaders(stream, form == BodyForm.None);
    const request = this.newHandle ? gatedRequest(changetype<Exchange>(this.newHandle)) : null;
    if (this.headers.mayLack && this.gate.isEnforced) return this.refuseHeaders(request);
    // Without a body it waits until the response arrives: for hours, if the response is an event stream.
    if (request && form == BodyForm.Possible && !this.isPost) this.gate.uncount(request);
    return action;
  }

  onResponseHeaders(stream: usize, endOfStream: bool): Action {
    this.replies.hasResponse = true;
    if (!this.endRequest(stream)) return Action.Pause;
    return super.onResponseHeaders(stream, endOfStream);
  }

  onResponseBody(stream: usize, size: usize, endOfStream: bool): Action {
    const exchange = changetype<Exchange>(stream);
    const received = exchange.stream.responseSize;
    const request = gatedRequest(exchange);
    if (request && request.isAnswered && received) {
      // The answer has replaced the first part of the server's response only.
      this.proxy.response.bodyWriter.replace(size, 0, 0);
      return Action.Continue;
    }
    return super.onResponseBody(stream, size, endOfStream || this.isComplete(received + size));
  }

  /** Answers a request of which NGINX has left out headers: they could name its caller. */
  private refuseHeaders(request: GateRequest | null): Action {
    if (!request) this.replies.send(TOO_MANY_HEADERS, "too_many_headers", 0, 0, NO_HEADERS);
    else if (!request.isAnswered) this.gate.refuse(request);
    return Action.Pause;
  }

  /** Ends a request that had no body callback, and so had no body. Returns false if it is answered now. */
  private endRequest(stream: usize): bool {
    const exchange = changetype<Exchange>(stream);
    const request = gatedRequest(exchange);
    if (request && request.isAnswered) return true;
    if (!exchange.readsRequest && !(request && request.isHeld)) return true;
    super.onRequestBody(stream, 0, true);
    return !request || !request.isAnswered;
  }

  /** The form of the current request's body. In HTTP/2 and HTTP/3, a body needs no header. */
  private get bodyForm(): BodyForm {
    const headers = this.proxy.request.headerMap;
    if (headers.find("transfer-encoding")) return BodyForm.Possible;
    if (headers.find("content-length")) return isZero(headers.at, headers.length) ? BodyForm.None : BodyForm.Announced;
    const properties = this.proxy.properties;
    const protocol = "ngx.server_protocol";
    const isHttp1 = !properties.find(protocol) || startsWithText(properties.at, properties.length, "HTTP/1");
    return isHttp1 ? BodyForm.None : BodyForm.Possible;
  }

  private get isPost(): bool {
    const headers = this.proxy.request.headerMap;
    return headers.find(":method") && equalsText(headers.at, headers.length, "POST");
  }

  /** Whether the current response has ended with this many bytes of its body. */
  private isComplete(received: u64): bool {
    const properties = this.proxy.properties;
    if (!properties.find(ANNOUNCED)) return false;
    let announced: u64 = 0;
    for (let i = 0; i < properties.length; i++) announced = announced * 10 + (load<u8>(properties.at + i) - 0x30);
    return announced == received;
  }
}

/** Whether the text is a number with the value 0. */
function isZero(at: usize, length: i32): bool {
  for (let i = 0; i < length; i++) {
    if (load<u8>(at + i) != 0x30) return false;
  }
  return length > 0;
}
