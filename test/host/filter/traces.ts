/** The spans that the filter exports, as received by a collector in the project's own host. */
import {
  Clock,
  type HeaderList,
  loadModule,
  MetricStore,
  type Plugin,
  type PluginOptions,
  SharedDataStore,
  SharedQueues,
  Vm,
} from "../../../scripts/host/index.ts";
import { passSeconds } from "./filter.ts";

export const COLLECTOR = "otel";

/** A span as in OTLP's JSON encoding: ids in hexadecimal digits, times in nanoseconds. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  /** The parent's id; empty if there is none. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: number;
  readonly start: bigint;
  readonly end: bigint;
  readonly isError: boolean;
  readonly attributes: Record<string, string | number>;
  readonly events: readonly { readonly name: string; readonly at: bigint }[];
  /** The links as `traceId-spanId`, by the attribute `mcp.link.type`. */
  readonly links: Record<string, string>;
}

/** The section `trace` with everything sampled, in JSON. */
export function traced(trace: object = {}): object {
  return { cluster: COLLECTOR, encoding: "json", sample: { ratio: 1 }, ...trace };
}

/** A proxy with a number of workers that exports spans. */
export function startTraced(count: number, configuration: object = {}, options: PluginOptions = {}): Plugin[] {
  const shared = {
    metrics: new MetricStore(),
    clock: new Clock(),
    sharedData: new SharedDataStore(),
    queues: new SharedQueues(),
    clusters: [COLLECTOR],
  };
  return Array.from({ length: count }, () =>
    new Vm(loadModule(), shared).plugin({
      properties: { "xds.cluster_name": "tools" },
      ...options,
      configuration: { trace: traced(), logFields: true, ...configuration },
    }),
  );
}

const OK: HeaderList = [
  [":status", "200"],
  ["content-type", "application/json"],
];

/** Advances the time by two seconds, in which the collector accepts all exported spans. Returns these spans. */
export function exported(workers: readonly Plugin[], seconds = 2): Span[] {
  const spans: Span[] = [];
  for (let i = 0; i < seconds; i++) {
    passSeconds(workers, 1);
    for (const worker of workers) {
      for (const { token, body } of worker.vm.callouts.pending.values()) {
        spans.push(...spansOf(JSON.parse(body.toString()) as Request));
        worker.respond(token, { headers: OK, body: Buffer.from("{}") });
      }
    }
  }
  return spans;
}

interface Value {
  readonly stringValue?: string;
  readonly intValue?: string;
}

interface Attribute {
  readonly key: string;
  readonly value: Value;
}

interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly status?: { readonly code?: number };
  readonly attributes?: readonly Attribute[];
  readonly events?: readonly { readonly name: string; readonly timeUnixNano: string }[];
  readonly links?: readonly {
    readonly traceId: string;
    readonly spanId: string;
    readonly attributes: readonly Attribute[];
  }[];
}

interface Request {
  readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[] }[];
}

function spansOf(request: Request): Span[] {
  return request.resourceSpans
    .flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
    .map((span) => ({
      traceId: span.traceId,
      spanId: span.spanId,
      parentSpanId: span.parentSpanId ?? "",
      name: span.name,
      kind: span.kind,
      start: BigInt(span.startTimeUnixNano),
      end: BigInt(span.endTimeUnixNano),
      isError: span.status?.code === 2,
      attributes: attributesOf(span.attributes),
      events: (span.events ?? []).map(({ name, timeUnixNano }) => ({ name, at: BigInt(timeUnixNano) })),
      links: Object.fromEntries(
        (span.links ?? []).map(({ traceId, spanId, attributes }) => [
          attributesOf(attributes)["mcp.link.type"],
          `${traceId}-${spanId}`,
        ]),
      ),
    }));
}

function attributesOf(attributes: readonly Attribute[] = []): Record<string, string | number> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue ?? NaN)]),
  );
}
