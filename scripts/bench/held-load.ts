/**
 * Sends calls without waiting for responses, each from a caller with its own address, which the proxy reads from
 * `x-forwarded-for`.
 */
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import type { Envoy } from "../envoy/process.ts";
import { toolCall } from "./messages.ts";

const HEADERS = { "content-type": "application/json", accept: "application/json, text/event-stream" };

/** Requests over HTTP/1.1, with a connection for each. */
export class Http1Load {
  answered = 0;
  readonly #sockets: Socket[] = [];
  readonly #port: number;

  constructor({ proxyUrl }: Envoy) {
    this.#port = Number(new URL(proxyUrl).port);
  }

  /** Sends a call of `size` bytes for the caller at this address. */
  send(caller: string, size: number): void {
    const body = toolCall(size);
    const headers = { ...HEADERS, host: "mcp", "x-forwarded-for": caller, "content-length": Buffer.byteLength(body) };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const socket = connect(this.#port, "127.0.0.1").on("error", () => {});
    socket.once("data", () => this.answered++);
    socket.write(`POST /mcp HTTP/1.1\r\n${lines.join("")}\r\n${body}`);
    this.#sockets.push(socket);
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** Requests over HTTP/2, with a connection for each caller. */
export class Http2Load {
  answered = 0;
  readonly #sessions = new Map<string, ClientHttp2Session>();
  readonly #url: string;

  constructor({ proxyUrl }: Envoy) {
    this.#url = proxyUrl;
  }

  send(caller: string, size: number): void {
    const session = this.#sessions.get(caller) ?? connectHttp2(this.#url).on("error", () => {});
    this.#sessions.set(caller, session);
    const stream = session.request({ ...HEADERS, ":method": "POST", ":path": "/mcp", "x-forwarded-for": caller });
    stream.on("error", () => {}).once("response", () => this.answered++);
    stream.resume().end(toolCall(size));
  }

  close(): void {
    for (const session of this.#sessions.values()) session.destroy();
  }
}
