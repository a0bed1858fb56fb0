/** What exporters send in a real Envoy, and what they count. */
import { beforeAll, describe, expect, it } from "vitest";
import type { Envoy } from "../../scripts/envoy/process.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import { readMetrics } from "../envoy/prometheus.ts";
import { addCluster, edited } from "../envoy/sessions/bootstrap.ts";
import { type DiscoveringEnvoy, type Discovery, startDiscovering } from "../envoy/sessions/discovery.ts";
import { startUpstream, type Upstream } from "../envoy/upstream.ts";
import { hasReceiver, Receiver } from "./receiver.ts";

const CLUSTER = "otel";
/** All operations have one span each, and sessions have none. */
const TRACE = { cluster: CLUSTER, sample: { ratio: 1 }, sessions: false, headers: { "x-api-key": "very-secret" } };
const POLL = { timeout: 20_000, interval: 100 };
const NODE = {
  id: "sidecar~127.0.0.1~orders-1.shop~shop.svc.cluster.local",
  cluster: "orders.shop",
  metadata: { NAMESPACE: "shop", LABELS: { "service.istio.io/canonical-name": "orders" } },
};

const keep = endsAfterAll();
let upstream: Upstream;
let path: string;

beforeAll(async () => {
  upstream = keep(await startUpstream());
  path = upstream.route((request, response) => {
    request.resume().on("end", () => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end('{"jsonrpc":"2.0","id":1,"result":{"content":[]}}');
    });
  });
});

function start(
  receiver: Receiver,
  trace: object = {},
  discovery: Discovery = "ECDS",
  concurrency = 1,
): Promise<DiscoveringEnvoy> {
  const vary = edited((bootstrap) => addCluster(bootstrap, CLUSTER, receiver.port));
  return startDiscovering(discovery, configuration(trace), { upstream, concurrency, vary }, NODE);
}

function configuration(trace: object = {}): object {
  return { role: "server", trace: { ...TRACE, ...trace } };
}

/** Calls a tool `count` times concurrently. */
async function call(envoy: Envoy, count: number): Promise<void> {
  const headers = { "content-type": "application/json", accept: "application/json, text/event-stream" };
  const body = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{}}}';
  const answers = Array.from({ length: count }, () =>
    fetch(`${envoy.proxyUrl}${path}`, { method: "POST", headers, body }).then((answer) => answer.text()),
  );
  for (const answer of await Promise.all(answers)) expect(answer).toContain('"result"');
}

/** Number of spans by result. */
async function counts(envoy: Envoy): Promise<Record<string, number>> {
  const all = (await readMetrics(envoy)).filter(({ name, value }) => name === "mcp_trace_spans_total" && value > 0);
  return Object.fromEntries(all.map(({ labels, value }) => [labels.mcp_result, value]));
}

describe.runIf(await hasReceiver())("a collector", () => {
  it.each(["protobuf", "json"])("gets all spans once, in %s", async (encoding) => {
    const receiver = keep(await Receiver.start());
    const envoy = keep(await start(receiver, { encoding }, "LDS", 2));
    for (let round = 0; round < 3; round++) {
      await call(envoy, 40);
      await receiver.waitForSpans(40 * (round + 1));
    }
    await expect.poll(() => counts(envoy), POLL).toEqual({ exported: 120 });
    const spans = receiver.spans("/v1/traces");
    expect(spans.length).toBe(120);
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(120);
    for (const { name, resource, scope } of spans) {
      expect(name).toBe("tools/call echo");
      expect(scope.name).toBe("mcp-proxy-wasm");
      expect(resource).toMatchObject({
        "service.name": "orders",
        "service.namespace": "shop",
        "mcp.role": "server",
        "telemetry.sdk.name": "mcp-proxy-wasm",
        "telemetry.sdk.language": "webassembly",
        "telemetry.sdk.version": scope.version,
      });
    }
    // At most one call per worker and second, over some seconds.
    expect(receiver.requests.length).toBeLessThan(60);
    for (const { headers } of receiver.requests) {
      expect(headers).toMatchObject({ host: CLUSTER, "x-api-key": "very-secret" });
    }
    expect(receiver.invalid).toEqual([]);
    expect(envoy.log()).not.toContain("very-secret");
  });

  it("that was down gets the waiting spans", async () => {
    const receiver = keep(await Receiver.start());
    const envoy = keep(await start(receiver));
    await receiver.goDown();
    await call(envoy, 30);
    await expect.poll(() => envoy.log(), POLL).toContain("trace: cluster otel answered with status 503: spans wait");
    await call(envoy, 30);
    expect(await counts(envoy)).toEqual({});
    await receiver.comeUp();
    expect((await receiver.waitForSpans(60, undefined, 40_000)).length).toBe(60);
    await expect.poll(() => counts(envoy), POLL).toEqual({ exported: 60 });
  });

  it("that rejects a batch, or a part of one, does not get it again", async () => {
    const receiver = keep(await Receiver.start());
    const envoy = keep(await start(receiver));
    await receiver.answerNext({ status: 400 });
    await call(envoy, 1);
    await expect.poll(() => counts(envoy), POLL).toEqual({ rejected: 1 });
    await receiver.answerNext({ rejected: 1 });
    await call(envoy, 1);
    await expect.poll(() => counts(envoy), POLL).toEqual({ rejected: 2 });
    await receiver.answerNext({ status: 429, headers: { "retry-after": "1" } });
    await call(envoy, 1);
    await expect.poll(() => counts(envoy), POLL).toEqual({ rejected: 2, exported: 1 });
    expect(receiver.requests.map(({ status, spans }) => [status, spans.length])).toEqual([
      [400, 1],
      [200, 1],
      [429, 1],
      [200, 1],
    ]);
  });

  it("that does not exist is reported in the log", async () => {
    const receiver = keep(await Receiver.start());
    const envoy = keep(await start(receiver, { cluster: "nowhere" }));
    await call(envoy, 5);
    await expect.poll(() => envoy.log(), POLL).toContain("trace: cluster nowhere is unknown or has no endpoints");
    await call(envoy, 5);
  });
});

describe.runIf(await hasReceiver())("the last spans of a configuration", () => {
  it.each<Discovery>(["LDS", "ECDS"])("are sent when another one comes by %s", async (discovery) => {
    const receiver = keep(await Receiver.start());
    const envoy = keep(await start(receiver, {}, discovery, 2));
    await call(envoy, 1);
    for (let push = 1; push <= 5; push++) {
      await call(envoy, 20);
      await envoy.push(configuration({ resource: { push: String(push) } }));
    }
    await receiver.waitForSpans(101);
    await expect.poll(() => counts(envoy), POLL).toEqual({ exported: 101 });
    expect(receiver.spans().length).toBe(101);
  });

  it("are counted as dropped where the collector is down", async () => {
    const receiver = keep(await Receiver.start());
    const envoy = keep(await start(receiver));
    await receiver.goDown();
    await call(envoy, 20);
    await envoy.push({ role: "server" });
    await expect.poll(() => counts(envoy), POLL).toEqual({ dropped: 20 });
  });
});
