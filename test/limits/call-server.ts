/** An MCP server that counts the calls it receives, and how many are in flight at one time. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import * as mcp from "../envoy/mcp-messages.ts";

/** The header that names the caller of a request whose calls are counted. */
export const CALLER = "x-test-caller";
/** The header that names a call, for {@link CallServer.abandon}. */
export const CALL = "x-test-call";

/**
 * The tools. `slow` takes some milliseconds. The last three wait for {@link CallServer.release}: `wait` with its
 * response, `linger` with the end of the stream after it, and `task` is accepted as a task.
 */
const TOOLS = ["echo", "other", "slow", "wait", "linger", "task"];
const SLOWEST_MS = 30;

interface Message {
  id?: number | string;
  method: string;
  params?: { name?: string; requestId?: number | string };
}

/**
 * The calls of a caller, and those in flight: from a request's headers to its response, or until its client has left.
 */
class Traffic {
  underWay = 0;
  /** The maximum number in flight at one time. */
  peak = 0;
  /** Number of calls by tool. */
  readonly calls = new Map<string, number>();
  /** Number of requests whose clients have left early. */
  closed = 0;

  get total(): number {
    return [...this.calls.values()].reduce((sum, count) => sum + count, 0);
  }
}

export class CallServer {
  readonly host = "127.0.0.1";
  readonly #callers = new Map<string, Traffic>();
  readonly #waiting = new Set<() => void>();
  /** Functions that remove a call from those in flight, by the call's name. */
  readonly #open = new Map<string, () => void>();
  readonly #abandoned = new Set<string>();
  #sessions = 0;
  readonly #server = createServer((request, response) => {
    this.#serve(request, response).catch(() => response.destroy());
  });

  static async start(): Promise<CallServer> {
    const self = new CallServer();
    await new Promise<void>((resolve) => self.#server.listen(0, self.host, resolve));
    return self;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The traffic of a caller since it was last forgotten. */
  of(caller: string): Traffic {
    let traffic = this.#callers.get(caller);
    if (traffic === undefined) this.#callers.set(caller, (traffic = new Traffic()));
    return traffic;
  }

  /** Resets the counts, except for those of calls in flight. */
  forget(): void {
    for (const traffic of this.#callers.values()) {
      traffic.calls.clear();
      traffic.closed = 0;
      traffic.peak = traffic.underWay;
    }
  }

  /** Stops counting the call of this name as in flight, because its client is about to leave. The server learns that
   *  only after the proxy, which admits others in the meantime. */
  abandon(name: string): void {
    this.#abandoned.add(name);
    this.#open.get(name)?.();
  }

  /** Releases all waiting calls. */
  release(): void {
    for (const goOn of this.#waiting) goOn();
    this.#waiting.clear();
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const caller = request.headers[CALLER];
    const traffic = typeof caller === "string" ? this.of(caller) : undefined;
    const name = String(request.headers[CALL]);
    let isUnderWay = traffic !== undefined && !this.#abandoned.has(name);
    const finish = () => {
      if (isUnderWay) traffic!.underWay--;
      isUnderWay = false;
      this.#open.delete(name);
    };
    if (traffic !== undefined) {
      if (isUnderWay) traffic.peak = Math.max(traffic.peak, ++traffic.underWay);
      this.#open.set(name, finish);
      response.on("close", () => {
        if (!response.writableEnded) traffic.closed++;
        finish();
      });
    }
    const body = await text(request);
    if (request.method !== "POST") return this.#serveOthers(request, response, finish);
    const parsed = JSON.parse(body) as Message | Message[];
    const messages = [parsed].flat();
    for (const { method, params } of messages) {
      if (traffic === undefined || method !== "tools/call") continue;
      const tool = params!.name!;
      traffic.calls.set(tool, (traffic.calls.get(tool) ?? 0) + 1);
    }
    const asked = messages.filter(({ id }) => id !== undefined);
    if (asked.length === 0) return void response.writeHead(202).end();
    const answers = asked.map((message) => this.#answerOf(message));
    if (asked[0].method === "subscriptions/listen") return this.#stream(response, finish);
    const tool = asked[0].params?.name;
    if (tool === "slow") await sleep(Math.random() * SLOWEST_MS);
    if (tool === "wait") await this.#wait(response);
    const answer = Array.isArray(parsed) ? `[${answers.join(",")}]` : answers[0];
    if (tool !== "linger") {
      const session = asked[0].method === "initialize" ? { "mcp-session-id": `session-${++this.#sessions}` } : {};
      // Before the proxy has received a byte of the response.
      finish();
      return void response.writeHead(200, { ...mcp.JSON_TYPE, ...session }).end(answer);
    }
    finish();
    response.writeHead(200, mcp.SSE_TYPE).write(mcp.event(answer));
    await this.#wait(response);
    response.end();
  }

  /** A GET opens a stream that stays open, a DELETE ends a session. */
  async #serveOthers(request: IncomingMessage, response: ServerResponse, finish: () => void): Promise<void> {
    if (request.method === "GET") return this.#stream(response, finish);
    finish();
    response.end();
  }

  /** A stream without a response, until it is released. */
  async #stream(response: ServerResponse, finish: () => void): Promise<void> {
    response.writeHead(200, mcp.SSE_TYPE).write(": open\n\n");
    await this.#wait(response);
    finish();
    response.end();
  }

  #answerOf(message: Message): string {
    const isUnknown = message.method === "tools/call" && !TOOLS.includes(message.params?.name ?? "");
    return isUnknown ? mcp.failure(message.id!, -32602) : mcp.result(message.id!, this.#resultOf(message));
  }

  #resultOf({ method, params }: Message): object {
    if (method === "tools/list") return { tools: TOOLS.map((name) => ({ name, inputSchema: { type: "object" } })) };
    if (method === "initialize") {
      return {
        protocolVersion: "2025-11-25",
        capabilities: { tools: {} },
        serverInfo: { name: "calls", version: "1" },
      };
    }
    if (params?.name === "task") {
      const createdAt = new Date().toISOString();
      return { task: { taskId: `task-${++this.#sessions}`, status: "working", ttl: 60_000, createdAt } };
    }
    return { content: [] };
  }

  /** Waits until the call is released, or the client closes it. */
  #wait(response: ServerResponse): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add(resolve);
      response.on("close", resolve);
    });
  }
}
