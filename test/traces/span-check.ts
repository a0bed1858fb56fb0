/** Describes exported spans and the expected ones in the same words, so that a test can compare them. */
import type { Context } from "./contexts.ts";
import type { Attributes, Span, SpanLink } from "./spans.ts";
import type { Parent, TracedOperation, TraceSettings } from "./span-truth.ts";

export const ROOT_NAME = "MCP session";

/** In spans of the answering side, these codes are the caller's fault. */
const CALLERS_FAULT = ["-32700", "-32600", "-32601", "-32602", "-32002"];
const FINE = ["ok", "input_required", "task_accepted"];

/** Describes an id that no exported span has. */
const NOT_EXPORTED = "an operation that was not exported";
/** Tolerance in milliseconds for times, which other tests check, that still distinguishes sessions. */
const SLACK_MS = 5;

/** A description of a span in words, with ids replaced by what they name. */
export interface Fact {
  name: string;
  kind: string;
  status: string;
  trace: string;
  parent: string;
  /** Links, each with its type and what it names. */
  links: string[];
  attributes: Attributes;
}

/** Descriptions of operations, by name. */
export type Facts = Record<string, Fact>;

/** The spans of one proxy, by what they represent. */
export class Spans {
  /** Spans of sessions, by the name of their client. */
  readonly roots = new Map<string, Span>();
  /** Spans of operations, by {@link TracedOperation.what}. */
  readonly operations = new Map<string, Span>();
  /** What each id names. */
  readonly #names = new Map<string, string>();
  /** Clients by the hash of their session. */
  readonly #clients = new Map<string, string>();

  /**
   * @param operations what happened. Sessions are identified by what was asked in them, and when.
   * @param options `ofProxy`: spans of the proxy's own tracer. `isCalling`: the proxy's role is client, so that client
   * requests are spans of kind CLIENT.
   */
  constructor(
    readonly all: readonly Span[],
    operations: readonly TracedOperation[],
    private readonly options: { ofProxy?: readonly Span[]; isCalling?: boolean } = {},
  ) {
    this.#findClients(operations);
    for (const { meta, header } of operations) {
      for (const context of [meta, header]) {
        if (context !== undefined) this.#names.set(`${context.traceId} ${context.spanId}`, nameOfContext(context));
      }
    }
    for (const { traceId, spanId, parentSpanId } of options.ofProxy ?? []) {
      this.#names.set(`${traceId} ${spanId}`, `proxy's span under ${this.#nameOf(traceId, parentSpanId)}`);
    }
    for (const span of all) {
      if (span.name === ROOT_NAME) this.#add(this.roots, this.clientOf(span), span, `root of ${this.clientOf(span)}`);
      else this.#add(this.operations, this.#whatOf(span), span, this.#whatOf(span));
    }
  }

  /** The name of the client whose session a span belongs to, or a text that it is not known. */
  clientOf(span: Span): string {
    const { "session.id": session, "mcp.client.name": client } = span.attributes;
    return session === undefined ? String(client) : this.#clients.get(sessionOf(span))!;
  }

