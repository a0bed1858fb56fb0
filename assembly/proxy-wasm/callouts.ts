import { Callouts } from "../host/callouts";
import { HeaderBlock } from "../host/header_block";
import { Status, proxy_http_call } from "./module/abi";
import { clearResults, results } from "./module/results";

/** An empty list of trailers: the count 0. */
const NO_TRAILERS: usize = memory.data(4);

/** The proxy's HTTP callouts. The response arrives in `RootContext.onCalloutResponse`. */
export class HostCallouts extends Callouts {
  send(cluster: string, headers: HeaderBlock, at: usize, length: i32, timeoutMs: u32): bool {
    const name = String.UTF8.encode(cluster);
    clearResults();
    const status = proxy_http_call(
      changetype<usize>(name),
      name.byteLength,
      headers.at,
      headers.length,
      at,
      length,
      NO_TRAILERS,
      sizeof<u32>(),
      timeoutMs,
      results,
    );
    this.token = load<u32>(results);
    return status == Status.Ok;
  }
}
