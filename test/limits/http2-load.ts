/** Many small requests over a few HTTP/2 connections, with a few streams on each at any time. */
import { type ClientHttp2Session, connect } from "node:http2";
import { connect as connectSocket } from "node:net";
import type { Post } from "../envoy/load.ts";
import { bodyOf } from "../envoy/upstream.ts";

const CONNECTIONS = 4;
const STREAMS = 4;

/** Connections to a proxy, each with several concurrent requests. */
export class Http2Load {
  readonly #sessions: ClientHttp2Session[];

  /** @param localAddress the address of the connections */
  constructor(proxyUrl: string, localAddress?: string, connections = CONNECTIONS) {
    const { hostname, port } = new URL(proxyUrl);
    this.#sessions = Array.from({ length: connections }, () => {
      const createConnection = () => connectSocket({ port: Number(port), host: hostname, localAddress }).setNoDelay();
      return connect(proxyUrl, { createConnection }).on("error", () => {});
    });
  }

  /** Sends POSTs made by `make` until `isOver`, which receives the number of begun ones, returns true. */
  async runUntil(isOver: (begun: number) => boolean, make: (index: number) => Post): Promise<void> {
    let next = 0;
    const work = async (session: ClientHttp2Session) => {
      while (!isOver(next)) await exchange(session, make(next++));
    };
    await Promise.all(this.#sessions.flatMap((session) => Array.from({ length: STREAMS }, () => work(session))));
  }

  async close(): Promise<void> {
    for (const session of this.#sessions) session.destroy();
  }
}

async function exchange(session: ClientHttp2Session, { path, headers, body }: Post): Promise<void> {
  const stream = session.request({ ":method": "POST", ":path": path, ":authority": "mcp.example", ...headers });
  let status = 0;
  stream.on("response", (answered) => (status = Number(answered[":status"])));
  stream.end(body);
  await bodyOf(stream);
  if (status === 503) throw new Error("the proxy answered: 503");
}
