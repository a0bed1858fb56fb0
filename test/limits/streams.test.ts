/** When calls and streams release their permits: with the response message, on any stream, or with the stream. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { text } from "node:stream/consumers";
import { beforeAll, describe, expect, it } from "vitest";
import { type GuardedEnvoy, startGuarded } from "../access/proxy.ts";
import { effort } from "../effort.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import * as mcp from "../envoy/mcp-messages.ts";
import { begin, exchange, headOf } from "../envoy/raw-http.ts";
import { until } from "../envoy/sessions/until.ts";
import { startUpstream } from "../envoy/upstream.ts";
import { CALLER, CallServer } from "./call-server.ts";
import { limitedListener } from "./limited.ts";
import { admittedCalls, expectPermits, openCall } from "./open-calls.ts";

const LIMIT = 4;
const CLIENT = "client";

const concurrent = (...methods: string[]) => [
  { name: "calls", key: [], concurrency: LIMIT, ...(methods.length > 0 && { to: [{ operation: { methods } }] }) },
];

/** A stream that a client has opened. */
interface OpenStream {
  status: number;
  leave(): void;
}

describe.each(effort([4], [1, 2, 4, 8]))("%i workers", (concurrency) => {
  const keep = endsAfterAll();
  let server: CallServer;
  let sse: SseUpstream;
  let envoy: GuardedEnvoy;

  beforeAll(async () => {
    server = keep(await CallServer.start());
    sse = keep(await SseUpstream.start());
    envoy = keep(
      await startGuarded(
        {
          all: limitedListener("all", concurrent(), "held"),
          get: limitedListener("get", concurrent("GET"), "held"),
          listen: limitedListener("listen", concurrent("subscriptions/listen"), "held"),
          sse: {
            ...limitedListener("sse", concurrent("tools/call"), "held", {
              match: { paths: ["/sse", "/messages"] },
            }),
            upstreamPort: sse.port,
          },
        },
        { upstream: server, concurrency },
      ),
    );
  });

  const urlOf = (listener: string) => `${envoy.urlOf(listener)}/mcp`;

  async function openStream(listener: string, method: "GET" | "subscriptions/listen"): Promise<OpenStream> {
    const headers = { ...mcp.MODERN, [CALLER]: listener, "mcp-method": method };
    const sent =
      method === "GET"
        ? { method, headers: { accept: "text/event-stream", [CALLER]: listener } }
        : { headers, body: [mcp.request(1, method, { _meta: META })] };
    const request = begin(urlOf(listener), sent);
    const response = await headOf(request);
    request.on("error", () => {});
    response.on("error", () => {}).resume();
    const isStream = response.headers["content-type"] === "text/event-stream";
    return { status: isStream ? response.statusCode! : 429, leave: () => request.destroy() };
  }

  it("an answer's message gives it back, though its stream stays open", async () => {
    const lingering = await admittedCalls(server, urlOf("all"), CLIENT, LIMIT, {}, "linger");
    expect(lingering).toHaveLength(LIMIT);
    await until(
      async () => (await admittedCalls(server, urlOf("all"), CLIENT, 1, {}, "linger")).length === 1,
      "another",
    );
    expect(lingering.map(({ state }) => state)).toEqual(Array(LIMIT).fill("open"));
    server.release();
    await expectPermits(server, urlOf("all"), CLIENT, LIMIT);
  });

  it("so does a task that is accepted", async () => {
    for (let i = 0; i < 3 * LIMIT; i++) {
      expect(await openCall(urlOf("all"), CLIENT, "task").ended).toBe("answered");
    }
    await expectPermits(server, urlOf("all"), CLIENT, LIMIT);
  });

  it("streams hold none unless a rule names them", async () => {
    const opened: OpenStream[] = [];
    for (let i = 0; i < LIMIT; i++) {
      opened.push(await openStream("all", "GET"), await openStream("all", "subscriptions/listen"));
    }
    expect(opened.map(({ status }) => status)).toEqual(Array(2 * LIMIT).fill(200));
    await expectPermits(server, urlOf("all"), CLIENT, LIMIT);
    for (const stream of opened) stream.leave();
  });

  it.each(["GET", "subscriptions/listen"] as const)(
    "%s holds one until it ends, where a rule names it",
    async (method) => {
      const listener = method === "GET" ? "get" : "listen";
      const open = async (count: number) => {
        const streams: OpenStream[] = [];
        for (let i = 0; i < count; i++) streams.push(await openStream(listener, method));
        return streams.filter(({ status }) => status === 200);
      };
      const opened = await open(LIMIT + 2);
      expect(opened).toHaveLength(LIMIT);
      expect(server.of(listener).peak).toBe(LIMIT);
      // Calls need none.
      expect(await openCall(urlOf(listener), CLIENT, "echo").ended).toBe("answered");
      opened.pop()!.leave();
      await until(async () => {
        opened.push(...(await open(2)));
        return opened.length >= LIMIT;
      }, "a stream in the place of one that was left");
      expect(opened).toHaveLength(LIMIT);
      server.release();
      await until(() => server.of(listener).underWay === 0, "the streams end");
      await sleep(100);
      const again = await open(LIMIT + 1);
      expect(again).toHaveLength(LIMIT);
      for (const stream of again) stream.leave();
    },
  );

  it("HTTP+SSE: an answer on another stream gives it back", async () => {
    const stream = begin(`${envoy.urlOf("sse")}/sse`, { method: "GET", headers: { accept: "text/event-stream" } });
    const response = await headOf(stream);
    stream.on("error", () => {});
    response.on("error", () => {}).resume();
    const call = async (id: number) => {
      const sent = { headers: mcp.JSON_TYPE, body: [mcp.toolCall(id, "echo")] };
      const { status } = await exchange(`${envoy.urlOf("sse")}/messages?session=1`, sent);
      expect(status).toBe(202);
      // A limited request reaches the server as one with an unknown method.
      return sse.waiting.includes(id);
    };
    const calls = async (from: number, count: number) => {
      const admitted: boolean[] = [];
      for (let id = from; id < from + count; id++) admitted.push(await call(id));
      return admitted.filter(Boolean).length;
    };
    expect(await calls(1, LIMIT + 2)).toBe(LIMIT);
    expect(sse.waiting).toHaveLength(LIMIT);
    sse.answer();
    let again = 0;
    await until(async () => (again += await calls(100 + again, 1)) === LIMIT, "calls after the answers");
    expect(await calls(200, 3)).toBe(0);
    stream.destroy();
  });
});

