/** The page's HTTP server. Only pages of its own origin can read what it sends, and only on this machine. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { requireFreePort } from "../envoy/port.ts";
import { readAssets } from "./assets.ts";
import type { Opening, Step, Update } from "./data.ts";

export interface PageServer {
  /** `http://127.0.0.1:port/`. */
  url: string;
  /** Sends an update to all open pages. */
  send(update: Update): void;
  /** Tells open pages that the run has ended, and ends the server. */
  stop: () => Promise<void>;
}

/** What the server sends when a page asks. */
export interface PageContent {
  opening(): Opening;
  /** The steps of a session; undefined if it is not known. */
  steps(server: string, id: string): Step[] | undefined;
}

const HEADERS = {
  "content-security-policy": [
    "default-src 'none'",
    ...["script-src", "style-src", "connect-src", "img-src"].map((directive) => `${directive} 'self'`),
    ...["base-uri", "form-action", "frame-ancestors"].map((directive) => `${directive} 'none'`),
  ].join("; "),
  "cache-control": "no-store",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};
/** Open pages, and connections of all kinds. */
const MAX_LISTENERS = 16;
const MAX_CONNECTIONS = 128;
/** A page that reads so slowly that more than this waits for it is disconnected. It reconnects by itself. */
const MAX_WAITING_BYTES = 8 << 20;
const RECONNECT_MS = 2_000;

/** Starts the server on this port of 127.0.0.1, or on a free one. Rejects with one sentence if the port is in use. */
export async function startPageServer(port: number | undefined, content: PageContent): Promise<PageServer> {
  if (port !== undefined) await requireFreePort(port, "--page-port");
  const assets = readAssets();
  const listeners = new Set<ServerResponse>();
  let hosts: string[] = [];

  const answer = (request: IncomingMessage, response: ServerResponse) => {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    // A page of another site can have its own name resolve to 127.0.0.1 (DNS rebinding), but the browser sends that name.
    if (!hosts.includes(request.headers.host ?? "")) {
      sendText(response, 421, `This server answers only for ${hosts.join(" and ")}.`);
    } else if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      sendText(response, 405, "Only GET and HEAD are possible here.");
    } else {
      route(request, response);
    }
  };

  const route = (request: IncomingMessage, response: ServerResponse) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
    const asset = assets.get(pathname);
    if (asset !== undefined) {
      send(response, 200, asset.type, asset.content);
    } else if (pathname === "/opening") {
      sendJson(response, content.opening());
    } else if (pathname === "/steps") {
      const steps = content.steps(searchParams.get("server") ?? "", searchParams.get("session") ?? "");
      if (steps === undefined) sendText(response, 404, "This session is not known, or no longer.");
      else sendJson(response, steps);
    } else if (pathname === "/updates") {
      listen(request, response);
    } else {
      sendText(response, 404, "There is nothing here.");
    }
  };

  const listen = (request: IncomingMessage, response: ServerResponse) => {
    if (listeners.size >= MAX_LISTENERS) {
      sendText(response, 503, `${MAX_LISTENERS} pages are open already.`);
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    if (request.method === "HEAD") {
      response.end();
      return;
    }
    response.write(`retry: ${RECONNECT_MS}\n\n`);
    listeners.add(response);
    response.once("close", () => listeners.delete(response));
  };

  const server = createServer((request, response) => {
    try {
      answer(request, response);
    } catch {
      // A request target that is no URL.
      sendText(response, 400, "This is no path.");
    }
  });
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port ?? 0, "127.0.0.1", resolve);
  });
  const address = server.address() as AddressInfo;
  hosts = [`127.0.0.1:${address.port}`, `localhost:${address.port}`];

  const broadcast = (text: string) => {
    for (const listener of listeners) {
      if (listener.writableLength > MAX_WAITING_BYTES) listener.destroy();
      else listener.write(text);
    }
  };
  return {
    url: `http://127.0.0.1:${address.port}/`,
    send: (update) => {
      if (listeners.size > 0) broadcast(`data: ${JSON.stringify(update)}\n\n`);
    },
    stop: async () => {
      for (const listener of listeners) listener.end("event: ended\ndata:\n\n");
      const closed = new Promise((resolve) => server.close(resolve));
      // Gives open pages a moment to receive that.
      setTimeout(() => server.closeAllConnections(), 100).unref();
      await closed;
    },
  };
}

function send(response: ServerResponse, status: number, type: string, content: Buffer | string): void {
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(content) });
  response.end(content);
}

function sendText(response: ServerResponse, status: number, text: string): void {
  send(response, status, "text/plain; charset=utf-8", `${text}\n`);
}

function sendJson(response: ServerResponse, value: unknown): void {
  send(response, 200, "application/json", JSON.stringify(value));
}
