/** The build for NGINX with ngx_wasm_module: build/mcp-nginx.wasm. */
import { checkNginx } from "./config/nginx_check";
import { setHostCheck } from "./config/host_check";
import { NginxPlugin } from "./nginx_plugin";
import { Stages } from "./gate/stages";
import { setRootFactory } from "./proxy-wasm/module/contexts";
import { nginx } from "./nginx_host";

export {
  proxy_abi_version_0_2_1,
  proxy_on_configure,
  proxy_on_context_create,
  proxy_on_delete,
  proxy_on_done,
  proxy_on_http_call_response,
  proxy_on_log,
  proxy_on_memory_allocate,
  proxy_on_request_body,
  proxy_on_request_headers,
  proxy_on_response_body,
  proxy_on_response_headers,
  proxy_on_tick,
  proxy_on_vm_start,
} from "./proxy-wasm/module/exports";

setHostCheck(checkNginx);
setRootFactory((id) => new NginxPlugin(id, new Stages(), nginx(id)));
