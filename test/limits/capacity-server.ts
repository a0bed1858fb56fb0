/** An MCP server of known capacity: beyond it, latency grows with the number of calls in flight. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import * as mcp from "../envoy/mcp-messages.ts";

/** The tool that the capacity bounds. The names of the others contain their duration, as in `takes_30000`. */
export const BOUNDED = "bounded";
export const takes = (milliseconds: number): string => `takes_${milliseconds}`;

interface Message {
  id: number | string;
  method: string;
  params: { name: string };
}

export class CapacityServer {
  readonly host = "127.0.0.1";
  /** Latencies of calls here, by tool, in milliseconds. */
  readonly latencies = new Map<string, number[]>();
  /** Number of calls of the bounded tool in flight. */
  underWay = 0;
  readonly #server = createServer((request, response) => {
    this.#serve(request, response).catch(() => response.destroy());
  });

  /**
   * @param capacity number of concurrent calls that do not slow each other down
   * @param serviceMs duration of each of these
   */
  private constructor(
    public capacity: number,
    private readonly serviceMs: number,
  ) {}

  static async start(capacity: number, serviceMs: number): Promise<CapacityServer> {
    const self = new CapacityServer(capacity, serviceMs);
    await new Promise<void>((resolve) => self.#server.listen(0, self.host, resolve));
    return self;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  forget(): void {
    this.latencies.clear();
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { id, method, params } = JSON.parse(await text(request)) as Message;
    if (method === "subscriptions/listen") {
      response.writeHead(200, mcp.SSE_TYPE).write(": open\n\n");
      return;
    }
    const beganAt = performance.now();
    await this.#work(params.name);
    const took = this.latencies.get(params.name);
    if (took) took.push(performance.now() - beganAt);
    else this.latencies.set(params.name, [performance.now() - beganAt]);
    response.writeHead(200, mcp.JSON_TYPE).end(mcp.result(id));
  }

  async #work(tool: string): Promise<void> {
    if (tool !== BOUNDED) return sleep(Number(tool.split("_")[1]));
    this.underWay++;
    await sleep(this.serviceMs * Math.max(1, this.underWay / this.capacity));
    this.underWay--;
  }
}
