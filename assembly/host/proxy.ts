import { Body } from "./body";
import { BodyWriter } from "./body_writer";
import { Callouts } from "./callouts";
import { Clock } from "./clock";
import { FilterState } from "./filter_state";
import { HeaderMap } from "./header_map";
import { Headers } from "./headers";
import { Log } from "./log";
import { Metrics } from "./metrics";
import { Properties } from "./properties";
import { Random } from "./random";
import { Replies } from "./replies";
import { SharedData } from "./shared_data";
import { SharedQueue } from "./shared_queue";
import { StreamControl } from "./stream_control";
import { Timer } from "./timer";

/** The current stream's request or response. */
export class HttpMessage {
  constructor(
    /** All headers in order. */
    readonly headers: Headers,
    /** The same headers by name. */
    readonly headerMap: HeaderMap,
    readonly body: Body,
    readonly bodyWriter: BodyWriter,
  ) {}
}

/** The response to a callout, during its callback. */
export class CalloutResponse {
  constructor(
    readonly headers: HeaderMap,
    readonly body: Body,
  ) {}
}

/**
 * The proxy that runs a plugin instance: an implementation of each interface of this folder. Each entry constructs its
 * own, so that a module imports only functions that its proxy has.
 */
export class Proxy {
  constructor(
    readonly clock: Clock,
    readonly log: Log,
    readonly properties: Properties,
    readonly random: Random,
    readonly streams: StreamControl,
    readonly replies: Replies,
    readonly request: HttpMessage,
    readonly response: HttpMessage,
    readonly filterState: FilterState,
    readonly metrics: Metrics,
    readonly sharedData: SharedData,
    readonly queue: SharedQueue,
    readonly timer: Timer,
    readonly callouts: Callouts,
    readonly calloutResponse: CalloutResponse,
  ) {}
}
