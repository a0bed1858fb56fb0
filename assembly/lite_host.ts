import { NoCallouts } from "./host/callouts";
import { NoFilterState } from "./host/filter_state";
import { NoMetrics } from "./host/metrics";
import { CalloutResponse, HttpMessage, Proxy } from "./host/proxy";
import { NoSharedData } from "./host/shared_data";
import { NoSharedQueue } from "./host/shared_queue";
import { NoStreamControl } from "./host/stream_control";
import { NoTimer } from "./host/timer";
import { HostBody } from "./proxy-wasm/body";
import { HostBodyWriter } from "./proxy-wasm/body_writer";
import { HostClock } from "./proxy-wasm/clock";
import { HostHeaderMap } from "./proxy-wasm/header_map";
import { HostHeaders } from "./proxy-wasm/headers";
import { HostLog } from "./proxy-wasm/log";
import { BufferType, HeaderMapType } from "./proxy-wasm/module/abi";
import { HostProperties } from "./proxy-wasm/properties";
import { HostRandom } from "./proxy-wasm/random";
import { HostReplies } from "./proxy-wasm/replies";
import { SteadyClock } from "./store/steady_clock";

/** A host without metrics, timers, shared data, queues and callouts. */
export function lite(): Proxy {
  return new Proxy(
    new SteadyClock(new HostClock()),
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
    new NoMetrics(),
    new NoSharedData(),
    new NoSharedQueue(),
    new NoTimer(),
    new NoCallouts(),
    new CalloutResponse(
      new HostHeaderMap(HeaderMapType.CalloutResponseHeaders),
      new HostBody(BufferType.CalloutResponseBody),
    ),
  );
}
