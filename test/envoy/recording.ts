/** Records what clients send and get: the truth that the filter's numbers are held against. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Fetch } from "../../scripts/demo/client.ts";

/** One HTTP exchange as the client saw it. */
export interface Recorded {
  url: string;
  method: string;
  headers: Headers;
  body: string;
  status: number;
  contentType: string;
  /** The session id in the response. */
  givenSession: string | null;
  /** What has come of the response's body. */
  text: string;
  /** In milliseconds since 1970: before it was sent; of a tap, when its head had come. */
  startMs: number;
  /** When its body had come whole; only a tap knows, else 0. */
  readMs: number;
  arrivals: Arrival[];
  /** `open` until the server ends the response (`complete`), or the client leaves it (`left`). */
  ended: "open" | "complete" | "left";
}

/** So much of a response's text had come by then, in milliseconds since 1970: the last time also when the response was complete. */
export interface Arrival {
  length: number;
  atMs: number;
}

/** Keeps more of a response's text. */
export function keepText(exchange: Recorded, text: string): void {
  exchange.text += text;
  exchange.arrivals.push({ length: exchange.text.length, atMs: Date.now() });
}

/** A `fetch` that keeps everything, for one client or many. */
export class Recording {
  readonly exchanges: Recorded[] = [];

  /** @param send what requests are sent with. */
  constructor(private readonly send: Fetch = fetch) {}

  readonly fetch: Fetch = async (url, init = {}) => {
    const exchange: Recorded = {
      url: String(url),
      method: init.method ?? "GET",
      headers: new Headers(init.headers),
      body: typeof init.body === "string" ? init.body : "",
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
    let response: Response;
    try {
      response = await this.send(url, init);
    } catch (error) {
      exchange.ended = "left";
      throw error;
    }
    exchange.status = response.status;
    exchange.contentType = response.headers.get("content-type") ?? "";
    exchange.givenSession = response.headers.get("mcp-session-id");
    void keepBody(exchange, response.clone());
    // A client that has ended its session closes what is left: a race with the server, which ends the same streams.
    if (exchange.method === "DELETE") await this.settled(exchange.headers.get("mcp-session-id"));
    return response;
  };

  /** Waits until every response is over: of this session, or of clients without one. */
  async settled(session: string | null): Promise<void> {
    const isOpen = ({ headers, ended }: Recorded) => headers.get("mcp-session-id") === session && ended === "open";
    while (this.exchanges.some(isOpen)) await sleep(5);
  }
}

async function keepBody(exchange: Recorded, response: Response): Promise<void> {
  const decoder = new TextDecoder();
  try {
    for await (const chunk of response.body ?? []) keepText(exchange, decoder.decode(chunk, { stream: true }));
    keepText(exchange, "");
    exchange.ended = "complete";
  } catch {
    exchange.ended = "left";
  }
}
