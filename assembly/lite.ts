/** The build for hosts with headers, bodies and a log only, such as Google Cloud's Service Extensions: build/mcp-lite.wasm. */
import { omitSections } from "./config/omitted_sections";
import { declarePlainHost } from "./config/plain_host";
import { KeptBody, KeptBodyWriter } from "./filter/holding/kept_body";
import { OwnHolding } from "./filter/holding/own_holding";
import { Plugin } from "./filter/plugin";
import { Stages } from "./gate/stages";
import { limitListedTools } from "./mcp/message/listed_tools";
import { limitOpenOperations } from "./mcp/operations/pairing";
import { HostBody } from "./proxy-wasm/body";
import { HostBodyWriter } from "./proxy-wasm/body_writer";
import { BufferType } from "./proxy-wasm/module/abi";
import { setRootFactory } from "./proxy-wasm/module/contexts";
import { MessageLogs } from "./trace/message_logs";
import { lite } from "./lite_host";

/** The size of the largest body of a request that the VM holds: half of what a stream may have of its memory. */
const MOST_BODY_BYTES: u32 = 8192;
const MOST_OPEN_OPERATIONS: u32 = 16;

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
declarePlainHost(MOST_BODY_BYTES);
limitListedTools(0);
limitOpenOperations(MOST_OPEN_OPERATIONS);
setRootFactory((id) => {
  const part = new HostBody(BufferType.RequestBody);
  const body = new KeptBody(part);
  const proxy = lite(body, new KeptBodyWriter(body));
  const holding = new OwnHolding(part, new HostBodyWriter(BufferType.RequestBody), body, MOST_BODY_BYTES);
  return new Plugin(id, new Stages(), proxy, new MessageLogs(proxy.log, proxy.clock), holding);
});
