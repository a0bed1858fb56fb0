/** Spans as a collector receives them: typed objects from OTLP/JSON. */

/** The conventions use `unspecified` for no span. */
export type SpanKind = "unspecified" | "internal" | "server" | "client" | "producer" | "consumer";

export type AttributeValue = string | number | boolean | AttributeValue[];
export type Attributes = Record<string, AttributeValue>;

/** Times are in nanoseconds since 1970, ids in hex. */
export interface Span {
  traceId: string;
  spanId: string;
  /** Empty for no parent. */
  parentSpanId: string;
  traceState: string;
  name: string;
  kind: SpanKind;
  startNs: bigint;
  endNs: bigint;
  status: "unset" | "ok" | "error";
  statusMessage: string;
  attributes: Attributes;
  events: SpanEvent[];
  /** Number of events that were dropped. */
  droppedEvents: number;
  links: SpanLink[];
  resource: Attributes;
  scope: { name: string; version: string };
}

/** An event of a span. */
export interface SpanEvent {
  name: string;
  timeNs: bigint;
  attributes: Attributes;
}

/** A link to another span. */
export interface SpanLink {
  traceId: string;
  spanId: string;
  attributes: Attributes;
}

const KINDS: readonly SpanKind[] = ["unspecified", "internal", "server", "client", "producer", "consumer"];
const STATUS_CODES = ["unset", "ok", "error"] as const;

/** The spans of an ExportTraceServiceRequest (or of a line of a collector's file) in OTLP/JSON, in its order. */
export function spansOf(request: OtlpRequest): Span[] {
  return (request.resourceSpans ?? []).flatMap(({ resource, scopeSpans = [] }) => {
    const ofResource = attributesOf(resource?.attributes);
    return scopeSpans.flatMap(({ scope, spans = [] }) => {
      const { name = "", version = "" } = scope ?? {};
      return spans.map((span) => ({ ...spanOf(span), resource: ofResource, scope: { name, version } }));
    });
  });
}

/** Whether a span has this context as its parent. */
export function isChildOf(span: Span, parent: Pick<Span, "traceId" | "spanId">): boolean {
  return span.traceId === parent.traceId && span.parentSpanId === parent.spanId;
}

/** The links of a span with this attribute `mcp.link.type`. */
export function linksOf(span: Span, type: string): SpanLink[] {
  return span.links.filter(({ attributes }) => attributes["mcp.link.type"] === type);
}

function spanOf(span: OtlpSpan): Omit<Span, "resource" | "scope"> {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId ?? "",
    traceState: span.traceState ?? "",
    name: span.name,
    kind: KINDS[span.kind ?? 0],
    startNs: BigInt(span.startTimeUnixNano),
    endNs: BigInt(span.endTimeUnixNano),
    status: STATUS_CODES[span.status?.code ?? 0],
    statusMessage: span.status?.message ?? "",
    attributes: attributesOf(span.attributes),
    events: (span.events ?? []).map(({ name, timeUnixNano, attributes }) => {
      return { name, timeNs: BigInt(timeUnixNano), attributes: attributesOf(attributes) };
    }),
    droppedEvents: span.droppedEventsCount ?? 0,
    links: (span.links ?? []).map(({ traceId, spanId, attributes }) => {
      return { traceId, spanId, attributes: attributesOf(attributes) };
    }),
  };
}

function attributesOf(attributes: OtlpAttribute[] = []): Attributes {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, valueOf(value)]));
}

function valueOf(value: OtlpValue): AttributeValue {
  if (value.intValue !== undefined) return Number(value.intValue);
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(valueOf);
  return value.stringValue ?? value.boolValue ?? value.doubleValue ?? "";
}

/** OTLP/JSON, as far as it is read here. */
export interface OtlpRequest {
  resourceSpans?: {
    resource?: { attributes?: OtlpAttribute[] };
    scopeSpans?: { scope?: { name?: string; version?: string }; spans?: OtlpSpan[] }[];
  }[];
}

interface OtlpSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  traceState?: string;
  name: string;
  kind?: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  status?: { code?: number; message?: string };
  attributes?: OtlpAttribute[];
  events?: { name: string; timeUnixNano: string; attributes?: OtlpAttribute[] }[];
  droppedEventsCount?: number;
  links?: { traceId: string; spanId: string; attributes?: OtlpAttribute[] }[];
}

interface OtlpAttribute {
  key: string;
  value: OtlpValue;
}

interface OtlpValue {
  stringValue?: string;
  boolValue?: boolean;
  intValue?: string;
  doubleValue?: number;
  arrayValue?: { values?: OtlpValue[] };
}
