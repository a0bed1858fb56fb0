/** A server that records everything received of requests, including aborted ones, and answers each like a tool. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import * as mcp from "../envoy/mcp-messages.ts";

/** What the server received of a request. */
export interface Received {
  /** Request line and headers, one per line. */
  head: string;
  body: string;
}

export interface Recorder {
  host: string;
  port: number;
  /** The requests, the oldest first. */
  readonly requests: Received[];
  /** How much the server received of the request that contains `mark`, a text that is in no other request. */
  seen(mark: string): "nothing" | "head" | "body";
  close(): Promise<void>;
}

export async function startRecorder(): Promise<Recorder> {
  const requests: Received[] = [];
  const server = createServer((request, response) => {
    const lines = [`${request.method} ${request.url}`];
    for (let i = 0; i < request.rawHeaders.length; i += 2) {
      lines.push(`${request.rawHeaders[i].toLowerCase()}: ${request.rawHeaders[i + 1]}`);
    }
    const received: Received = { head: lines.join("\n"), body: "" };
    requests.push(received);
    request.setEncoding("latin1");
    request.on("data", (chunk: string) => (received.body += chunk));
    request.on("error", () => {});
    request.on("end", () => response.writeHead(200, mcp.JSON_TYPE).end(mcp.result(1)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: "127.0.0.1",
    port: (server.address() as AddressInfo).port,
    requests,
    seen(mark) {
      if (requests.some(({ body }) => body.includes(mark))) return "body";
      return requests.some(({ head }) => head.includes(mark)) ? "head" : "nothing";
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
