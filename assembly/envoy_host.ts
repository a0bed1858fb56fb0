import { CalloutResponse, HttpMessage, Proxy } from "./host/proxy";
import { HostBody } from "./proxy-wasm/body";
import { HostBodyWriter } from "./proxy-wasm/body_writer";
import { HostCallouts } from "./proxy-wasm/callouts";
import { HostClock } from "./proxy-wasm/clock";
import { HostFilterState } from "./proxy-wasm/filter_state";
import { HostHeaderMap } from "./proxy-wasm/header_map";
import { HostHeaders } from "./proxy-wasm/headers";
import { HostLog } from "./proxy-wasm/log";
import { HostMetrics } from "./proxy-wasm/metrics";
import { BufferType, HeaderMapType } from "./proxy-wasm/module/abi";
import { HostProperties } from "./proxy-wasm/properties";
import { HostSharedQueue } from "./proxy-wasm/queues";
import { HostRandom } from "./proxy-wasm/random";
import { HostReplies } from "./proxy-wasm/replies";
import { HostSharedData } from "./proxy-wasm/shared_data";
import { HostStreamControl } from "./proxy-wasm/stream_control";
import { HostTimer } from "./proxy-wasm/timer";
import { SteadyClock } from "./store/steady_clock";

/** The version of a key that does not exist. Envoy creates a missing key with any version, but with 0 it would also
 *  overwrite a value that another thread has written in the meantime. */
const ABSENT: u32 = 0xffffffff;

/** Envoy, which has everything. */
export function envoy(): Proxy {
  const clock = new SteadyClock(new HostClock());
  const properties = new HostProperties();
  return new Proxy(
    clock,
    new HostLog(),
    properties,
    new HostRandom(),
    new HostStreamControl(),
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
    new HostFilterState(),
    new HostMetrics(),
    new HostSharedData(ABSENT),
    new HostSharedQueue(properties),
    new HostTimer(clock),
    new HostCallouts(),
    new CalloutResponse(
      new HostHeaderMap(HeaderMapType.CalloutResponseHeaders),
      new HostBody(BufferType.CalloutResponseBody),
    ),
  );
}
