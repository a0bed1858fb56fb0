/**
 * Connections to the proxy for loads that h2load cannot generate: different headers in each request, and streams that
 * stay open.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { pathOf, type Workload } from "../workloads.ts";

/** The bytes of a request with additional headers. */
export function requestBytes(workload: Workload, headers: Record<string, string> = {}): Buffer {
  const { method, body } = workload;
  const all = { host: "127.0.0.1", ...workload.headers, ...headers, "content-length": String(Buffer.byteLength(body)) };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${method} ${pathOf(workload)} HTTP/1.1\r\n${lines.join("")}\r\n${body}`);
}

/**
 * Sends `count` requests, cycling through `requests`, and waits for the responses, which have a known length. Rejects
 * at the signal.
 */
export async function sendInTurn(
  url: string,
  requests: readonly Buffer[],
  { count, connections, signal }: { count: number; connections: number; signal: AbortSignal },
): Promise<void> {
  let next = 0;
  const work = async (socket: Socket) => {
    while (next < count) await exchange(socket, requests[next++ % requests.length]);
  };
  const sockets = Array.from({ length: connections }, () => open(url));
  const end = () => sockets.forEach((socket) => socket.destroy(new Error("The load was ended.")));
  signal.addEventListener("abort", end);
  try {
    await Promise.all(sockets.map(work));
  } finally {
    signal.removeEventListener("abort", end);
    end();
  }
}

/** Streams that stay open until {@link close}. */
export class OpenStreams {
  readonly #sockets: Socket[] = [];

  /** Opens `count` more streams. Resolves when each response has begun. */
  async open(url: string, request: Buffer, count: number): Promise<void> {
    // In batches, because connections beyond the listener's backlog would be retried after a second.
    for (let left = count; left > 0; left -= BATCH) {
      await Promise.all(Array.from({ length: Math.min(BATCH, left) }, () => this.#openOne(url, request)));
    }
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async #openOne(url: string, request: Buffer): Promise<void> {
    const socket = open(url);
    this.#sockets.push(socket);
    socket.write(request);
    const [head] = (await once(socket, "data")) as [Buffer];
    requireOk(head.toString("latin1"));
    socket.resume();
  }
}

const BATCH = 100;

function open(url: string): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname).setNoDelay();
  // Otherwise the wait for a response would never end.
  socket.once("end", () => socket.destroy(new Error("The proxy closed a connection.")));
  return socket.on("error", () => {});
}

async function exchange(socket: Socket, request: Buffer): Promise<void> {
  socket.write(request);
  let answer = "";
  do {
    const [chunk] = (await once(socket, "data")) as [Buffer];
    answer += chunk.toString("latin1");
  } while (!isWhole(answer));
  requireOk(answer);
}

function isWhole(answer: string): boolean {
  const head = answer.indexOf("\r\n\r\n");
  const length = /\r\ncontent-length: (\d+)/i.exec(answer.slice(0, Math.max(0, head)));
  return length !== null && answer.length >= head + 4 + Number(length[1]);
}

function requireOk(answer: string): void {
  if (!answer.startsWith("HTTP/1.1 200")) throw new Error(`The proxy answered ${answer.slice(0, 80)}`);
}
