// The empty filter with the one host call that detects MCP: it reads the request's headers.
import { HeaderMapType } from "../../../assembly/proxy-wasm/module/abi";
import { HostHeaders } from "../../../assembly/proxy-wasm/headers";
import { proxy_on_request_headers as onRequestHeaders } from "./floor.as";

export {
  proxy_abi_version_0_2_1,
  proxy_on_configure,
  proxy_on_context_create,
  proxy_on_done,
  proxy_on_log,
  proxy_on_memory_allocate,
  proxy_on_request_body,
  proxy_on_request_trailers,
  proxy_on_response_body,
  proxy_on_response_headers,
  proxy_on_response_trailers,
  proxy_on_tick,
  proxy_on_vm_start,
} from "./floor.as";

const headers = new HostHeaders(HeaderMapType.RequestHeaders);

export function proxy_on_request_headers(id: u32, count: u32, endOfStream: bool): i32 {
  headers.open();
  return onRequestHeaders(id, count, endOfStream);
}
