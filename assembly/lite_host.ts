import { Body } from "./host/body";
import { BodyWriter } from "./host/body_writer";
import { NoCallouts } from "./host/callouts";
import { NoFilterState } from "./host/filter_state";
import { NoMetrics } from "./host/metrics";
import { NoProperties } from "./host/properties";
import { CalloutResponse, HttpMessage, Proxy } from "./host/proxy";
import { NoSharedData } from "./host/shared_data";
import { NoSharedQueue } from "./host/shared_queue";
import { NoStreamControl } from "./host/stream_control";
import { NoTimer } from "./host/timer";
import { HostBody } from "./proxy-wasm/body";
import { HostBodyWriter } from "./proxy-wasm/body_writer";
import { HostClock } from "./proxy-wasm/clock";
import { HostHeaderMap } from "./proxy-wasm/header_map";
import { FoldedHeaders } from "./proxy-wasm/folded_headers";
import { HostLog } from "./proxy-wasm/log";
import { BufferType, HeaderMapType } from "./proxy-wasm/module/abi";
import { HostRandom } from "./proxy-wasm/random";
import { HostReplies } from "./proxy-wasm/replies";

/** A host without metrics, timers, shared data, queues and callouts. */
export function lite(requestBody: Body, requestBodyWriter: BodyWriter): Proxy {
  return new Proxy(
    // Not steady: a long stream shows the time of its start, which is no step of the clock.
    new HostClock(),
    new HostLog(),
    new NoProperties(),
    new HostRandom(),
    new NoStreamControl(),
    new HostReplies(),
    new HttpMessage(
      new FoldedHeaders(HeaderMapType.RequestHeaders),
      new HostHeaderMap(HeaderMapType.RequestHeaders),
      requestBody,
      requestBodyWriter,
    ),
    new HttpMessage(
      new FoldedHeaders(HeaderMapType.ResponseHeaders),
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
