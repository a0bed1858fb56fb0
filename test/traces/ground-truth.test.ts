/**
 * Official clients and servers of both eras on every transport, with all that they may do: what a collector gets is what
 * happened, and nothing else. A proxy with four workers stands between them, with a listener for each configuration.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { type Envoy, startEnvoy } from "../../scripts/envoy/process.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import { type Counts, flushed, type Metric, readMetrics } from "../envoy/prometheus.ts";
import { type Recorded, Recording } from "../envoy/recording.ts";
import { addCluster, addListener, edited, filtersOf, listenerUrls } from "../envoy/sessions/bootstrap.ts";
import { shortFetch } from "../envoy/sessions/raw-session.ts";
import { until } from "../envoy/sessions/until.ts";
import { effort } from "../effort.ts";
import { type Carried, carrying } from "./contexts.ts";
import { runClients } from "./load.ts";
import { hasReceiver, Receiver } from "./receiver.ts";
import type { Span } from "./spans.ts";
import { Servers } from "./servers.ts";
import { expectedFacts, isError, ROOT_NAME, Spans } from "./span-check.ts";
import { isSampled, type TracedOperation, tracedOperations, type TraceSettings } from "./span-truth.ts";

/** A configuration, and what the clients' requests carry. */
interface Case {
  carried?: Carried;
  trace?: TraceSettings & Record<string, unknown>;
}

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
};

const MILLISECOND = 1_000_000n;
/** How long the activity of a client of 2026-07-28 lasts: nothing else ends it. */
const IDLE = "8s";
/** Its end, a sweep and an export. */
const QUIET_MS = 40_000;

/** What happened in each case, and what was exported of it. */
class Run {
  readonly recording = new Recording(shortFetch);
  operations: TracedOperation[] = [];
  spans!: Spans;

  constructor(
    readonly name: string,
    readonly options: Case,
  ) {}

  /** Runs the clients against this listener, to the end of all that they began. */
  async load(url: string): Promise<void> {
    await runClients(url, this.name, carrying(this.options.carried ?? {}, this.recording.fetch));
    const isOver = () => this.recording.exchanges.every(({ ended }) => ended !== "open");
    await until(isOver, `all exchanges of ${this.name} have ended`);
  }

  /** Works out what happened, with what a tap in front of the servers recorded. */
  pair(byServers: readonly Recorded[]): void {
    this.operations = tracedOperations(this.recording.exchanges, byServers, this.settings);
  }

  read(spans: readonly Span[]): void {
    this.spans = new Spans(spans, this.operations);
    this.spans.settleParents(this.operations);
    const kept = new Set(this.kept);
    for (const operation of this.operations) operation.isExported = kept.has(operation);
  }

  get settings(): TraceSettings {
    return this.options.trace ?? {};
  }

  /** The operations whose spans are exported. */
  get kept(): TracedOperation[] {
    return this.operations.filter((operation) => isSampled(operation, this.samplesOwn) || isError(operation));
  }

  /** Whether traces that the filter begins are sampled. */
  get samplesOwn(): boolean {
    return this.options.trace?.sample === undefined;
  }

  /** The clients whose sessions have a root. */
  get clients(): string[] {
    if (this.settings.sessions === false) return [];
    const traced = (this.samplesOwn ? this.operations : this.kept).filter(({ hasSession }) => hasSession);
    return [...new Set(traced.map(({ client }) => client))].sort();
  }
}

describe.runIf(await hasReceiver()).each(effort([4], [4, 1]))("%d workers", (workers) => {
  const keep = endsAfterAll();
  const runs = Object.entries(CASES).map(([name, options]) => new Run(name, options));
  let receiver: Receiver;
  let metrics: Metric[];

  beforeAll(async () => {
    receiver = keep(await Receiver.start());
    const servers = keep(await Servers.start());
    const envoy = keep(await startTracing(servers, receiver, workers, runs));
    const urls = await listenerUrls(envoy);
    // So many at once that the servers' side does not delay the clients' for long.
    const waiting = [...runs];
    const worker = async () => {
      for (let run = waiting.shift(); run !== undefined; run = waiting.shift()) await run.load(urls[run.name]);
    };
    await Promise.all([worker(), worker(), worker()]);
    for (const run of runs) run.pair(servers.tap.exchanges);
    const expected = runs.reduce((sum, { kept, clients }) => sum + kept.length + clients.length, 0);
    // What is missing, or too much, the tests will say.
    await receiver.waitForSpans(expected, undefined, QUIET_MS).catch((error: Error) => console.warn(error.message));
    await flushed();
    for (const run of runs) run.read(receiver.spans(`/${run.name}`));
    metrics = await readMetrics(envoy);
  });

  describe.each(runs)("$name", (run) => {
    it("each operation has one span, which says what it was", () => {
      expect(run.spans.facts()).toEqual(expectedFacts(run.kept, run.settings));
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
        expect(root).toMatchObject({ name: ROOT_NAME, kind: "internal", status: "unset", parentSpanId: "", links: [] });
        expect(root.attributes).toMatchObject({ "mcp.session.operations": counted.length });
        const inTrace = run.spans.all.filter((span) => span.traceId === root.traceId && span !== root);
        // It begins with the answer to its first operation.
        const isOutside = ({ startNs, endNs }: Span) =>
          startNs < root.startNs - MILLISECOND || endNs > root.endNs + MILLISECOND;
        expect(inTrace.filter(isOutside).length).toBeLessThanOrEqual(1);
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

  it("nothing was exported twice, and the filter counted what was", () => {
    const spans = receiver.spans();
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
    const results = metrics.filter(({ name, value }) => name === "mcp_trace_spans_total" && value > 0);
    const exported = results.map(({ labels, value }) => [labels.mcp_result, value]);
    expect(exported).toEqual([["exported", spans.length]]);
  });
});

function ms(nanoseconds: bigint): number {
  return Number(nanoseconds / 1000n) / 1000;
}

function count(counts: Counts, key: string, amount: number): void {
  counts[key] = (counts[key] ?? 0) + amount;
}

/** An Envoy with a listener for each run. */
function startTracing(servers: Servers, receiver: Receiver, workers: number, runs: readonly Run[]): Promise<Envoy> {
  const vary = edited((bootstrap) => {
    addCluster(bootstrap, "collector", receiver.port);
    for (const { name, options } of runs) {
      const { config } = filtersOf(addListener(bootstrap, name, configOf(name, options)))[0].typed_config!;
      // Plugins of one name would be taken for successors of each other.
      config.name = name;
    }
  });
  return startEnvoy({ upstream: servers.address, concurrency: workers, vary });
}

function configOf(name: string, { trace }: Case): object {
  return {
    instance: name,
    server: name,
    sessions: { idleTimeout: IDLE },
    trace: { cluster: "collector", path: `/${name}`, sample: { ratio: 1 }, ...trace },
  };
}
