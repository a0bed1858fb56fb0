/** Many small requests over a few connections that are kept, as fast as client and server go. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

const CONNECTIONS = 32;

/** One POST. */
export interface Post {
  path: string;
  headers: Record<string, string>;
  body: string;
}

/** Connections to a proxy; on each, one request follows the other. */
export class Load {
  readonly #sockets: Socket[];

  /** @param localAddress whose connections they are. */
  constructor(proxyUrl: string, localAddress?: string, connections = CONNECTIONS) {
    const { hostname, port } = new URL(proxyUrl);
    this.#sockets = Array.from({ length: connections }, () => {
      const socket = connect({ port: Number(port), host: hostname, localAddress }).setNoDelay();
      // Else the wait for an answer would be one for ever; where none is waited for, it is no error.
      socket.once("end", () => socket.destroy(new Error("the proxy closed the connection")));
      return socket.on("error", () => {});
    });
  }

  /** Sends `count` POSTs, each as `make` says, and reads the answers. Rejects where the proxy answers for the server. */
  run(count: number, make: (index: number) => Post): Promise<void> {
    return this.runUntil((begun) => begun >= count, make);
  }

  /** The same until `isOver`, which receives how many have begun, says so. */
  async runUntil(isOver: (begun: number) => boolean, make: (index: number) => Post): Promise<void> {
    let next = 0;
    const work = async (socket: Socket) => {
      while (!isOver(next)) await exchange(socket, make(next++));
    };
    await Promise.all(this.#sockets.map(work));
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** Node's own client would take more time than Envoy and the server together: this one looks for the answer's end only. */
async function exchange(socket: Socket, { path, headers, body }: Post): Promise<void> {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const length = Buffer.byteLength(body);
  socket.write(
    `POST ${path} HTTP/1.1\r\nhost: mcp.example\r\n${lines.join("")}content-length: ${length}\r\n\r\n${body}`,
  );
  let answer = "";
  do {
    const [chunk] = (await once(socket, "data")) as [Buffer];
    answer += chunk.toString("latin1");
  } while (!isWhole(answer));
  if (answer.startsWith("HTTP/1.1 503")) throw new Error(`the proxy answered: ${answer}`);
}

function isWhole(answer: string): boolean {
  const head = answer.indexOf("\r\n\r\n");
  if (head < 0) return false;
  const length = /^content-length: (\d+)/im.exec(answer.slice(0, head));
  return length === null ? answer.endsWith("\r\n0\r\n\r\n") : answer.length >= head + 4 + Number(length[1]);
}
