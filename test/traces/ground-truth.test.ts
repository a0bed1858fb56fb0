/**
 * Official clients and servers of both eras on every transport, with everything that they may do: a collector gets
 * exactly what happened. The proxy between them has a listener for each configuration; in one case there is another
 * proxy on the clients' side.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { hasComponent } from "../components.ts";
import { effort } from "../effort.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import { type Counts, flushed, type Metric, readMetrics } from "../envoy/prometheus.ts";
import { listenerUrls } from "../envoy/sessions/bootstrap.ts";
import { until } from "../envoy/sessions/until.ts";
import { INSTALL_GO } from "../fixtures/go.ts";
import { Collector } from "./collector.ts";
import { hasReceiver, Receiver } from "./receiver.ts";
import { Servers } from "./servers.ts";
import { expectedFacts, ROOT_NAME } from "./span-check.ts";
import type { TracedOperation } from "./span-truth.ts";
import type { Span } from "./spans.ts";
import { type Case, ENVOY_SERVICE, ofService, startTracing, TracedRun } from "./traced-run.ts";

const SESSION_KEY = "a key that both proxies have";

const CASES: Record<string, Case> = {
  "no-context": {},
  meta: { carried: { meta: true } },
  header: { carried: { header: true } },
  both: { carried: { meta: true, header: true }, trace: { encoding: "json" } },
  "by-header": { carried: { meta: true, header: true }, trace: { parent: "header" } },
  "other-only": { carried: { meta: true }, trace: { parent: "header" } },
  "not-sampled": { carried: { meta: true, flags: "00" } },
  "no-sessions": { carried: { header: true }, trace: { sessions: false } },
  failures: { trace: { sample: { ratio: 0 } } },
  half: { trace: { sample: { ratio: 0.5, errors: false }, sessionKey: SESSION_KEY } },
  traced: { carried: { meta: true, header: true }, trace: { hasTracer: true } },
  shared: { trace: { sessionKey: SESSION_KEY } },
};
/** The proxy in front of the one named `shared`. */
const CALLING = "shared-calling";

const MILLISECOND = 1_000_000n;
/** Milliseconds until the last span of a client's activity is exported: its end, a sweep and a tick. */
const QUIET_MS = 40_000;

/** A receiver of spans. */
interface Sink {
  host: string;
  port: number;
  spans(): Span[];
  close(): Promise<void>;
}

interface SetUp {
  what: string;
  workers: number;
  start: () => Promise<Sink>;
}

const RECEIVER: SetUp = { what: "4 workers", workers: 4, start: () => Receiver.start() };
const COLLECTOR: SetUp = { what: "a real collector, 1 worker", workers: 1, start: () => Collector.start() };
const hasGo = effort(false, true) && hasComponent("go", INSTALL_GO);

