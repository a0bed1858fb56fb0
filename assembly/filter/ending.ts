import { Properties } from "../host/properties";
import { Exchange } from "../mcp/exchange/exchange";
import { StreamEnd } from "../mcp/protocol/stream_kinds";
import { indexOfIgnoringCase, startsWithText } from "../memory/bytes";

/**
 * How the stream ended. Reads the proxy's response code details unless a response with a status below 500 ended
 * normally.
 */
export function endingOf(exchange: Exchange, properties: Properties): StreamEnd {
  if (exchange.stream.hasResponseEnded && exchange.stream.status < 500) return StreamEnd.Complete;
  if (properties.find("response.code_details")) {
    // Envoy's response code details: `response_timeout`, `stream_idle_timeout`, `max_duration_timeout`, …
    const at = properties.at;
    const length = properties.length;
    if (indexOfIgnoringCase(at, length, "timeout") >= 0) return StreamEnd.Timeout;
    if (indexOfIgnoringCase(at, length, "max_stream_duration") >= 0) return StreamEnd.Timeout;
    if (startsWithText(at, length, "upstream_reset")) return StreamEnd.Reset;
  }
  return exchange.stream.hasResponseEnded ? StreamEnd.Complete : StreamEnd.ClientClosed;
}
