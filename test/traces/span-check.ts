/** Says of exported spans and of the truth the same things in the same words, so that a test can compare them. */
import type { Attributes, Span, SpanLink } from "./spans.ts";
import type { Parent, TracedOperation, TraceSettings } from "./span-truth.ts";

export const ROOT_NAME = "MCP session";

/** On spans of the answering side these codes are the caller's fault. */
const CALLERS_FAULT = ["-32700", "-32600", "-32601", "-32602", "-32002"];
const FINE = ["ok", "input_required", "task_accepted"];

/** What a span is, in words: ids are replaced by what they name. */
export interface Fact {
  name: string;
  kind: string;
  status: string;
  trace: string;
  parent: string;
  /** Each: its type and what it names. */
  links: string[];
  attributes: Attributes;
}

/** Facts of operations by what names these. */
export type Facts = Record<string, Fact>;

/** The spans of one proxy, by what they are. */
export class Spans {
  /** Of sessions, by the name of their client. */
  readonly roots = new Map<string, Span>();
  /** Of operations, by {@link TracedOperation.what}. */
  readonly operations = new Map<string, Span>();
  /** What ids name. */
  readonly #names = new Map<string, string>();
  /** Clients by the hash of their session. */
  readonly #clients = new Map<string, string>();

  /** @param isAnswering the proxy's role is server: what clients ask are spans of kind SERVER. */
  constructor(
    readonly all: readonly Span[],
    private readonly isAnswering = true,
  ) {
    for (const span of all) {
      const client = span.attributes["mcp.client.name"];
      if (typeof client === "string") this.#clients.set(String(span.attributes["session.id"]), client);
    }
    for (const span of all) {
      if (span.name === ROOT_NAME) this.#add(this.roots, this.clientOf(span), span, `root of ${this.clientOf(span)}`);
      else this.#add(this.operations, this.#whatOf(span), span, this.#whatOf(span));
    }
  }

  /** The name of the client whose session a span belongs to; empty where it is not known. */
  clientOf(span: Span): string {
    return this.#clients.get(String(span.attributes["session.id"])) ?? "";
  }

  /** @param parents of operations with several that are right: it is the first one then. */
  factsOf(operations: readonly TracedOperation[]): Facts {
    const facts: Facts = {};
    for (const [what, span] of this.operations) {
      const traced = operations.find((operation) => operation.what === what);
      const parent = this.#nameOf(span.traceId, span.parentSpanId);
      const right = traced?.parents.map(nameOfParent(traced)) ?? [];
      facts[what] = {
        name: span.name,
        kind: span.kind,
        status: span.status,
        trace: this.#traceOf(span),
        parent: right.includes(parent) ? right[0] : parent,
        links: span.links.map((link) => this.#linkOf(link)).sort(),
        attributes: Object.fromEntries(Object.entries(span.attributes).filter(([name]) => !isCheckedElsewhere(name))),
      };
    }
    return facts;
  }

  #add(spans: Map<string, Span>, key: string, span: Span, name: string): void {
    if (spans.has(key)) throw new Error(`there are two spans of ${key}`);
    spans.set(key, span);
    const id = `${span.traceId} ${span.spanId}`;
    if (this.#names.has(id)) throw new Error(`${name} has the id of ${this.#names.get(id)}`);
    this.#names.set(id, name);
  }

  #whatOf(span: Span): string {
    const isClients = span.kind === (this.isAnswering ? "server" : "client");
    const method = String(span.attributes["mcp.method.name"]);
    const target = span.attributes["gen_ai.tool.name"] ?? span.attributes["gen_ai.prompt.name"] ?? "";
    const id = String(span.attributes["jsonrpc.request.id"]);
    return `${this.clientOf(span)}: ${isClients ? "client's" : "server's"} ${method} ${String(target)} ${id}`;
  }

