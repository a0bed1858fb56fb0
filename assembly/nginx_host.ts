import { NoFilterState } from "./host/filter_state";
import { CalloutResponse, HttpMessage, Proxy } from "./host/proxy";
import { NoSharedQueue } from "./host/shared_queue";
import { NoStreamControl } from "./host/stream_control";
import { HostBody } from "./proxy-wasm/body";
import { HostBodyWriter } from "./proxy-wasm/body_writer";
import { HostCallouts } from "./proxy-wasm/callouts";
import { HostClock } from "./proxy-wasm/clock";
import { HostHeaderMap } from "./proxy-wasm/header_map";
import { HostHeaders } from "./proxy-wasm/headers";
import { HostLog } from "./proxy-wasm/log";
import { HostMetrics } from "./proxy-wasm/metrics";
import { BufferType, HeaderMapType } from "./proxy-wasm/module/abi";
import { HostProperties } from "./proxy-wasm/properties";
import { HostRandom } from "./proxy-wasm/random";
import { HostReplies } from "./proxy-wasm/replies";
import { HostSharedData } from "./proxy-wasm/shared_data";
import { HostTimer } from "./proxy-wasm/timer";
import { SteadyClock } from "./store/steady_clock";

/** NGINX with ngx_wasm_module: without messages that wake an instance, and without requests that wait. */
export function nginx(): Proxy {
  const clock = new SteadyClock(new HostClock());
  return new Proxy(
    clock,
    new HostLog(),
    new HostProperties(),
    new HostRandom(),
    new NoStreamControl(),
    new HostReplies(),
    new HttpMessage(
      new HostHeaders(HeaderMapType.RequestHeaders),
      new HostHeaderMap(HeaderMapType.RequestHeaders),
      new HostBody(BufferType.RequestBody),
      new HostBodyWriter(BufferType.RequestBody),
    ),
    new HttpMessage(
      new HostHeaders(HeaderMapType.ResponseHeaders),
      new HostHeaderMap(HeaderMapType.ResponseHeaders),
      new HostBody(BufferType.ResponseBody),
      new HostBodyWriter(BufferType.ResponseBody),
    ),
    new NoFilterState(),
    new HostMetrics(),
    new HostSharedData(),
    new NoSharedQueue(),
    new HostTimer(clock),
    new HostCallouts(),
    new CalloutResponse(
      new HostHeaderMap(HeaderMapType.CalloutResponseHeaders),
      new HostBody(BufferType.CalloutResponseBody),
    ),
  );
}
