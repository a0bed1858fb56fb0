import { crc32 } from "node:zlib";
import type { HostKind } from "./host-kind.ts";
import { nginxFunctions, nginxReplyBody } from "./nginx/functions.ts";
import { nginxRequest, nginxResponse } from "./nginx/message-heads.ts";
import { DEFAULTS, type NginxSettings } from "./nginx/settings.ts";

const BODILESS = ["204", "304"];

/** NGINX with ngx_wasm_module, at the commit 3bed278. README.md names the sources of each rule. */
export function nginx(changed: Partial<NginxSettings> = {}): HostKind {
  const settings = { ...DEFAULTS, ...changed };
  return {
    name: "nginx",
    requiredExports: ["proxy_on_context_create", "proxy_on_vm_start", "proxy_on_configure"],
    hasTicks: true,
    endsPlugins: false,
    // The host checks for no callback but on_tick whether it exists (ngx_wavm_instance_call_funcref).
    crashesWithout: (name) => name.startsWith("proxy_on_") && name !== "proxy_on_tick",
    functions: (host, envoy) => nginxFunctions(host, envoy, settings),
    // get_filter_id: a CRC-32 of the module's name, the configuration and a number that is always 0.
    rootId: (_name, configuration) =>
      crc32(Buffer.concat([Buffer.from(settings.moduleName), configuration, Buffer.from("0")])),
    streams: {
      endsInHeaders: false,
      gathersRequest: true,
      hasTrailers: false,
      keepsHeaders: true,
      holdsBodies: true,
      holdsResponseHeaders: false,
      passesReplies: true,
      ending: ["proxy_on_done", "proxy_on_log", "proxy_on_delete"],
      logsFirst: true,
      requestHeaders: (headers, hasBody, protocol) =>
        nginxRequest(headers, settings.serverName, hasBody && protocol === undefined),
      responseHeaders: nginxResponse,
      endsEmptyBody: (status, method) => method !== "HEAD" && !BODILESS.includes(status),
      responseEnd(declared, size, end) {
        // ngx_http_proxy_wasm_on_response_body: with a length, only a body in one piece has an end.
        const isEnd = declared !== undefined && declared > 0 ? size === declared : end;
        return size > 0 || isEnd ? isEnd : undefined;
      },
      gathersPausedResponse: true,
      replyBody: nginxReplyBody,
      resetReply: (cause, { reply }) =>
        reply && (cause === "server" ? { status: 502, body: "<h1>502 Bad Gateway</h1>" } : { ...reply, body: "" }),
      onPause({ alerts }, callback) {
        if (callback === "proxy_on_response_body") return;
        if (callback === "proxy_on_response_headers") {
          alerts.push('[warn] "ResponseHeaders" returned "PAUSE": local response expected but none produced');
        } else {
          alerts.push(`[hang] ${callback} returned "PAUSE": nothing resumes the request`);
        }
      },
    },
  };
}
