import { CalloutResponse, HttpMessage, Proxy } from "./host/proxy";
import { NoSharedQueue } from "./host/shared_queue";
import { NoStreamControl } from "./host/stream_control";
import { HostCallouts } from "./proxy-wasm/callouts";
import { HostClock } from "./proxy-wasm/clock";
import { FoldedHeaders } from "./proxy-wasm/folded_headers";
import { HostHeaderMap } from "./proxy-wasm/header_map";
import { HostLog } from "./proxy-wasm/log";
import { BufferType, HeaderMapType } from "./proxy-wasm/module/abi";
import { NginxBodyWriter } from "./proxy-wasm/nginx/body_writer";
import { NginxMetrics } from "./proxy-wasm/nginx/metrics";
import { NginxProperties } from "./proxy-wasm/nginx/properties";
import { NginxReplies } from "./proxy-wasm/nginx/replies";
import { NginxRequestHeaders } from "./proxy-wasm/nginx/request_headers";
import { NginxTimer } from "./proxy-wasm/nginx/timer";
import { NginxVariables } from "./proxy-wasm/nginx/variables";
import { WholeBody } from "./proxy-wasm/nginx/whole_body";
import { HostRandom } from "./proxy-wasm/random";
import { HostSharedData } from "./proxy-wasm/shared_data";
import { SteadyClock } from "./store/steady_clock";

/** The version of a key that does not exist. NGINX creates a key only with 0, and only if no other worker has created it. */
const ABSENT: u32 = 0;

/** NGINX with ngx_wasm_module, for the plugin instance with this id: without messages that wake an instance, and without requests that wait. */
export function nginx(id: u32): Proxy {
  const clock = new SteadyClock(new HostClock());
  const responseHeaders = new HostHeaderMap(HeaderMapType.ResponseHeaders);
  return new Proxy(
    clock,
    new HostLog(),
    new NginxProperties(id),
    new HostRandom(),
    new NoStreamControl(),
    new NginxReplies(responseHeaders),
    new HttpMessage(
      new NginxRequestHeaders(HeaderMapType.RequestHeaders),
      new HostHeaderMap(HeaderMapType.RequestHeaders),
      new WholeBody(BufferType.RequestBody),
      new NginxBodyWriter(BufferType.RequestBody),
    ),
    new HttpMessage(
      new FoldedHeaders(HeaderMapType.ResponseHeaders),
      responseHeaders,
      new WholeBody(BufferType.ResponseBody),
      new NginxBodyWriter(BufferType.ResponseBody),
    ),
    new NginxVariables(),
    new NginxMetrics(),
    new HostSharedData(ABSENT),
    new NoSharedQueue(),
    new NginxTimer(clock),
    new HostCallouts(),
    new CalloutResponse(
      new HostHeaderMap(HeaderMapType.CalloutResponseHeaders),
      new WholeBody(BufferType.CalloutResponseBody),
    ),
  );
}