/** What each request of 2026-07-28 states about its client. */
const META = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
  "io.modelcontextprotocol/clientCapabilities": {},
};

/** An HTTP+SSE server with one client, whose calls wait until they are answered on its stream. */
class SseUpstream {
  /** The ids of unanswered calls. */
  waiting: number[] = [];
  #stream: ServerResponse | undefined;

  private constructor(
    readonly port: number,
    readonly close: () => Promise<void>,
  ) {}

  static async start(): Promise<SseUpstream> {
    const upstream = await startUpstream();
    const self = new SseUpstream(upstream.port, () => upstream.close());
    upstream.server.removeAllListeners("request");
    upstream.server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      void self.#serve(request, response);
    });
    return self;
  }

  /** Answers all waiting calls. */
  answer(): void {
    for (const id of this.waiting) this.#stream!.write(mcp.event(mcp.result(id)));
    this.waiting = [];
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === "GET") {
      this.#stream = response;
      response.writeHead(200, mcp.SSE_TYPE).write("event: endpoint\ndata: /messages?session=1\n\n");
      return;
    }
    const { id, method } = JSON.parse(await text(request)) as { id: number; method: string };
    if (method === "tools/call") this.waiting.push(id);
    else
      this.#stream!.write(mcp.event(JSON.stringify({ jsonrpc: "2.0", id, error: { code: -32601, message: method } })));
    response.writeHead(202).end();
  }
}
