/**
 * MCP servers of every transport and era at one address, with a tap in front of them that records what reaches them.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { McpServer } from "@modelcontextprotocol/server";
import { SessionServer } from "../envoy/sessions/session-server.ts";
import { Tap } from "../envoy/tap.ts";
import { startAskingServer } from "../fixtures/servers/asking-server.ts";
import { MemoryEventStore } from "../fixtures/servers/conformance/event-store.ts";
import { listen, serveBothEras } from "../../scripts/demo/servers/eras.ts";
import { startFixtureServer } from "../../scripts/demo/servers/fixture-server.ts";
import { startSseServer } from "../fixtures/servers/sse-server.ts";

/** Milliseconds after which a client must come back for a response, and after which the response is available. */
const RETRY_MS = 20;
const ANSWER_MS = 100;

interface Server {
  host: string;
  port: number;
  close(): Promise<void>;
}

/** Running servers:
 *
 *   /mcp, /mcp-json   both eras; legacy answers are event streams, or JSON
 *   /asking           sessions: its tools ask the client
 *   /polled           sessions: its tools close the stream of the call before they answer
 *   /raw              sessions: does by hand what the official ones do not do on demand
 *   /sse, /message    HTTP+SSE
 */
export class Servers {
  private constructor(
    readonly tap: Tap,
    private readonly all: readonly Server[],
  ) {}

  static async start(): Promise<Servers> {
    const both = await startFixtureServer();
    const asking = await startAskingServer();
    const polled = await startPolledServer();
    const raw = await SessionServer.start();
    const sse = await startSseServer();
    const urls: Record<string, string> = {
      "/asking": `${urlOf(asking)}/mcp`,
      "/polled": `${urlOf(polled)}/mcp`,
      "/raw": `${urlOf(raw)}${raw.path}`,
      "/sse": `${urlOf(sse)}/sse`,
    };
    const target = (path: string) => {
      if (path.startsWith("/message")) return new URL(path, urlOf(sse));
      return new URL(urls[path] ?? `${urlOf(both)}${path}`);
    };
    return new Servers(await Tap.start(target), [both, asking, polled, raw, sse]);
  }

  /** The address of the tap. */
  get address(): { host: string; port: number } {
    const { hostname, port } = new URL(this.tap.url);
    return { host: hostname, port: Number(port) };
  }

  async close(): Promise<void> {
    await this.tap.close();
    for (const server of this.all) await server.close();
  }
}

function urlOf({ host, port }: Server): string {
  return `http://${host}:${port}`;
}

/** A server whose tools close the stream on which they were called. */
function startPolledServer(): Promise<Server> {
  const create = () => {
    const server = new McpServer({ name: "polled", version: "1.0.0" });
    server.registerTool("poll", {}, async ({ http }) => {
      http?.closeSSE?.();
      await sleep(ANSWER_MS);
      return { content: [{ type: "text", text: "Answered elsewhere" }] };
    });
    server.registerTool("poll_in_vain", {}, async ({ http }) => {
      http?.closeSSE?.();
      await sleep(ANSWER_MS);
      return { content: [], isError: true };
    });
    return server;
  };
  const serve = serveBothEras(create, {
    legacy: { eventStore: new MemoryEventStore(), retryInterval: RETRY_MS },
  });
  return listen(() => serve);
}
