/** An MCP server that holds up its clients: it answers, asks them or keeps them waiting as the name of the tool says. */
import type { ServerResponse } from "node:http";
import * as mcp from "../mcp-messages.ts";
import { bodyOf, type Handler, startUpstream, type Upstream } from "../upstream.ts";

/** `hold` and `queued` wait for {@link StateServer.release}, `ask` asks first and ends once that is answered, `input` asks by its
 *  answer, and `echo` answers at once. */
export type StateTool = "hold" | "queued" | "ask" | "input" | "echo";

interface Message {
  id?: number | string;
  method?: string;
  params?: { name?: StateTool };
}

export class StateServer {
  readonly path: string;
  /** How to answer the calls that wait, by who calls. */
  readonly #held = new Map<string, Set<() => void>>();
  /** How to answer the calls in which the server asks, by the ids of its requests. */
  readonly #asked = new Map<string, () => void>();
  /** Callers whose calls no longer wait. */
  readonly #free = new Set<string>();
  #sessions = 0;
  #questions = 0;

  private constructor(private readonly upstream: Upstream) {
    this.path = upstream.route(this.#handle);
  }

  static async start(): Promise<StateServer> {
    return new StateServer(await startUpstream());
  }

  get host(): string {
    return this.upstream.host;
  }

  get port(): number {
    return this.upstream.port;
  }

  close(): Promise<void> {
    return this.upstream.close();
  }

  /** How many calls of this caller wait here. */
  held(caller: string): number {
    return this.#held.get(caller)?.size ?? 0;
  }

  /** Answers the calls of this caller that wait. */
  release(caller: string): void {
    for (const answer of this.#held.get(caller) ?? []) answer();
  }

  /** Answers the calls of these callers that wait, and from now on each as it comes. */
  open(callers: string[]): void {
    for (const caller of callers) {
      this.#free.add(caller);
      this.release(caller);
    }
  }

  readonly #handle: Handler = async (request, response) => {
    const message = JSON.parse(String(await bodyOf(request))) as Message;
    const { id, method, params = {} } = message;
    if (method === undefined) {
      this.#asked.get(String(id))?.();
      return void response.writeHead(202).end();
    }
    if (id === undefined) return void response.writeHead(202).end();
    if (method !== "tools/call") return this.#introduce(id, response);
    const text = params.name === "input" ? mcp.result(id, { resultType: "input_required" }) : mcp.result(id);
    if (params.name === "echo" || params.name === "input") {
      return void response.writeHead(200, mcp.JSON_TYPE).end(text);
    }
    if (params.name === "ask") {
      const question = `question-${++this.#questions}`;
      this.#asked.set(question, () => response.end(mcp.event(text)));
      return void response.writeHead(200, mcp.SSE_TYPE).write(mcp.event(mcp.request(question, "elicitation/create")));
    }
    this.#hold(String(request.headers[AGENT]), text, response);
  };

  #introduce(id: number | string, response: ServerResponse): void {
    const value = { protocolVersion: "2025-11-25", capabilities: {}, serverInfo: { name: "s", version: "1" } };
    const headers = { ...mcp.JSON_TYPE, "mcp-session-id": `session-${++this.#sessions}` };
    response.writeHead(200, headers).end(mcp.result(id, value));
  }

  #hold(caller: string, text: string, response: ServerResponse): void {
    const answer = () => {
      held.delete(answer);
      response.writeHead(200, mcp.JSON_TYPE).end(text);
    };
    const held = this.#held.get(caller) ?? new Set();
    this.#held.set(caller, held);
    held.add(answer);
    response.once("close", () => held.delete(answer));
    if (this.#free.has(caller)) answer();
  }
}

/** The header by which the server tells callers apart. */
export const AGENT = "x-test-agent";
