/** A client of HTTP/2 without TLS that ends its request with trailers. */
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type IncomingHttpHeaders } from "node:http2";
import { LEGACY } from "./mcp-messages.ts";
import { bodyOf } from "./upstream.ts";

/** Begins a POST of MCP. */
export function beginHttp2(
  url: string,
  path: string,
  body: string,
): { connection: ClientHttp2Session; stream: ClientHttp2Stream } {
  const connection = connect(url);
  const head = { ":method": "POST", ":path": path, ":authority": "mcp.example", ...LEGACY };
  const stream = connection.request(head, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "x-end": "1" }));
  stream.end(body);
  return { connection, stream };
}

/** Sends a POST of MCP and reads the answer. */
export async function exchangeHttp2(url: string, path: string, body: string) {
  const { connection, stream } = beginHttp2(url, path, body);
  const [headers, trailers]: IncomingHttpHeaders[] = [{}, {}];
  stream.on("response", (received) => Object.assign(headers, received));
  stream.on("trailers", (received) => Object.assign(trailers, received));
  try {
    return { headers, body: String(await bodyOf(stream)), trailers };
  } finally {
    connection.close();
  }
}
