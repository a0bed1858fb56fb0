import { StreamControl } from "../host/stream_control";
import { Status, StreamType, proxy_continue_stream, proxy_done, proxy_set_effective_context } from "./module/abi";
import { beginEpoch } from "./module/arena";

/** Sets the proxy's effective context, resumes paused streams and ends plugin instances. */
export class HostStreamControl extends StreamControl {
  makeCurrent(id: u32): bool {
    beginEpoch();
    return proxy_set_effective_context(id) == Status.Ok;
  }

  continueRequest(): bool {
    return proxy_continue_stream(StreamType.Request) == Status.Ok;
  }

  continueResponse(): bool {
    return proxy_continue_stream(StreamType.Response) == Status.Ok;
  }

  endInstance(): void {
    proxy_done();
  }
}
