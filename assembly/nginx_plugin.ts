import { Plugin } from "./filter/plugin";
import { gatedRequest } from "./gate/gate";
import { Stages } from "./gate/stages";
import { Proxy } from "./host/proxy";
import { Exchange } from "./mcp/exchange/exchange";
import { HeaderBlock } from "./host/header_block";
import { equalsText, startsWithText } from "./memory/bytes";
import { Action } from "./proxy-wasm/module/abi";

/** The length that the server announced, which stays the same when the response's headers change. */
const ANNOUNCED = "ngx.upstream_http_content_length";

const BAD_REQUEST: i32 = 400;
const NO_HEADERS = new HeaderBlock([]);

/**
 * A plugin instance in NGINX, whose callbacks do not tell where most messages end: `end_of_stream` is never set in a headers
 * callback, and of a response with a `content-length` only if the body arrives in one piece.
 */
export class NginxPlugin extends Plugin {
  constructor(
    id: u32,
    stages: Stages,
    private proxy: Proxy,
  ) {
    super(id, stages, proxy);
  }

  onRequestHeaders(stream: u32, _endOfStream: bool): Action {
    return super.onRequestHeaders(stream, !this.mayHaveBody);
  }

  onRequestBody(stream: usize, size: usize, endOfStream: bool): Action {
    // The policy has decided about the request as one without a body.
    if (!this.mayHaveBody && gatedRequest(changetype<Exchange>(stream))) {
      this.proxy.replies.send(BAD_REQUEST, "unexpected_body", 0, 0, NO_HEADERS);
      return Action.Pause;
    }
    return super.onRequestBody(stream, size, endOfStream);
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

  /** Whether a body may follow the headers of the current request. In HTTP/2 and HTTP/3, a body needs no header. */
  private get mayHaveBody(): bool {
    const headers = this.proxy.request.headerMap;
    if (headers.find("content-length")) return !equalsText(headers.at, headers.length, "0");
    if (headers.find("transfer-encoding")) return true;
    if (!headers.find(":method") || !equalsText(headers.at, headers.length, "POST")) return false;
    const properties = this.proxy.properties;
    return properties.find("ngx.server_protocol") && !startsWithText(properties.at, properties.length, "HTTP/1");
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
