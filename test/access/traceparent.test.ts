/**
 * `trace.setTraceparent` in a real Envoy: the trace context that the server receives, depending on how the proxy holds
 * requests.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { endsAfterAll } from "../envoy/cleanup.ts";
import * as mcp from "../envoy/mcp-messages.ts";
import { exchange } from "../envoy/raw-http.ts";
import { exchangeHttp2 } from "../envoy/raw-http2.ts";
import { limitedListener } from "../limits/limited.ts";
import { expectNoTrap, queueFigures } from "../limits/queued.ts";
import { type Guarded, type GuardedEnvoy, startGuarded } from "./proxy.ts";

const META = { traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", tracestate: "app=1,other=b" };
const MESH = { traceparent: "00-11111111111111111111111111111111-2222222222222222-01", tracestate: "mesh=1" };

const ALLOWED = "echo";
const DENIED = "rm";
const ACCESS = { rules: [{ name: "echo", action: "ALLOW", to: [{ operation: { tools: [ALLOWED] } }] }] };
const ONE = { name: "calls", key: [], concurrency: 1, queue: { maxWait: "30s" } };
const ROOM = { name: "calls", key: [], requests: { amount: 1_000_000, per: "1s" } };
const trace = { cluster: "collector", setTraceparent: true };
const HELD = { hold: { headers: true } };

/** Envoy's own tracer. Its spans go to the tests' server, which ignores them. */
const TRACER = {
  tracing: {
    provider: {
      name: "envoy.tracers.opentelemetry",
      typed_config: {
        "@type": "type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig",
        http_service: {
          http_uri: { uri: "http://127.0.0.1/v1/traces", cluster: "mcp_upstream", timeout: "1s" },
        },
        service_name: "envoy",
      },
    },
  },
};

const LISTENERS: Record<string, Guarded> = {
  held: { access: ACCESS, allowHeadersStop: true, plugin: { ...HELD, trace } },
  default: { access: ACCESS, plugin: { trace } },
  "not asked for": { access: ACCESS, allowHeadersStop: true, plugin: { ...HELD, trace: { cluster: "collector" } } },
  "nothing decides": { allowHeadersStop: true, plugin: { ...HELD, trace } },
  queue: limitedListener("queue", [ONE], "held", { trace }),
  buffered: limitedListener("buffered", [ROOM], "buffered", { trace }),
  traced: { access: ACCESS, allowHeadersStop: true, plugin: { ...HELD, trace }, manager: TRACER },
};

interface Context {
  traceparent: string | undefined;
  tracestate: string | undefined;
}

/** Answers calls after a delay. */
async function startServer(milliseconds: number) {
  /** The context received with each call, by id. */
  const contexts = new Map<string, Context>();
  let open = 0;
  const peak = { most: 0 };
  const server = createServer((request, response) => {
    void (async () => {
      request.setEncoding("utf8");
      let body = "";
      for await (const chunk of request) body += chunk as string;
      const { traceparent, tracestate } = request.headers as Record<string, string | undefined>;
      const mark = /"mark":"(.*?)"/.exec(body)?.[1] ?? "";
      if (mark.length > 0) contexts.set(mark, { traceparent, tracestate });
      peak.most = Math.max(peak.most, ++open);
      await sleep(milliseconds);
      open--;
      response.writeHead(200, mcp.JSON_TYPE).end(mcp.result(1));
    })().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()).closeAllConnections());
  return { host: "127.0.0.1", port, contexts, peak, close };
}

const keep = endsAfterAll();
let server: Awaited<ReturnType<typeof startServer>>;
let envoy: GuardedEnvoy;
let marks = 0;

beforeAll(async () => {
  server = keep(await startServer(50));
  envoy = keep(await startGuarded(LISTENERS, { upstream: server, concurrency: 2 }));
});

