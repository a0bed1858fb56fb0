/** A plain HTTP server behind Envoy: each test says what it answers. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** Answers a request; its body is not yet read. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** A running server on 127.0.0.1. */
export interface Upstream {
  host: string;
  port: number;
  server: Server;
  /** Gives a handler a path of its own, with any query. */
  route(handler: Handler): string;
  /** Ends every connection too. */
  close(): Promise<void>;
}

export async function startUpstream(): Promise<Upstream> {
  const routes = new Map<string, Handler>();
  const server = createServer((request, response) => {
    const handler = routes.get((request.url ?? "").split("?")[0]);
    if (handler === undefined) response.writeHead(404).end();
    // A handler may write to a client that has left.
    else void Promise.resolve(handler(request, response)).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  return {
    host: "127.0.0.1",
    port: (server.address() as AddressInfo).port,
    server,
    route(handler) {
      const path = `/route-${routes.size + 1}`;
      routes.set(path, handler);
      return path;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** All bytes of a body. */
export async function bodyOf(message: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  return Buffer.concat(chunks);
}
