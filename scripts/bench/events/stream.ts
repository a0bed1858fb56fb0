/** An event stream whose events contain the time when they were sent, to measure their delays. */
import { once } from "node:events";
import { createServer, get, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { createParser } from "eventsource-parser";
import { event } from "../messages.ts";

/** What a server sends on a stream. */
export interface StreamPlan {
  events: number;
  /** Milliseconds between two events. */
  interval: number;
}

/** The received events of a stream. */
export interface Received {
  /** Delay of each event from server to client, in microseconds. */
  delays: number[];
  /** Number of events that arrived only after the next one had been sent: 0 unless something holds them back. */
  late: number;
}

/** A server and its client in one process, so that both use the same clock. */
export class EventStream {
  /** Number of events sent on the current stream. */
  #sent = 0;

  private constructor(
    readonly host: string,
    readonly port: number,
    readonly close: () => Promise<void>,
    private plan: StreamPlan,
  ) {}

  /** Starts the server on a free port of 127.0.0.1. Only one stream may be read at a time. */
  static async start(plan: StreamPlan): Promise<EventStream> {
    const server = createServer((_request, response) => {
      response.on("error", () => {}).writeHead(200, { "content-type": "text/event-stream" });
      void stream.#send((text) => response.write(text)).then(() => response.end());
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const close = () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    const stream = new EventStream("127.0.0.1", (server.address() as AddressInfo).port, close, plan);
    return stream;
  }

  /** Reads one stream through the proxy at `url`. Rejects if it is incomplete. */
  async read(url: string, signal: AbortSignal): Promise<Received> {
    this.#sent = 0;
    const response = await open(url, signal);
    const received: Received = { delays: [], late: 0 };
    const parser = createParser({
      onEvent: ({ data }) => {
        const now = performance.now();
        const { params } = JSON.parse(data) as Notification;
        received.delays.push((now - params.data.sentAt) * 1000);
        if (this.#sent > received.delays.length) received.late++;
      },
    });
    for await (const chunk of response) parser.feed((chunk as Buffer).toString());
    if (received.delays.length !== this.plan.events) {
      throw new Error(`Of ${this.plan.events} events ${received.delays.length} came.`);
    }
    return received;
  }

  async #send(write: (text: string) => void): Promise<void> {
    for (let left = this.plan.events; left > 0; left--) {
      await sleep(this.plan.interval);
      this.#sent++;
      const params = { level: "info", data: { sentAt: performance.now() } };
      write(event(JSON.stringify({ jsonrpc: "2.0", method: "notifications/message", params } satisfies Notification)));
    }
  }
}

interface Notification {
  jsonrpc: "2.0";
  method: string;
  params: { level: string; data: { sentAt: number } };
}

/** The headers with which a client opens the stream of server messages. */
const HEADERS = { accept: "text/event-stream", "mcp-protocol-version": "2025-11-25", "mcp-session-id": "one" };

async function open(url: string, signal: AbortSignal): Promise<IncomingMessage> {
  const [response] = (await once(get(url, { headers: HEADERS, agent: false, signal }), "response")) as [
    IncomingMessage,
  ];
  if (response.statusCode !== 200) throw new Error(`The proxy answered ${response.statusCode}.`);
  return response;
}