  /** What an id names: a span, or a context that a request carried. */
  #nameOf(traceId: string, spanId: string): string {
    if (spanId === "") return "none";
    return this.#names.get(`${traceId} ${spanId}`) ?? `context ${traceId} ${spanId}`;
  }

  #traceOf(span: Span): string {
    const root = this.roots.get(this.clientOf(span));
    if (root?.traceId === span.traceId) return "session";
    const parent = this.all.find(({ spanId }) => spanId === span.parentSpanId);
    if (parent !== undefined) return this.#traceOf(parent);
    return span.parentSpanId === "" ? "its own" : span.traceId;
  }

  #linkOf({ traceId, spanId, attributes }: SpanLink): string {
    return `${String(attributes["mcp.link.type"])}: ${this.#nameOf(traceId, spanId)}`;
  }
}

/** What spans of these operations are. */
export function expectedFacts(operations: readonly TracedOperation[], settings: TraceSettings): Facts {
  return Object.fromEntries(operations.map((operation) => [operation.what, factOf(operation, settings)]));
}

function factOf(operation: TracedOperation, settings: TraceSettings): Fact {
  const { method, target, fromServer } = operation;
  return {
    name: [method, target].filter((part) => part !== "").join(" "),
    kind: fromServer ? "client" : "server",
    status: isError(operation) ? "error" : "unset",
    trace: traceOf(operation),
    parent: nameOfParent(operation)(operation.parents[0]),
    links: linksOf(operation, settings),
    attributes: attributesOf(operation),
  };
}

/** Whether its span has the status Error, where the proxy is on the answering side of clients. */
export function isError({ outcome, code, fromServer }: TracedOperation): boolean {
  return !FINE.includes(outcome) && (fromServer || !CALLERS_FAULT.includes(code));
}

function nameOfParent({ client }: TracedOperation): (parent: Parent) => string {
  return (parent) => {
    if (parent === "none") return "none";
    if (parent === "root") return `root of ${client}`;
    return "what" in parent ? parent.what : `context ${parent.traceId} ${parent.spanId}`;
  };
}

/** `session`, `its own`, or the id of the trace that the request belongs to. */
function traceOf({ parents: [parent] }: TracedOperation): string {
  if (parent === "none") return "its own";
  if (parent === "root") return "session";
  return "what" in parent ? traceOf(parent) : parent.traceId;
}

function linksOf(operation: TracedOperation, { sessions = true }: TraceSettings): string[] {
  const { meta, header, client } = operation;
  const [parent] = operation.parents;
  const links: string[] = [];
  if (meta !== undefined && parent !== meta) links.push(`meta: context ${meta.traceId} ${meta.spanId}`);
  if (header !== undefined && parent !== header) links.push(`transport: context ${header.traceId} ${header.spanId}`);
  if (sessions && traceOf(operation) !== "session") links.push(`session: root of ${client}`);
  return links.sort();
}

function attributesOf(operation: TracedOperation): Attributes {
  const { method, target, outcome, code, meta, header } = operation;
  const [parent] = operation.parents;
  return {
    "mcp.method.name": method,
    "jsonrpc.request.id": operation.id,
    "mcp.outcome": outcome,
    "network.protocol.name": "http",
    "network.transport": "tcp",
    "mcp.request.size": operation.requestBytes,
    ...(operation.responseBytes > 0 && { "mcp.response.size": operation.responseBytes }),
    ...(method === "tools/call" && { "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": target }),
    ...(method === "prompts/get" && { "gen_ai.prompt.name": target }),
    ...(code !== "" && { "rpc.response.status_code": code }),
    ...(isError(operation) && { "error.type": outcome === "rpc_error" ? code : outcome }),
    ...(meta !== undefined &&
      parent !== meta && { "mcp.meta.trace_id": meta.traceId, "mcp.meta.span_id": meta.spanId }),
    ...(header !== undefined &&
      parent !== header && { "mcp.transport.trace_id": header.traceId, "mcp.transport.span_id": header.spanId }),
  };
}

function isCheckedElsewhere(name: string): boolean {
  return (
    name.startsWith("mcp.tokens") ||
    [
      "session.id",
      "gen_ai.conversation.id",
      "mcp.server.name",
      "mcp.client.name",
      "mcp.protocol.version",
      "http.response.status_code",
    ].includes(name)
  );
}
