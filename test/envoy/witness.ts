/** Writes down what client and server see of an exchange, so that two ways between them can be compared. */
import type { IncomingMessage } from "node:http";
import { exchange, type RawAnswer, type RawRequest } from "./raw-http.ts";
import { bodyOf, type Handler, type Upstream } from "./upstream.ts";

/** Both sides' view of one exchange. */
export interface Seen {
  server: { line: string; headers: string[]; body: string; trailers: string[] } | undefined;
  client: { line: string; headers: string[]; body: string; trailers: string[]; complete: boolean } | string;
}

/** Headers that differ from one exchange to the next without any filter. */
export const VOLATILE = new Set(["date", "x-request-id", "x-envoy-upstream-service-time"]);
/** The same for every proxy, whose ports differ. */
const HOST = "mcp.example";

/** Sends the request through the proxy to a server that answers as `handler` does. */
export async function witness(proxy: string, upstream: Upstream, request: RawRequest, handler: Handler): Promise<Seen> {
  let server: Seen["server"];
  const path = upstream.route(async (incoming, response) => {
    server = await seenByServer(incoming);
    await handler(incoming, response);
  });
  const headers = { host: HOST, ...request.headers };
  const client = await exchange(`${proxy}${path}`, { ...request, headers }).then(seenByClient, String);
  // Each exchange has a path of its own.
  if (server !== undefined) server.line = server.line.replace(path, "");
  return { server, client };
}

async function seenByServer(request: IncomingMessage): Promise<Seen["server"]> {
  const body = (await bodyOf(request)).toString("base64");
  const line = `${request.method} ${request.url} HTTP/${request.httpVersion}`;
  return { line, headers: stable(request.rawHeaders), body, trailers: request.rawTrailers };
}

function seenByClient({ status, statusMessage, rawHeaders, body, trailers, complete }: RawAnswer): Seen["client"] {
  const line = `${status} ${statusMessage}`;
  return { line, headers: stable(rawHeaders), body: body.toString("base64"), trailers, complete };
}

/** Raw headers as `name: value`, in order, without those that vary. */
function stable(rawHeaders: string[]): string[] {
  const lines: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (!VOLATILE.has(rawHeaders[i].toLowerCase())) lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
  }
  return lines;
}