describe.runIf(await hasReceiver()).each(hasGo ? [RECEIVER, COLLECTOR] : [RECEIVER])("$what", ({ workers, start }) => {
  const keep = endsAfterAll();
  const runs = Object.entries(CASES).map(([name, options]) => new TracedRun(name, options));
  const [shared] = runs.filter(({ name }) => name === "shared");
  const calling = new TracedRun(CALLING, shared.options, shared.recording);
  /** All exported spans. */
  let spans: Span[];
  let metrics: Metric[];

  beforeAll(async () => {
    const sink = keep(await start());
    const servers = keep(await Servers.start());
    const envoy = keep(await startTracing(servers.address, sink, workers, runs));
    const urls = await listenerUrls(envoy);
    const before = keep(await startTracing(addressOf(urls.shared), sink, workers, [calling], "client"));
    urls.shared = (await listenerUrls(before))[CALLING];
    const waiting = [...runs];
    const next = async () => {
      for (let run = waiting.shift(); run !== undefined; run = waiting.shift()) await run.load(urls[run.name]);
    };
    await Promise.all([next(), next(), next()]);
    for (const run of [...runs, calling]) run.pair(servers.tap.exchanges);
    await exported(sink, [...runs, calling]);
    spans = sink.spans();
    for (const run of runs) run.read(spans);
    calling.read(spans, true);
    metrics = [...(await readMetrics(envoy)), ...(await readMetrics(before))];
  }, 600_000);

  describe.each([...runs, calling])("$name", (run) => {
    const isCalling = run === calling;

    it("each operation has one span, which says what it was", () => {
      expect(run.spans.facts()).toEqual(expectedFacts(run.kept, run.settings, isCalling));
    });

    it("its times lie inside of those of who asks, and around those of who answers", () => {
      const wrong = run.kept.flatMap(({ what, bounds }) => {
        const { startNs, endNs } = run.spans.operations.get(what)!;
        const [start, end] = [ms(startNs), ms(endNs)];
        const isRight =
          bounds.startFrom <= start && start <= bounds.startTo && bounds.endFrom <= end && end <= bounds.endTo;
        return isRight ? [] : [{ what, start, end, ...bounds }];
      });
      expect(wrong).toEqual([]);
    });

    it("each session has one root, around all that is in its trace", () => {
      expect([...run.spans.roots.keys()].sort()).toEqual(run.clients);
      for (const [client, root] of run.spans.roots) {
        const counted = run.operations.filter((each) => each.client === client && each.hasSession);
        expect(root).toMatchObject({ name: ROOT_NAME, kind: "internal", status: "unset", links: [] });
        expect(root.attributes).toMatchObject({ "mcp.session.operations": counted.length });
        const sharedTrace = run.sharedTrace(counted[0]);
        if (sharedTrace !== "") expect(root.traceId).toBe(sharedTrace);
        // A proxy that answers expects another one on the path.
        if (sharedTrace === "" || isCalling) expect(root.parentSpanId).toBe("");
        else if (run === shared) expect(root.parentSpanId).toBe(calling.spans.roots.get(client)!.spanId);
        else expect(root.parentSpanId).not.toBe("");
        const inTrace = run.spans.all.filter((span) => span.traceId === root.traceId && span !== root);
        const isOutside = ({ startNs, endNs }: Span) =>
          startNs < root.startNs - MILLISECOND || endNs > root.endNs + MILLISECOND;
        // It begins with the response to its first operation.
        expect(inTrace.filter(isOutside).length).toBeLessThanOrEqual(1);
      }
    });

    it("all spans of a session have the same session id", () => {
      for (const [client, root] of run.spans.roots) {
        const names = run.spans.all
          .filter((span) => run.spans.clientOf(span) === client && span.attributes["session.id"] !== undefined)
          .flatMap(({ attributes }) => [attributes["session.id"], attributes["gen_ai.conversation.id"]]);
        expect([client, [...new Set(names)]]).toEqual([client, [root.attributes["session.id"]]]);
      }
    });

    it("the filter counted the same operations", () => {
      const counted: Counts = {};
      for (const { name, labels, value } of metrics) {
        if (name !== "mcp_operations_total" || labels.mcp_server !== run.name) continue;
        const { mcp_method_name, mcp_outcome, rpc_response_status_code = "" } = labels;
        count(counted, `${mcp_method_name} ${mcp_outcome} ${rpc_response_status_code}`, value);
      }
      const happened: Counts = {};
      for (const { method, outcome, code } of run.operations) count(happened, `${method} ${outcome} ${code}`, 1);
      expect(counted).toEqual(happened);
    });
  });

  it("the proxies of a path have each session in one trace", () => {
    const shares = (run: TracedRun) =>
      run.spans.all.filter((span) =>
        shared.operations.some((each) => each.sessionId !== "" && each.client === run.spans.clientOf(span)),
      );
    const traces = (run: TracedRun) => [...new Set(shares(run).map(({ traceId }) => traceId))].sort();
    expect(traces(shared)).toEqual(traces(calling));
    expect(traces(shared).length).toBeGreaterThan(5);
  });

  it("nothing was exported twice, and the filter counted what was", () => {
    const own = spans.filter(({ resource }) => resource["service.name"] !== ENVOY_SERVICE);
    expect(new Set(own.map(({ traceId, spanId }) => `${traceId} ${spanId}`)).size).toBe(own.length);
    expect(own.length).toBe([...runs, calling].reduce((sum, { name }) => sum + ofService(spans, name).length, 0));
    const counted: Counts = {};
    for (const { name, labels, value } of metrics) {
      if (name === "mcp_trace_spans_total" && value > 0) count(counted, labels.mcp_result, value);
    }
    expect(counted).toEqual({ exported: own.length });
  });
});

/** Waits for all spans that must arrive, and a little longer for any that must not. */
async function exported(sink: Sink, runs: readonly TracedRun[]): Promise<void> {
  const certain = runs.filter(({ isPredictable }) => isPredictable);
  const operations = certain.reduce((sum, { kept }) => sum + kept.filter(isSure).length, 0);
  const roots = certain.reduce((sum, { clients }) => sum + clients.length, 0);
  const names = new Set(certain.map(({ name }) => name));
  const here = () => {
    const ofRuns = sink.spans().filter(({ resource }) => names.has(String(resource["service.name"])));
    const ended = ofRuns.filter(({ name }) => name === ROOT_NAME).length;
    return { operations: ofRuns.length - ended, roots: ended };
  };
  const isHere = () => here().operations >= operations && here().roots >= roots;
  // The tests report missing and additional spans.
  await until(isHere, "all spans are exported", QUIET_MS).catch((error: Error) => {
    console.warn(`${error.message}: ${JSON.stringify(here())} of ${operations} and ${roots}`);
  });
  await flushed();
}

/** Whether its export does not depend on the worker. */
function isSure({ parents }: TracedOperation): boolean {
  return parents.length === 1;
}

function addressOf(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
}

function ms(nanoseconds: bigint): number {
  return Number(nanoseconds / 1000n) / 1000;
}

function count(counts: Counts, key: string, amount: number): void {
  counts[key] = (counts[key] ?? 0) + amount;
}
