/** Clients that run against a proxy with one configuration, with what happened and what was exported. */
import { createHmac } from "node:crypto";
import { type Envoy, startEnvoy } from "../../scripts/envoy/process.ts";
import { type Recorded, Recording } from "../envoy/recording.ts";
import {
  addCluster,
  addListener,
  type Bootstrap,
  edited,
  filtersOf,
  type Listener,
} from "../envoy/sessions/bootstrap.ts";
import { shortFetch } from "../envoy/sessions/raw-session.ts";
import { until } from "../envoy/sessions/until.ts";
import { type Carried, carrying } from "./contexts.ts";
import { runClients } from "./load.ts";
import { isError, Spans } from "./span-check.ts";
import { isSampled, type TracedOperation, tracedOperations, type TraceSettings } from "./span-truth.ts";
import type { Span } from "./spans.ts";

/** The service of Envoy's own spans. */
export const ENVOY_SERVICE = "envoy";

/** The idle timeout that ends the activity window of a client of 2026-07-28. Nothing else ends it. */
const IDLE = "8s";

/** A configuration, and the contexts in the clients' requests. */
export interface Case {
  carried?: Carried;
  trace?: TraceSettings & { sample?: { ratio: number; errors?: boolean }; sessionKey?: string; encoding?: string };
}

/** A case, with a listener and a service of its name. */
export class TracedRun {
  operations: TracedOperation[] = [];
  spans!: Spans;

  /** @param recording of clients: that of another run if both proxies are on the same path */
  constructor(
    readonly name: string,
    readonly options: Case,
    readonly recording: Recording = new Recording(shortFetch),
  ) {}

  /** Whether the exported spans are known in advance. */
  get isPredictable(): boolean {
    const { ratio } = this.options.trace?.sample ?? { ratio: 1 };
    return ratio === 0 || ratio === 1;
  }

  get settings(): TraceSettings {
    return this.options.trace ?? {};
  }

  /** Runs the clients at this origin, until everything that they began has ended. */
  async load(url: string): Promise<void> {
    await runClients(url, this.name, carrying(this.options.carried ?? {}, this.recording.fetch));
    const isOver = () => this.recording.exchanges.every(({ ended }) => ended !== "open");
    await until(isOver, `all exchanges of ${this.name} have ended`);
  }

  /** Determines what happened, using the recording of a tap in front of the servers. */
  pair(byServers: readonly Recorded[]): void {
    this.operations = tracedOperations(this.recording.exchanges, byServers, this.settings);
  }

  /** Reads what its service exported. `isCalling`: its proxy's role is client. */
  read(all: readonly Span[], isCalling = false): void {
    const ofProxy = all.filter(({ resource }) => resource["service.name"] === ENVOY_SERVICE);
    this.spans = new Spans(ofService(all, this.name), this.operations, { ofProxy, isCalling });
    this.spans.settleParents(this.operations);
    const kept = new Set(this.kept);
    for (const operation of this.operations) operation.isExported = kept.has(operation);
  }

  /** The operations whose spans are exported. */
  get kept(): TracedOperation[] {
    const keepsErrors = this.options.trace?.sample?.errors !== false;
    return this.operations.filter((operation) => this.samples(operation) || (keepsErrors && isError(operation)));
  }

  /** The clients whose sessions have a root. */
  get clients(): string[] {
    if (this.settings.sessions === false) return [];
    const kept = new Set(this.kept);
    const traced = this.operations.filter((each) => each.hasSession && (kept.has(each) || this.samplesSession(each)));
    return [...new Set(traced.map(({ client }) => client))].sort();
  }

  /** The trace of a Streamable HTTP session that all proxies with the key share; empty if there is none. */
  sharedTrace({ sessionId }: TracedOperation): string {
    const { sessionKey } = this.options.trace ?? {};
    if (sessionKey === undefined || sessionId === "") return "";
    return createHmac("sha256", sessionKey).update(sessionId).digest("hex").slice(0, 32);
  }

  private samples(operation: TracedOperation): boolean {
    return isSampled(operation, this.samplesSession(operation));
  }

  /** Whether the trace that the filter begins for an operation is sampled. */
  private samplesSession(operation: TracedOperation): boolean {
    const { ratio } = this.options.trace?.sample ?? { ratio: 1 };
    if (this.isPredictable) return ratio === 1;
    const trace = this.sharedTrace(operation);
    if (trace !== "") return BigInt(`0x${trace.slice(16)}`) < BigInt(ratio * 2 ** 64);
    // Only the filter knows the trace id: then the whole session is sampled, or nothing.
    return operation.hasSession ? this.spans.roots.has(operation.client) : this.spans.operations.has(operation.what);
  }
}

/** The spans of a service. */
export function ofService(spans: readonly Span[], service: string): Span[] {
  return spans.filter(({ resource }) => resource["service.name"] === service);
}

interface Address {
  host: string;
  port: number;
}

/** An Envoy with a listener for each run, and others. */
export function startTracing(
  upstream: Address,
  collector: Address,
  workers: number,
  runs: readonly Pick<TracedRun, "name" | "options">[],
  role: "client" | "server" = "server",
): Promise<Envoy> {
  const vary = edited((bootstrap) => {
    addCluster(bootstrap, "collector", collector.port);
    for (const { name, options } of runs) addTraced(bootstrap, name, configOf(name, options, role), options);
  });
  return startEnvoy({ upstream, concurrency: workers, vary });
}

/** Adds a listener for this configuration. */
function addTraced(bootstrap: Bootstrap, name: string, config: object, { trace }: Case): void {
  const listener = addListener(bootstrap, name, config);
  // Plugins with the same name would count as successors of each other.
  filtersOf(listener)[0].typed_config!.config.name = name;
  if (trace?.hasTracer === true) addTracer(listener);
}

/** Enables Envoy's own tracer. */
function addTracer(listener: Listener): void {
  const manager = listener.filter_chains[0].filters[0].typed_config as { tracing?: object };
  manager.tracing = {
    provider: {
      name: "envoy.tracers.opentelemetry",
      typed_config: {
        "@type": "type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig",
        http_service: { http_uri: { uri: "http://collector/v1/traces", cluster: "collector", timeout: "5s" } },
        service_name: ENVOY_SERVICE,
      },
    },
  };
}

function configOf(name: string, { trace = {} }: Case, role: string): object {
  const fields: Record<string, unknown> = { ...trace };
  // Part of Envoy's configuration, not of the filter's.
  delete fields.hasTracer;
  return {
    instance: name,
    server: name,
    role,
    sessions: { idleTimeout: IDLE },
    trace: { cluster: "collector", sample: { ratio: 1 }, resource: { "service.name": name }, ...fields },
  };
}
