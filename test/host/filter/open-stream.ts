import {
  type ExchangeRequest,
  exchange,
  type HttpStream,
  type Plugin,
  type ResetCause,
} from "../../../scripts/host/index.ts";
import { MCP_HEADERS, SSE_ANSWER, event, result } from "./filter.ts";

/** The headers of a request that asks for an event stream with GET. */
export const GET_HEADERS = { accept: "text/event-stream" };

/** What a client of 2025-11-25 sends within a session. */
export const inSession = (id: string) => ({
  ...MCP_HEADERS,
  "mcp-session-id": id,
  "mcp-protocol-version": "2025-11-25",
});

/** A response that is an open event stream: the test determines what it contains and how it ends. */
export class OpenStream {
  readonly stream: HttpStream;

  constructor(plugin: Plugin, request: ExchangeRequest, properties = {}) {
    const response = { headers: SSE_ANSWER, ended: "open" } as const;
    this.stream = exchange(plugin, { request, response }, { properties }).stream;
  }

  /** The server sends this text unchanged. */
  write(text: string): this {
    this.stream.responseBody(Buffer.from(text));
    return this;
  }

  /** The server sends messages, one event each. */
  send(...messages: string[]): this {
    for (const message of messages) this.write(event(message));
    return this;
  }

  /** The server ends the stream, or the given side resets it. */
  close(cause?: ResetCause): void {
    if (cause !== undefined) return this.stream.reset(cause);
    this.stream.responseBody(new Uint8Array(), true);
    this.stream.end();
  }
}

/** Opens the GET stream of a session. With `lastEventId`, it resumes another stream. */
export function openGet(plugin: Plugin, session: string, lastEventId?: string): OpenStream {
  const headers = { ...GET_HEADERS, "mcp-session-id": session, "mcp-protocol-version": "2025-11-25" };
  const resumes = lastEventId !== undefined && { "last-event-id": lastEventId };
  return new OpenStream(plugin, { method: "GET", headers: { ...headers, ...resumes } });
}

/** Posts a message in a session. The response is an event stream that stays open. */
export function openPost(plugin: Plugin, session: string, body: string): OpenStream {
  return new OpenStream(plugin, { headers: inSession(session), body });
}

/** An event with an id. */
export function numbered(id: string, data: string): string {
  return `id: ${id}\n${event(data)}`;
}

/** The first event of a server that will close the stream before the response (2025-11-25, basic/transports). */
export function priming(id: string): string {
  return `id: ${id}\nretry: 500\ndata: \n\n`;
}

/** The response to `initialize`, in any session. */
export function initializeResult(protocolVersion: string, id: unknown = 0): string {
  return result({ protocolVersion, capabilities: {}, serverInfo: { name: "s", version: "1" } }, id);
}
