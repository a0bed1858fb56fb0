/** The build for hosts with headers, bodies and a log only, such as Google Cloud's Service Extensions: build/mcp-lite.wasm. */
import { omitSections } from "./config/omitted_sections";
import { Plugin } from "./filter/plugin";
import { Stages } from "./gate/stages";
import { setRootFactory } from "./proxy-wasm/module/contexts";
import { lite } from "./lite_host";

export {
  proxy_abi_version_0_2_1,
  proxy_on_configure,
  proxy_on_context_create,
  proxy_on_delete,
  proxy_on_done,
  proxy_on_log,
  proxy_on_memory_allocate,
  proxy_on_request_body,
  proxy_on_request_headers,
  proxy_on_request_trailers,
  proxy_on_response_body,
  proxy_on_response_headers,
  proxy_on_response_trailers,
  proxy_on_vm_start,
} from "./proxy-wasm/module/exports";

omitSections(["limits", "trace", "sessions", "labels"]);
setRootFactory((id) => new Plugin(id, new Stages(), lite()));
