/** A small server with sessions that does by hand what the official ones do not do on demand. */
import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import * as mcp from "../mcp-messages.ts";
import { bodyOf, type Handler, startUpstream, type Upstream } from "../upstream.ts";

/** The tools that it lists. `block` tells of progress, then waits until its stream ends. */
export const SESSION_TOOLS = ["echo", "decline", "block"];

const NOT_FOUND = mcp.failure(null, -32001);
const BAD_REQUEST = mcp.failure(null, -32600);
const UUID = /^[0-9a-f-]{36}$/;

interface Request {
  id?: number;
  method: string;
  params?: { name?: string; _meta?: { progressToken?: number } };
}

/** A running server: its endpoint is at `path`. */
export class SessionServer {
  readonly #upstream: Upstream;
  /** The open GET streams of each session. */
  readonly #sessions = new Map<string, Set<ServerResponse>>();
  readonly path: string;

  private constructor(upstream: Upstream) {
    this.#upstream = upstream;
    this.path = upstream.route(this.#handle);
  }

  static async start(): Promise<SessionServer> {
    return new SessionServer(await startUpstream());
  }

  get host(): string {
    return this.#upstream.host;
  }

  get port(): number {
    return this.#upstream.port;
  }

  close(): Promise<void> {
    return this.#upstream.close();
  }

  /** Forgets a session: requests that name it get 404 from now on. */
  drop(id: string): void {
    for (const stream of this.#sessions.get(id) ?? []) stream.end();
    this.#sessions.delete(id);
  }

  /** Sends a notification on every open GET stream. */
  notifyAll(): void {
    const text = mcp.event(mcp.notification("notifications/tools/list_changed"));
    for (const streams of this.#sessions.values()) for (const stream of streams) stream.write(text);
  }

  readonly #handle: Handler = async (request, response) => {
    const id = request.headers["mcp-session-id"] as string | undefined;
    const text = String(await bodyOf(request));
    const streams = id === undefined ? undefined : this.#sessions.get(id);
    if (id !== undefined && streams === undefined) {
      // A server may check the form of an id first.
      const [status, body] = UUID.test(id) ? ([404, NOT_FOUND] as const) : ([400, BAD_REQUEST] as const);
      response.writeHead(status, mcp.JSON_TYPE).end(body);
    } else if (request.method === "DELETE") {
      this.drop(id!);
      response.writeHead(200).end();
    } else if (request.method === "GET") {
      response.writeHead(200, mcp.SSE_TYPE).write(": here\n\n");
      response.once("close", () => streams!.delete(response));
      streams!.add(response);
    } else {
      this.#answer(JSON.parse(text) as Request, id, response);
    }
  };

  #answer({ id, method, params = {} }: Request, session: string | undefined, response: ServerResponse): void {
    if (id === undefined) return void response.writeHead(202).end();
    if (method === "initialize") {
      if (session !== undefined) return void response.writeHead(400, mcp.JSON_TYPE).end(BAD_REQUEST);
      const given = randomUUID();
      this.#sessions.set(given, new Set());
      const value = {
        protocolVersion: "2025-11-25",
        capabilities: { tools: {} },
        serverInfo: { name: "s", version: "1" },
      };
      return void response.writeHead(200, { ...mcp.JSON_TYPE, "mcp-session-id": given }).end(mcp.result(id, value));
    }
    if (params.name === "block") {
      const progress = { progressToken: params._meta?.progressToken, progress: 0 };
      return void response
        .writeHead(200, mcp.SSE_TYPE)
        .write(mcp.event(mcp.notification("notifications/progress", progress)));
    }
    const message = messageFor(id, method, params.name);
    if (id % 2 === 0) response.writeHead(200, mcp.JSON_TYPE).end(message);
    else response.writeHead(200, mcp.SSE_TYPE).end(mcp.event(message));
  }
}

function messageFor(id: number, method: string, tool: string | undefined): string {
  if (method === "tools/list") return mcp.result(id, { tools: SESSION_TOOLS.map((name) => ({ name })) });
  if (method !== "tools/call" || tool === "echo") return mcp.result(id);
  return tool === "decline" ? mcp.result(id, { content: [], isError: true }) : mcp.failure(id, -32602);
}
