/** An MCP server that counts the calls that reach it. */
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import * as mcp from "../envoy/mcp-messages.ts";

/** A running server. */
export interface CountingServer {
  host: string;
  port: number;
  /** Number of received tool calls by tool, including those in batches. */
  calls: Map<string, number>;
  /** The headers of the newest request. */
  headers: IncomingHttpHeaders;
  /** Resets the counts. */
  reset(): void;
  close(): Promise<void>;
}

interface Message {
  id?: number;
  method: string;
  params?: { name?: string };
}

/** Starts a server that answers each request at once, and a tool call with this text. */
export async function startCountingServer(answer: string): Promise<CountingServer> {
  const calls = new Map<string, number>();
  const server = createServer((request, response) => {
    counting.headers = request.headers;
    void text(request).then((body) => {
      if (request.method !== "POST") return response.writeHead(405).end();
      const parsed = JSON.parse(body) as Message | Message[];
      const answers = [parsed].flat().flatMap((message) => {
        if (message.method === "tools/call")
          calls.set(message.params!.name!, (calls.get(message.params!.name!) ?? 0) + 1);
        return message.id === undefined ? [] : [mcp.result(message.id, resultOf(message, answer))];
      });
      if (answers.length === 0) return response.writeHead(202).end();
      const whole = Array.isArray(parsed) ? `[${answers.join(",")}]` : answers[0];
      response.writeHead(200, mcp.JSON_TYPE).end(whole);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const counting: CountingServer = {
    host: "127.0.0.1",
    port: (server.address() as AddressInfo).port,
    calls,
    headers: {},
    reset: () => calls.clear(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return counting;
}

function resultOf({ method }: Message, answer: string): object {
  if (method === "tools/list")
    return { tools: ["echo", "search"].map((name) => ({ name, inputSchema: { type: "object" } })) };
  if (method === "tools/call") return { content: [{ type: "text", text: answer }] };
  if (method !== "initialize") return {};
  return { protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo: { name: "counting", version: "1" } };
}
