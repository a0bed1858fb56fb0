/** Connections of clients that send many calls without waiting: HTTP/1.1 with pipelining, and HTTP/2. */
import { type ClientHttp2Session, connect as connectHttp2, constants } from "node:http2";
import { connect, type Socket } from "node:net";
import { bodyOf } from "../envoy/upstream.ts";

/** The end of a request: `failed` is any response in place of the server's except for a limit's, and `lost` is none. */
export type End = "answered" | "limited" | "failed" | "lost";

/** A request without a response yet. */
export interface Pending {
  readonly ended: Promise<End>;
  /** Leaves without the response. Over HTTP/1.1, this closes the connection with everything that was sent on it. */
  leave(): void;
}

export interface Connection {
  /** Sends a POST. */
  post(headers: Record<string, string>, body: string | Buffer): Pending;
  close(): void;
}

/** Opens a connection. `url` ends with the path. */
export type Connect = (url: string, localAddress?: string) => Connection;

/** HTTP/1.1. Requests before the last response are pipelined. */
export const connectPipelining: Connect = (url, localAddress) => new Pipeline(url, localAddress);

/** HTTP/2, with as many streams as the proxy allows. */
export const connectStreams: Connect = (url, localAddress) => new Streams(url, localAddress);

class Pipeline implements Connection {
  readonly #socket: Socket;
  readonly #path: string;
  readonly #waiting: ((end: End) => void)[] = [];
  #received = Buffer.alloc(0);
  #isClosed = false;

  constructor(url: string, localAddress?: string) {
    const { hostname, port, pathname } = new URL(url);
    this.#path = pathname;
    this.#socket = connect({ port: Number(port), host: hostname, localAddress }).setNoDelay();
    this.#socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    this.#socket.on("end", () => this.#socket.destroy()).on("error", () => {});
    this.#socket.on("close", () => this.#end());
  }

  post(headers: Record<string, string>, body: string | Buffer): Pending {
    const ended = this.#isClosed ? Promise.resolve<End>("lost") : new Promise<End>((end) => this.#waiting.push(end));
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const length = Buffer.byteLength(body);
    const head = `POST ${this.#path} HTTP/1.1\r\nhost: mcp.example\r\n${lines.join("")}content-length: ${length}\r\n\r\n`;
    this.#socket.write(Buffer.concat([Buffer.from(head), Buffer.from(body)]));
    return { ended, leave: () => this.close() };
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Envoy's and the server's responses have a length, except for a 202. */
  #receive(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    for (;;) {
      const end = this.#received.indexOf("\r\n\r\n");
      if (end < 0) return;
      const head = this.#received.toString("latin1", 0, end);
      const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
      const whole = end + 4 + length;
      if (this.#received.length < whole) return;
      const body = this.#received.toString("utf8", end + 4, whole);
      this.#received = this.#received.subarray(whole);
      this.#waiting.shift()?.(endOf(Number(head.slice(9, 12)), body));
    }
  }

  #end(): void {
    this.#isClosed = true;
    for (const end of this.#waiting.splice(0)) end("lost");
  }
}

class Streams implements Connection {
  readonly #session: ClientHttp2Session;
  readonly #path: string;

  constructor(url: string, localAddress?: string) {
    const { hostname, port, origin, pathname } = new URL(url);
    this.#path = pathname;
    const createConnection = () => connect({ port: Number(port), host: hostname, localAddress }).setNoDelay();
    const settings = { enablePush: false };
    this.#session = connectHttp2(origin, { createConnection, settings }).on("error", () => {});
  }

  post(headers: Record<string, string>, body: string | Buffer): Pending {
    if (this.#session.closed || this.#session.destroyed) return { ended: Promise.resolve("lost"), leave: () => {} };
    const head = { ":method": "POST", ":path": this.#path, ":authority": "mcp.example" };
    const stream = this.#session.request({ ...head, ...headers }).on("error", () => {});
    let status = 0;
    stream.on("response", (answered) => (status = Number(answered[":status"])));
    stream.end(body);
    const answer = async (): Promise<End> => {
      const received = String(await bodyOf(stream));
      return stream.rstCode === constants.NGHTTP2_NO_ERROR && status > 0 ? endOf(status, received) : "lost";
    };
    return {
      ended: answer().catch((): End => "lost"),
      leave: () => stream.close(constants.NGHTTP2_CANCEL),
    };
  }

  close(): void {
    this.#session.destroy();
  }
}

function endOf(status: number, body: string): End {
  if (body.includes('"code":429')) return "limited";
  return status === 200 && body.includes('"result"') ? "answered" : status === 202 ? "answered" : "failed";
}
