/** Names that strangers give their tools. */
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { Server } from "@modelcontextprotocol/server";
import { type FixtureServer, listen, serveBothEras } from "../../scripts/demo/servers/eras.ts";

export const HOSTILE_NAMES = [
  "<img src=x onerror=alert(1)>",
  "clear\x1b[2J\x1b[31mscreen",
  "csi\x9b31mred",
  "over\u202eride",
  "two\nlines",
  "天气",
];
/** Longer than a label value, whose names share _OTHER. */
const LONG_NAME = "x".repeat(300);

/** Control characters other than the line's end, and bidirectional overrides. */
export const DANGEROUS = /(?!\n)[\p{Cc}\p{Cf}]/u;

/** A server with a tool for each name. */
export function startStrangersServer(): Promise<FixtureServer> {
  const names = [...HOSTILE_NAMES, LONG_NAME];
  const handle = serveBothEras(() => {
    const server = new Server({ name: "strangers", version: "1.0.0" }, { capabilities: { tools: {} } });
    server.setRequestHandler("tools/list", () => ({
      tools: names.map((name) => ({ name, inputSchema: { type: "object" as const } })),
    }));
    server.setRequestHandler("tools/call", ({ params }) => ({
      content: [{ type: "text", text: `the result of ${params.name.length}` }],
      isError: params.name === LONG_NAME,
    }));
    return server;
  });
  return listen(() => handle);
}

/** A client that lists the tools and then calls each of them, again and again, until `signal` aborts. */
export async function callStrangers(url: string, name: string, signal: AbortSignal): Promise<void> {
  const client = new Client({ name, version: "1.0.0" });
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  await client.listTools();
  while (!signal.aborted) {
    for (const tool of [...HOSTILE_NAMES, LONG_NAME]) {
      await client.callTool({ name: tool, arguments: { secret: "an argument" } });
    }
  }
  await client.close();
}
