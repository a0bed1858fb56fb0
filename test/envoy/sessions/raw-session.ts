/** A client before 2026-07-28 that speaks its session by hand, in order and in disorder. */
import { Readable } from "node:stream";
import type { Fetch } from "../../../scripts/demo/client.ts";
import * as mcp from "../mcp-messages.ts";
import { begin, headOf } from "../raw-http.ts";

/** A `fetch` with a connection for each request, so that a session's requests meet every worker. */
export const shortFetch: Fetch = async (url, init = {}) => {
  const { method = "GET", signal } = init;
  const headers = Object.fromEntries(new Headers(init.headers));
  const request = begin(String(url), { method, headers, body: typeof init.body === "string" ? [init.body] : [] });
  const leave = () => request.destroy(new Error("left"));
  signal?.addEventListener("abort", leave, { once: true });
  request.once("close", () => signal?.removeEventListener("abort", leave));
  const response = await headOf(request);
  request.on("error", () => {});
  const answered = Object.entries(response.headersDistinct).map(([name, values]) => [name, values!.join(", ")]);
  return new Response(Readable.toWeb(response) as ReadableStream, {
    status: response.statusCode,
    headers: Object.fromEntries(answered) as Record<string, string>,
  });
};

/** A stream that is left by closing its connection. */
export interface OpenStream {
  /** The request's id; 0 of a GET. */
  id: number;
  /** What has come, until it is left or ended. */
  received: () => string;
  hasEnded: () => boolean;
  leave: () => void;
}

/** A session at `url`. */
export class RawSession {
  /** Null until {@link open}. */
  id: string | null = null;
  #nextId = 1;

  constructor(
    readonly url: string,
    readonly send: Fetch,
    readonly name: string,
  ) {}

  /** Opens a session, be there one already. */
  async open(): Promise<this> {
    this.id = null;
    const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: this.name, version: "1" } };
    const response = await this.#post(mcp.request(this.#nextId++, "initialize", params));
    await response.text();
    this.id = response.headers.get("mcp-session-id");
    await this.notify("notifications/initialized");
    return this;
  }

  /** A request; the response's status. */
  async request(method: string, params: object = {}): Promise<number> {
    const response = await this.#post(mcp.request(this.#nextId++, method, params));
    await response.text();
    return response.status;
  }

  call(name: string): Promise<number> {
    return this.request("tools/call", { name, arguments: {} });
  }

  async notify(method: string, params: object = {}): Promise<void> {
    await (await this.#post(mcp.notification(method, params))).text();
  }

  async remove(): Promise<number> {
    const response = await this.send(this.url, { method: "DELETE", headers: this.#headers() });
    await response.text();
    return response.status;
  }

  /** Calls the tool that blocks: under way when this resolves. */
  async block(): Promise<OpenStream> {
    const id = this.#nextId++;
    const params = { name: "block", arguments: {}, _meta: { progressToken: id } };
    return open(id, (signal) => this.#post(mcp.request(id, "tools/call", params), signal));
  }

  /** Opens the stream for what the server has to say. */
  listen(): Promise<OpenStream> {
    const headers = { ...this.#headers(), accept: "text/event-stream" };
    return open(0, (signal) => this.send(this.url, { method: "GET", headers, signal }));
  }

  #post(body: string, signal?: AbortSignal): Promise<Response> {
    return this.send(this.url, { method: "POST", headers: this.#headers(), body, signal });
  }

  #headers(): Record<string, string> {
    return { ...mcp.LEGACY, ...(this.id !== null && { "mcp-session-id": this.id }) };
  }
}

async function open(id: number, begun: (signal: AbortSignal) => Promise<Response>): Promise<OpenStream> {
  const controller = new AbortController();
  const response = await begun(controller.signal);
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let received = decoder.decode((await reader.read()).value);
  let ended = false;
  const readOn = async () => {
    for (let part = await reader.read(); !part.done; part = await reader.read()) received += decoder.decode(part.value);
  };
  void readOn().then(
    () => (ended = true),
    () => (ended = true),
  );
  return { id, received: () => received, hasEnded: () => ended, leave: () => controller.abort() };
}
