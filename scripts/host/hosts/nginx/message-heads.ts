import type { HeaderList } from "../../abi.ts";

/** The most headers that `proxy_get_header_map_pairs` returns: NGX_HTTP_WASM_MAX_REQ_HEADERS in ngx_http_wasm.h. */
export const MAX_PAIRS = 100;

/** Headers that NGINX passes from fields of its own, before those in its list: ngx_http_wasm_headers_shims.c. */
const SHIMS = ["content-type", "content-length", "transfer-encoding", "connection", "keep-alive", "vary"];

/**
 * The request headers as NGINX presents them: first the pseudo-headers, then the others as the client wrote them, which for
 * HTTP/1 clients mostly means capitalised (ngx_proxy_wasm_maps_get_all). `:path` is the decoded, normalised URI with the
 * query, and `:authority` is the name and port of the server block, not the header `Host`.
 * @param serverName the value of `server_name`, with the port
 * @param needsFraming whether one of the headers must announce a body
 */
export function nginxRequest(headers: HeaderList, serverName: string, needsFraming: boolean): HeaderList {
  const isFramed = headers.some(([name]) => name === "content-length" || name === "transfer-encoding");
  const pseudo = new Map(headers.filter(([name]) => name.startsWith(":")));
  const host = pseudo.get(":authority");
  return [
    [":path", normalised(pseudo.get(":path") ?? "/")],
    [":method", pseudo.get(":method") ?? "GET"],
    [":scheme", pseudo.get(":scheme") ?? "http"],
    [":authority", serverName],
    ...(host === undefined ? [] : [["Host", host] as const]),
    ...headers.filter(([name]) => !name.startsWith(":")).map(([name, value]) => [capitalised(name), value] as const),
    ...(needsFraming && !isFramed ? [["Transfer-Encoding", "chunked"] as const] : []),
  ];
}

/** The response headers as NGINX presents them: the status, the headers from fields of its own, then its own and the
 *  server's. */
export function nginxResponse(headers: HeaderList): HeaderList {
  const own = new Map(headers);
  const shim = (name: string, value: string | undefined) =>
    value === undefined ? [] : [[capitalised(name), value] as const];
  const length = own.get("content-length");
  return [
    [":status", (own.get(":status") ?? "200").padStart(3, "0")],
    ...shim("content-type", own.get("content-type")),
    ...shim("content-length", length),
    ...shim("transfer-encoding", length === undefined ? "chunked" : undefined),
    ...shim("connection", "keep-alive"),
    ["Server", "nginx"],
    ["Date", "Fri, 20 Nov 2026 10:13:20 GMT"],
    ...headers
      .filter(([name]) => !name.startsWith(":") && !SHIMS.includes(name))
      .map(([name, value]) => [capitalised(name), value] as const),
  ];
}

/** The URI after NGINX's normalisation: escapes decoded, slashes merged, dot segments resolved. */
function normalised(target: string): string {
  const [path, ...query] = target.split("?");
  const segments: string[] = [];
  for (const segment of decoded(path).split(/\/+/).slice(1)) {
    if (segment === "..") segments.pop();
    else if (segment !== ".") segments.push(segment);
  }
  return ["/" + segments.join("/"), ...query].join("?");
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function capitalised(name: string): string {
  return name.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());
}