function callOf(mark: string, meta: object | undefined, tool = ALLOWED): string {
  return mcp.request(1, "tools/call", { name: tool, arguments: { mark }, _meta: meta });
}

/** The context that the server receives with a call through a listener. */
async function through(
  listener: string,
  meta: object | undefined,
  header: object = MESH,
): Promise<Context | undefined> {
  const mark = `call-${++marks}`;
  const headers = { ...mcp.LEGACY, ...header };
  const body = callOf(mark, meta);
  const answer = await exchange(`${envoy.urlOf(listener)}/mcp`, { headers, body: [body.slice(0, 9), body.slice(9)] });
  expect(answer.status).toBe(200);
  return server.contexts.get(mark);
}

describe("held headers", () => {
  it("get the context of _meta", async () => {
    expect(await through("held", META)).toEqual(META);
    expect(await through("held", META, {})).toEqual(META);
    expect(await through("held", { traceparent: META.traceparent })).toEqual({
      traceparent: META.traceparent,
      tracestate: undefined,
    });
  });

  it("get it over HTTP/2 with trailers too", async () => {
    const { body } = await exchangeHttp2(envoy.urlOf("held"), "/mcp", callOf("h2", META));
    expect(body).toContain('"result"');
    expect(server.contexts.get("h2")).toEqual(META);
  });

  it.each([undefined, {}, { traceparent: "00-0-0-00" }, { tracestate: "a=b" }])(
    "stay as they are with %j",
    async (meta) => {
      expect(await through("held", meta)).toEqual(MESH);
      expect(await through("held", meta, {})).toEqual({ traceparent: undefined, tracestate: undefined });
    },
  );

  it("do not go anywhere with a call that is denied", async () => {
    const body = [callOf("denied", META, DENIED)];
    const answer = await exchange(`${envoy.urlOf("held")}/mcp`, { headers: { ...mcp.LEGACY, ...MESH }, body });
    expect(String(answer.body)).toContain('"rule":"_default"');
    expect(server.contexts.has("denied")).toBe(false);
  });
});

describe("headers that nothing holds stay as they are", () => {
  it.each(["default", "nothing decides", "buffered", "not asked for"])("%s", async (listener) => {
    expect(await through(listener, META)).toEqual(MESH);
    expect(await through(listener, META, {})).toEqual({ traceparent: undefined, tracestate: undefined });
  });
});

it("calls that wait for a limit get it as those that do not", async () => {
  const CALLS = 6;
  const { queued } = await queueFigures(envoy, "calls");
  server.peak.most = 0;
  const own = (index: number) => ({
    traceparent: META.traceparent.replace("0e4736", `00000${index}`),
    tracestate: `n=${index}`,
  });
  const contexts = await Promise.all(Array.from({ length: CALLS }, (_, index) => through("queue", own(index + 1))));
  expect(contexts).toEqual(Array.from({ length: CALLS }, (_, index) => own(index + 1)));
  expect(server.peak.most).toBe(1);
  expect((await queueFigures(envoy, "calls")).queued - queued).toBeGreaterThanOrEqual(CALLS - 1);
});

describe("where Envoy has a tracer, its router writes its own span over it", () => {
  const parts = ({ traceparent }: Context) => traceparent!.split("-");

  it("in the trace that came in the header", async () => {
    const context = (await through("traced", META))!;
    const [version, trace, span] = parts(context);
    const [, traceOfMesh, spanOfMesh] = parts(MESH);
    expect([version, trace, context.tracestate]).toEqual(["00", traceOfMesh, MESH.tracestate]);
    expect([spanOfMesh, parts(META)[2]]).not.toContain(span);
  });

  it("in a trace of its own where none came", async () => {
    const context = (await through("traced", META, {}))!;
    const [version, trace] = parts(context);
    expect([version, context.tracestate]).toEqual(["00", ""]);
    expect(parts(META)[1]).not.toBe(trace);
  });
});

it("no VM traps", () => expectNoTrap(envoy.log()));
