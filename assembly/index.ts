/** The build for Envoy: build/mcp.wasm. */
// Plugin comes first, because its files allocate the largest buffers: the memory grows by doubling, so the order of
// allocations decides its size at the start.
import { Plugin } from "./filter/plugin";
import { ProxyHolding } from "./filter/holding/proxy_holding";
import { Stages } from "./gate/stages";
import { setRootFactory } from "./proxy-wasm/module/contexts";
import { AccessLogs } from "./trace/access_logs";
import { envoy } from "./envoy_host";

export {
  proxy_abi_version_0_2_1,
  proxy_on_configure,
  proxy_on_context_create,
  proxy_on_done,
  proxy_on_http_call_response,
  proxy_on_log,
  proxy_on_memory_allocate,
  proxy_on_queue_ready,
  proxy_on_request_body,
  proxy_on_request_headers,
  proxy_on_request_trailers,
  proxy_on_response_body,
  proxy_on_response_headers,
  proxy_on_response_trailers,
  proxy_on_tick,
  proxy_on_vm_start,
} from "./proxy-wasm/module/exports";

setRootFactory((id) => {
  const proxy = envoy();
  return new Plugin(
    id,
    new Stages(),
    proxy,
    new AccessLogs(proxy.filterState, proxy.log, proxy.clock),
    new ProxyHolding(),
  );
});
