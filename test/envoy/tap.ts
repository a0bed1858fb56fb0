/** A plain HTTP proxy of Node's between a client and Envoy that records what passes: for clients that are programs. */
import { once } from "node:events";
import {
  Agent,
  type ClientRequest,
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { keepText, type Recorded } from "./recording.ts";
import { until } from "./sessions/until.ts";

const SETTLED_MS = 2000;
/** After this time Envoy learns that a client left. The server may have ended the response meanwhile, as some do once they read
 *  the cancellation that follows: that is what Envoy counts, and what is recorded. */
const GRACE_MS = 500;
/** Headers of a connection rather than of the message that it brings. */
const OF_CONNECTION = new Set(["connection", "keep-alive", "transfer-encoding"]);

/** An origin, or the URL of a path and query. */
type Target = string | ((path: string) => URL);

/** A running tap. */
export class Tap {
  readonly exchanges: Recorded[] = [];
  readonly #agent = new Agent({ keepAlive: false });
  readonly #server: Server;

  private constructor(private readonly target: Target) {
    this.#server = createServer((incoming, response) => void this.#pass(incoming, response));
    // Event streams stay open for as long as their ends want it.
    this.#server.requestTimeout = 0;
  }

  /** Listens on a free port of 127.0.0.1; `target` is where requests go, e.g. `http://127.0.0.1:10000`, for all paths or by path. */
  static async start(target: Target): Promise<Tap> {
    const tap = new Tap(target);
    tap.#server.listen(0, "127.0.0.1");
    await once(tap.#server, "listening");
    return tap;
  }

  /** `http://127.0.0.1:port`, without a path. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Waits until every exchange is over, which they are once the client has gone. */
  async settled(): Promise<void> {
    await until(() => this.exchanges.every(({ ended }) => ended !== "open"), "the end of all exchanges");
  }

  /** Ends what is still open. */
  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
    this.#agent.destroy();
  }

  async #pass(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = this.#urlOf(incoming.url!);
    const exchange: Recorded = {
      url: url.href,
      method: incoming.method!,
      headers: new Headers(pairsOf(incoming.rawHeaders)),
      body: "",
      status: 0,
      contentType: "",
      givenSession: null,
      text: "",
      startMs: Date.now(),
      readMs: 0,
      arrivals: [],
      ended: "open",
    };
    this.exchanges.push(exchange);
    const headers = incoming.rawHeaders;
    const outgoing = request(url, { method: incoming.method, headers, agent: this.#agent });
    response.once("close", () => {
      const leave = () => {
        if (exchange.ended === "open") exchange.ended = "left";
        outgoing.destroy();
      };
      setTimeout(leave, GRACE_MS);
    });
    outgoing.once("error", () => response.destroy());
    try {
      await Promise.all([keepRequest(exchange, incoming, outgoing), this.#answer(exchange, outgoing, response)]);
    } catch {
      response.destroy();
    }
  }

  #urlOf(path: string): URL {
    return typeof this.target === "string" ? new URL(path, this.target) : this.target(path);
  }

  async #answer(exchange: Recorded, outgoing: ClientRequest, response: ServerResponse): Promise<void> {
    const [answer] = (await once(outgoing, "response")) as [IncomingMessage];
    exchange.status = answer.statusCode!;
    exchange.contentType = answer.headers["content-type"] ?? "";
    exchange.givenSession = (answer.headers["mcp-session-id"] as string | undefined) ?? null;
    // A client that has ended its session closes what is left: a race with the server, which ends the same streams.
    if (exchange.method === "DELETE") await this.#sessionSettled(exchange.headers.get("mcp-session-id"));
    const kept = pairsOf(answer.rawHeaders).filter(([name]) => !OF_CONNECTION.has(name.toLowerCase()));
    response.writeHead(exchange.status, kept.flat());
    response.flushHeaders();
    const decoder = new TextDecoder();
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      keepText(exchange, decoder.decode(chunk, { stream: true }));
      if (!response.destroyed) response.write(chunk);
    }
    keepText(exchange, "");
    if (exchange.ended === "open") exchange.ended = "complete";
    response.end();
  }

  /** Waits until the streams of a session are over that its server ends with it. */
  async #sessionSettled(session: string | null): Promise<void> {
    const deadline = Date.now() + SETTLED_MS;
    const isOpen = ({ method, headers, ended }: Recorded) =>
      method !== "DELETE" && headers.get("mcp-session-id") === session && ended === "open";
    while (this.exchanges.some(isOpen) && Date.now() < deadline) await sleep(5);
  }
}

async function keepRequest(exchange: Recorded, incoming: IncomingMessage, outgoing: ClientRequest): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    exchange.body += decoder.decode(chunk, { stream: true });
    outgoing.write(chunk);
  }
  exchange.readMs = Date.now();
  outgoing.end();
}

function pairsOf(rawHeaders: string[]): [name: string, value: string][] {
  return rawHeaders.flatMap((name, index): [string, string][] =>
    index % 2 === 0 ? [[name, rawHeaders[index + 1]]] : [],
  );
}
