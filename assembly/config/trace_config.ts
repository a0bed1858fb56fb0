/** The encoding of spans sent to the collector (OTLP/HTTP). */
export enum TraceEncoding {
  Protobuf,
  Json,
}

/** The trace context of a request that becomes the parent of its span. */
export enum TraceParent {
  /** The context in the message's `_meta`, from the application. */
  Meta,
  /** The `traceparent` header, from the mesh. */
  Header,
}

/** The section `trace`: which spans are recorded, and where they are sent. docs/tracing.md explains the fields. */
export class TraceConfig {
  /** The name of the collector's cluster in the proxy. */
  cluster: string = "";
  path: string = "/v1/traces";
  /** The `:authority` of export requests; empty to use the cluster's name. */
  authority: string = "";
  /** Further headers of export requests: alternating lower-case names and values, which may be credentials. */
  headers: string[] = [];
  encoding: TraceEncoding = TraceEncoding.Protobuf;
  /** If the parent comes with the request, its flag decides whether the span is sampled. */
  sampleParent: bool = true;
  /** The fraction of all other traces that is sampled, by trace id, from 0 to 1. */
  sampleRatio: f64 = 0.1;
  /** Keeps the spans of failed operations even if they are not sampled. */
  keepErrors: bool = true;
  /** Keeps the spans of operations that took at least this number of milliseconds; 0 for none. */
  keepSlowerMs: u32 = 0;
  parent: TraceParent = TraceParent.Meta;
  /** Sessions are traces: requests without a parent belong to the trace of their session. */
  sessions: bool = true;
  /** The key that proxies share to give a session the same trace id; empty if each proxy has its own. */
  sessionKey: string = "";
  /** Copies the context in `_meta` to the request's `traceparent`, if its headers are held. */
  setTraceparent: bool = false;
  /** Attributes of the resource: alternating names and values. */
  resource: string[] = [];
}
