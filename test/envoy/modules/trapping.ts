// The filter, but for a trap that a request's header sets off.
import { HeaderMapType } from "../../../assembly/proxy-wasm/module/abi";
import { HostHeaders } from "../../../assembly/proxy-wasm/headers";
import { equalsText } from "../../../assembly/memory/bytes";
import { proxy_on_request_headers as onRequestHeaders } from "../../../assembly/index";

export {
  proxy_abi_version_0_2_1,
  proxy_on_configure,
  proxy_on_context_create,
  proxy_on_done,
  proxy_on_log,
  proxy_on_memory_allocate,
  proxy_on_queue_ready,
  proxy_on_request_body,
  proxy_on_request_trailers,
  proxy_on_response_body,
  proxy_on_response_headers,
  proxy_on_response_trailers,
  proxy_on_tick,
  proxy_on_vm_start,
} from "../../../assembly/index";

const headers = new HostHeaders(HeaderMapType.RequestHeaders);

export function proxy_on_request_headers(id: u32, count: u32, endOfStream: bool): i32 {
  headers.open();
  while (headers.next()) {
    if (equalsText(headers.name, headers.nameLength, "x-test-trap")) unreachable();
  }
  return onRequestHeaders(id, count, endOfStream);
}