  #findClients(operations: readonly TracedOperation[]): void {
    const clients = grouped(operations, ({ client }) => client);
    let open = [...grouped(this.all, sessionOf)].map(([session, spans]) => {
      const asked = spans.filter(({ name }) => name !== ROOT_NAME);
      const isOf = (of: readonly TracedOperation[]) =>
        asked.every((span) => of.some((each) => this.#mayBe(span, each)));
      return { session, found: [...clients].filter(([, of]) => isOf(of)).map(([client]) => client) };
    });
    // For clients that do the same at the same time: a session of another client is not theirs.
    for (let known = open.filter(hasOne); known.length > 0; known = open.filter(hasOne)) {
      for (const { session, found } of known) this.#clients.set(session, found[0]);
      const taken = new Set(known.map(({ found }) => found[0]));
      open = open
        .filter(({ session }) => !this.#clients.has(session))
        .map(({ session, found }) => ({ session, found: found.filter((client) => !taken.has(client)) }));
    }
    for (const { session, found } of open) this.#clients.set(session, `one of ${found.join(", ")}: ${session}`);
  }

  #mayBe(span: Span, operation: TracedOperation): boolean {
    const { startFrom, startTo, endFrom, endTo } = operation.bounds;
    const isThen = isWithin(span.startNs, startFrom, startTo) && isWithin(span.endNs, endFrom, endTo);
    const { "mcp.request.size": size, "mcp.outcome": outcome } = span.attributes;
    const isSame = size === operation.requestBytes && outcome === operation.outcome;
    return isThen && isSame && operation.what === `${operation.client}: ${this.#askedIn(span)}`;
  }

  /** For operations with several valid parents, keeps the one that the span has; if there is none, the last. */
  settleParents(operations: readonly TracedOperation[]): void {
    for (const operation of operations) {
      const span = this.operations.get(operation.what);
      if (span === undefined) {
        operation.parents = operation.parents.slice(-1);
        continue;
      }
      const name = this.#nameOf(span.traceId, span.parentSpanId);
      const actual = operation.parents.find((parent) => nameOfParent(operation, parent) === name);
      if (actual !== undefined) operation.parents = [actual];
    }
  }

  facts(): Facts {
    const facts: Facts = {};
    for (const [what, span] of this.operations) {
      facts[what] = {
        name: span.name,
        kind: span.kind,
        status: span.status,
        trace: this.#traceOf(span),
        parent: this.#nameOf(span.traceId, span.parentSpanId),
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
    return `${this.clientOf(span)}: ${this.#askedIn(span)}`;
  }

  #askedIn(span: Span): string {
    const isClients = span.kind === (this.options.isCalling === true ? "client" : "server");
    const method = String(span.attributes["mcp.method.name"]);
    const target = span.attributes["gen_ai.tool.name"] ?? span.attributes["gen_ai.prompt.name"] ?? "";
    const id = String(span.attributes["jsonrpc.request.id"]);
    return `${isClients ? "client's" : "server's"} ${method} ${String(target)} ${id}`;
  }

  /** What an id names: a span, or a context in a request. */
  #nameOf(traceId: string, spanId: string): string {
    if (spanId === "") return "none";
    return this.#names.get(`${traceId} ${spanId}`) ?? NOT_EXPORTED;
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

/** The expected descriptions of the spans of these operations. `isCalling`: at a proxy whose role is client. */
export function expectedFacts(
  operations: readonly TracedOperation[],
  settings: TraceSettings,
  isCalling = false,
): Facts {
  return Object.fromEntries(operations.map((operation) => [operation.what, factOf(operation, settings, isCalling)]));
}

function factOf(operation: TracedOperation, settings: TraceSettings, isCalling: boolean): Fact {
  const { method, target, fromServer } = operation;
  return {
    name: [method, target].filter((part) => part !== "").join(" "),
    kind: fromServer === isCalling ? "server" : "client",
    status: isError(operation, isCalling) ? "error" : "unset",
    trace: traceOf(operation),
    parent: nameOfParent(operation, operation.parents[0]),
    links: linksOf(operation, settings),
    attributes: attributesOf(operation, isCalling),
  };
}

function grouped<T>(all: readonly T[], keyOf: (each: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const each of all) groups.set(keyOf(each), [...(groups.get(keyOf(each)) ?? []), each]);
  return groups;
}

function hasOne({ found }: { found: readonly string[] }): boolean {
  return found.length === 1;
}

function isWithin(timeNs: bigint, fromMs: number, toMs: number): boolean {
  const ms = Number(timeNs / 1_000_000n);
  return fromMs - SLACK_MS <= ms && ms <= toMs + SLACK_MS;
}

function sessionOf(span: Span): string {
  return String(span.attributes["session.id"]);
}

/** Whether the operation's span has the status Error. `isCalling`: at a proxy whose role is client. */
export function isError({ outcome, code, fromServer }: TracedOperation, isCalling = false): boolean {
  const isServers = fromServer === isCalling;
  return !FINE.includes(outcome) && !(isServers && CALLERS_FAULT.includes(code));
}

function nameOfParent({ client }: TracedOperation, parent: Parent): string {
  if (parent === "none") return "none";
  if (parent === "root") return `root of ${client}`;
  if ("what" in parent) return parent.isExported ? parent.what : NOT_EXPORTED;
  return nameOfContext(parent);
}

function nameOfContext({ traceId, spanId }: Context): string {
  return `context ${traceId} ${spanId}`;
}

/** `session`, `its own`, or the id of the trace that the request belongs to. */
function traceOf({ parents: [parent] }: TracedOperation): string {
  if (parent === "none") return "its own";
  if (parent === "root") return "session";
  return "what" in parent ? traceOf(parent) : parent.traceId;
}

function linksOf(operation: TracedOperation, { sessions = true, hasTracer }: TraceSettings): string[] {
  const { meta, header, client, hasSession } = operation;
  const [parent] = operation.parents;
  const links: string[] = [];
  if (meta !== undefined && parent !== meta) links.push(`meta: ${nameOfContext(meta)}`);
  if (header !== undefined && parent !== header) links.push(`transport: ${nameOfContext(header)}`);
  if (sessions && hasSession && traceOf(operation) !== "session") links.push(`session: root of ${client}`);
  // An operation whose client has left ends only when it can no longer be cancelled.
  const isOwn = !operation.fromServer && !operation.isElsewhere && operation.outcome !== "disconnected";
  if (hasTracer === true && isOwn && header !== undefined) {
    links.push(`envoy: proxy's span under ${nameOfContext(header)}`);
  }
  return links.sort();
}

function attributesOf(operation: TracedOperation, isCalling: boolean): Attributes {
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
    ...(isError(operation, isCalling) && { "error.type": outcome === "rpc_error" ? code : outcome }),
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
