/** How spans are encoded on their way to the collector (OTLP/HTTP). */
export enum TraceEncoding {
  Protobuf,
  Json,
}

/** Which context of a request is the parent of its span. */
export enum TraceParent {
  /** That in the message's `_meta`, from the application. */
  Meta,
  /** The `traceparent` header, from the mesh. */
  Header,
}

/** The section `trace`: what spans are recorded of and where they are sent. docs/tracing.md says what the fields do. */
export class TraceConfig {
  /** The cluster of the collector, which exists in the proxy. */
  cluster: string = "";
  path: string = "/v1/traces";
  /** The `:authority` of export requests; empty to use the cluster's name. */
  authority: string = "";
  /** Names, in lower case, and values in turn: further headers of export requests, which may hold credentials. */
  headers: string[] = [];
  encoding: TraceEncoding = TraceEncoding.Protobuf;
  /** Where the parent comes with the request, its flag decides whether the span is sampled. */
  sampleParent: bool = true;
  /** The part of all other traces that is sampled, by trace id, from 0 to 1. */
  sampleRatio: f64 = 0.1;
  /** Keep the spans of operations that failed, whatever sampling says. */
  keepErrors: bool = true;
  /** Keep the spans of operations that took at least so many milliseconds; 0 for none. */
  keepSlowerMs: u32 = 0;
  parent: TraceParent = TraceParent.Meta;
  /** Sessions are traces: requests without a parent belong to the trace of their session. */
  sessions: bool = true;
  /** The key by which proxies give one session the same trace id; empty where each proxy has its own. */
  sessionKey: string = "";
  /** Puts the context in `_meta` into the request's `traceparent`, where its headers are held. */
  setTraceparent: bool = false;
  /** Names and values in turn: attributes of the resource. */
  resource: string[] = [];
}
