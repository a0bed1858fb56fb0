/** An MCP server that records which calls it has executed, and how many were in flight at one time. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import * as mcp from "../envoy/mcp-messages.ts";
import { bodyOf } from "../envoy/upstream.ts";

/**
 * A call of this tool, or of one with this prefix, waits for {@link WorkServer.release}. Others take the service time.
 */
export const WAIT = "wait";

/** A call as the server received it. */
export interface Execution {
  /** Number of times that its body arrived. */
  times: number;
  /** SHA-256 of the body, in hexadecimal. */
  digest: string;
  /** Alternating names and values of the trailers. */
  trailers: string[];
}

interface Gauge {
  now: number;
  /** The highest value since {@link WorkServer.forget}. */
  peak: number;
}

interface Message {
  id?: number | string;
  method: string;
  params?: { name?: string; arguments?: { call?: string } };
}

/** The body of a call that the server knows as `call`. */
export function workCall(call: string, tool = "work", more: object = {}): string {
  return mcp.request(call, "tools/call", { name: tool, arguments: { call, ...more } });
}

export class WorkServer {
  readonly host = "127.0.0.1";
  /** Calls by name. */
  readonly executed = new Map<string, Execution>();
  /** Requests from their headers to their responses. */
  readonly requests: Gauge = { now: 0, peak: 0 };
  /** Requests from the ends of their bodies to their responses. */
  readonly bodies: Gauge = { now: 0, peak: 0 };
  /** The times of arrival of calls, by `performance.now()`, while recorded. */
  #arrivals: Map<string, number> | undefined;
  readonly #waiting = new Set<() => void>();
  readonly #serviceMs: () => number;
  #server: Server;
  #port = 0;

  private constructor(serviceMs: () => number) {
    this.#serviceMs = serviceMs;
    this.#server = this.#create();
  }

  /** @param serviceMs returns how long a call takes, in milliseconds */
  static async start(serviceMs: () => number): Promise<WorkServer> {
    const self = new WorkServer(serviceMs);
    await self.#listen();
    return self;
  }

  get port(): number {
    return this.#port;
  }

  /** Number of calls that wait for {@link release}. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** How often the call of this name was executed; undefined if it never arrived. */
  timesOf(call: string): number {
    return this.executed.get(call)?.times ?? 0;
  }

  forget(): void {
    this.executed.clear();
    this.requests.peak = this.requests.now;
    this.bodies.peak = this.bodies.now;
  }

  /** From now on, records when each call arrives, in milliseconds by `performance.now()`. */
  watchArrivals(): Map<string, number> {
    return (this.#arrivals = new Map());
  }

  /** Answers all waiting calls. */
  release(): void {
    for (const goOn of this.#waiting) goOn();
    this.#waiting.clear();
  }

  /** Closes all connections at once, and accepts none until {@link restart}. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  /** Accepts connections again, on the same port. */
  async restart(): Promise<void> {
    this.#server = this.#create();
    await this.#listen();
  }

  #create(): Server {
    // Envoy closes idle connections first.
    return createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
  }

  #listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject).listen(this.#port, this.host, () => {
        this.#port = (this.#server.address() as AddressInfo).port;
        resolve();
      });
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const leave = enter(this.requests);
    let leaveBody = () => {};
    const finish = () => {
      leaveBody();
      leave();
    };
    response.on("close", finish);
    const body = await bodyOf(request);
    if (!response.destroyed) leaveBody = enter(this.bodies);
    const message = JSON.parse(String(body)) as Message;
    const { name, arguments: given } = message.params ?? {};
    if (given?.call !== undefined) this.#record(given.call, body, request.rawTrailers);
    if (message.id === undefined) {
      finish();
      return void response.writeHead(202, { "content-length": 0 }).end();
    }
    if (name?.startsWith(WAIT)) await this.#released(response);
    else if (name !== undefined) await sleep(this.#serviceMs());
    // Before the proxy, which then admits others, has received a byte of the response.
    finish();
    const answer = mcp.result(message.id);
    const session = message.method === "initialize" ? { "mcp-session-id": `session-${request.socket.remotePort}` } : {};
    const length = Buffer.byteLength(answer);
    response.writeHead(200, { ...mcp.JSON_TYPE, ...session, "content-length": length }).end(answer);
  }

  #record(call: string, body: Buffer, trailers: string[]): void {
    this.#arrivals?.set(call, performance.now());
    const times = this.timesOf(call) + 1;
    this.executed.set(call, { times, digest: digestOf(body), trailers });
  }

  #released(response: ServerResponse): Promise<void> {
    return new Promise((resolve) => {
      const goOn = () => {
        this.#waiting.delete(goOn);
        resolve();
      };
      this.#waiting.add(goOn);
      response.on("close", goOn);
    });
  }
}

/** SHA-256 in hexadecimal. */
export function digestOf(body: Buffer | string): string {
  return createHash("sha256").update(body).digest("hex");
}

/** Increments the gauge. Returns a function that decrements it once. */
function enter(gauge: Gauge): () => void {
  gauge.peak = Math.max(gauge.peak, ++gauge.now);
  let isInside = true;
  return () => {
    if (isInside) gauge.now--;
    isInside = false;
  };
}
