/** Derives the expected spans from what clients and servers saw. */
import { operationsOf, type Operation } from "../envoy/operation-truth.ts";
import type { Recorded } from "../envoy/recording.ts";
import { isModern, type Passed, type Wire, wireOf } from "../envoy/wire.ts";
import { type Context, contextOf } from "./contexts.ts";

/** The filter's configuration. */
export interface TraceSettings {
  parent?: "meta" | "header";
  sessions?: boolean;
  /** Envoy's own tracer is enabled, which is not part of the filter's configuration. */
  hasTracer?: boolean;
}

/** An operation with everything that its span must contain. Times are in milliseconds since 1970. */
export interface TracedOperation {
  /** Its name in the test: its client, who asked, what and with which id. */
  what: string;
  /** The client's name. */
  client: string;
  /** Whether it belongs to a session, or to its caller's activity window if there are no sessions. */
  hasSession: boolean;
  /** The id of its session in Streamable HTTP; otherwise empty. */
  sessionId: string;
  fromServer: boolean;
  method: string;
  target: string;
  outcome: string;
  code: string;
  /** The JSON-RPC id as text. */
  id: string;
  /** The revision in the request's headers; empty for none. */
  revision: string;
  requestBytes: number;
  /** Size of the response in bytes; 0 if none arrived. */
  responseBytes: number;
  meta?: Context;
  header?: Context;
  /** The valid parents. There is more than one if the result depends on the worker. */
  parents: Parent[];
  bounds: Bounds;
  /** The response comes on another stream than the request. */
  isElsewhere: boolean;
  /** Set by the test for a span that sampling omits. */
  isExported: boolean;
}

/** A context of the request, another operation, the session's root, or none. */
export type Parent = Context | TracedOperation | "root" | "none";

/** The span starts and ends within these bounds, inclusive. */
interface Bounds {
  startFrom: number;
  startTo: number;
  endFrom: number;
  endTo: number;
}

const NAMED_METHODS = ["tools/call", "prompts/get"];
/** A method that MCP does not have. */
const UNKNOWN_METHOD = "nonsense/do";

/**
 * The operations of these exchanges, as recorded by clients and, on the other side of the proxy, by a tap in front of
 * the servers. All must have ended.
 */
export function tracedOperations(
  byClients: readonly Recorded[],
  byServers: readonly Recorded[],
  settings: TraceSettings,
): TracedOperation[] {
  const [wire, behind] = [wireOf(byClients), wireOf(byServers)];
  const names = clientNames(wire);
  const reached = new Reached(behind);
  const traced = operationsOf(wire).map((operation) => tracedOf(operation, wire, reached, names));
  const byRequest = new Map(traced.map((each) => [each.operation.request, each.traced]));
  for (const { operation, traced: each } of traced) {
    each.parents = operation.fromServer
      ? parentsOfServers(operation, each, wire, byRequest).map((parent) => withoutRoot(parent, settings))
      : [parentOf(each, settings)];
  }
  return traced.map((each) => each.traced);
}

/** The messages that the servers' side saw. */
class Reached {
  readonly #messages = new Map<string, Passed>();
  readonly #answers = new Map<Recorded, Passed[]>();

  constructor({ sent, received }: Wire) {
    for (const passed of received) {
      this.#answers.set(passed.exchange, [...(this.#answers.get(passed.exchange) ?? []), passed]);
    }
    // Replayed messages arrive again. The first time counts.
    for (const passed of [...sent, ...received].reverse()) this.#messages.set(keyOf(passed), passed);
  }

  find(passed: Passed): Passed | undefined {
    return this.#messages.get(keyOf(passed));
  }

  /** The response to a request that arrived there. Without a session, only the exchange identifies its client. */
  findAnswer(answer: Passed | undefined, asked: Passed | undefined): Passed | undefined {
    if (answer === undefined || asked === undefined) return undefined;
    const own = this.#answers.get(asked.exchange)?.find(({ text }) => text === answer.text);
    return own ?? this.find(answer);
  }
}

function keyOf({ session, exchange, text }: Passed): string {
  return JSON.stringify([session ?? exchange.givenSession, text]);
}

/**
 * The session of a message; for `initialize`, the one that it begins. Without sessions it is the caller's activity
 * window: all requests that the server accepts, except for the discovery of revisions, after which a client may begin a
 * session.
 */
function sessionOf({ session, exchange, message }: Passed, wire: Wire): string | null {
  if (!isModern(exchange)) return wire.sessionOf(exchange) ?? session ?? exchange.givenSession;
  const isAccepted = exchange.status >= 200 && exchange.status < 300;
  return isAccepted && message.method !== "server/discover" ? `window ${nameIn(exchange)}` : null;
}

/** The names of clients by session. */
function clientNames(wire: Wire): Map<string, string> {
  const names = new Map<string, string>();
  for (const { message, exchange, session } of wire.sent) {
    if (message.method !== "initialize") continue;
    const { clientInfo } = message.params as { clientInfo: { name: string } };
    names.set(wire.sessionOf(exchange) ?? session ?? exchange.givenSession ?? "", clientInfo.name);
  }
  return names;
}

/** The client's name in a request of 2026-07-28. */
function nameIn({ body }: Recorded): string {
  if (body === "") return "";
  const { params } = JSON.parse(body) as { params?: { _meta?: Record<string, { name?: string }> } };
  return params?._meta?.["io.modelcontextprotocol/clientInfo"]?.name ?? "";
}

function tracedOf(
  operation: Operation,
  wire: Wire,
  reached: Reached,
  names: Map<string, string>,
): { operation: Operation; traced: TracedOperation } {
  const { request, answer, fromServer } = operation;
  const { params, id } = request.message;
  const method = request.message.method === UNKNOWN_METHOD ? "_OTHER" : request.message.method!;
  const session = sessionOf(request, wire);
  const client = isModern(request.exchange) ? nameIn(request.exchange) : (names.get(session ?? "") ?? "");
  const code = answer?.message.error?.code;
  const target = NAMED_METHODS.includes(method) ? (params?.name ?? "") : "";
  const isAnsweredByProxy = !fromServer && reached.find(request) === undefined;
  const rejected = code === 403 ? "denied" : "limited";
  const meta = (params as { _meta?: { traceparent?: string } } | undefined)?._meta;
  const traced: TracedOperation = {
    what: `${client}: ${fromServer ? "server's" : "client's"} ${method} ${target} ${String(id)}`,
    client,
    hasSession: session !== null,
    sessionId: isModern(request.exchange) || wire.streamOf(session) !== undefined ? "" : (session ?? ""),
    fromServer,
    method,
    target,
    outcome: isAnsweredByProxy ? rejected : operation.outcome,
    code: code === undefined ? "" : String(code),
    id: String(id),
    revision: fromServer ? "" : (request.exchange.headers.get("mcp-protocol-version") ?? ""),
    requestBytes: Buffer.byteLength(request.text),
    responseBytes: answer === undefined ? 0 : Buffer.byteLength(answer.text),
    meta: fromServer ? undefined : contextOf(meta?.traceparent),
    header: fromServer ? undefined : contextOf(request.exchange.headers.get("traceparent")),
    parents: [],
    bounds: boundsOf(operation, reached),
    isElsewhere: answer !== undefined && answer.exchange !== request.exchange,
    isExported: true,
  };
  return { operation, traced };
}

/** The interval of the asking side contains the span, and the span contains that of the answering side. */
function boundsOf({ request, answer, fromServer }: Operation, reached: Reached): Bounds {
  const asked = reached.find(request);
  const answered = reached.findAnswer(answer, asked);
  if (fromServer) {
    return {
      startFrom: asked === undefined ? 0 : arrivedMs(asked),
      startTo: arrivedMs(request) + 1,
      endFrom: answer === undefined ? 0 : answer.exchange.startMs,
      endTo: answered === undefined ? Infinity : answered.exchange.readMs + 1,
    };
  }
  return {
    startFrom: request.exchange.startMs,
    startTo: asked === undefined ? Infinity : asked.exchange.readMs + 1,
    endFrom: answered === undefined ? 0 : arrivedMs(answered),
    endTo: answer === undefined ? Infinity : readMs(answer) + 1,
  };
}

/** The latest time at which a message in a response can have been read: for JSON, when the response is complete. */
function readMs(passed: Passed): number {
  const { arrivals, contentType } = passed.exchange;
  return contentType.startsWith("text/event-stream") ? arrivedMs(passed) : arrivals[arrivals.length - 1].atMs;
}

/** The time at which a message in a response was complete. */
function arrivedMs({ exchange: { text, arrivals }, text: message }: Passed): number {
  const end = text.indexOf(message) + message.length;
  const arrival = arrivals.find(({ length }) => length >= end);
  // A message in a batch may not occur literally.
  return (arrival ?? arrivals[arrivals.length - 1]).atMs;
}

/** The parent of a client's request. */
function parentOf({ meta, header, hasSession }: TracedOperation, settings: TraceSettings): Parent {
  const { parent = "meta", sessions = true } = settings;
  const [preferred, other] = parent === "meta" ? [meta, header] : [header, meta];
  if (preferred !== undefined) return preferred;
  if (sessions && hasSession) return "root";
  return other ?? "none";
}

/** If sessions are not traces, a child of a session's root begins a trace. */
function withoutRoot(parent: Parent, { sessions = true }: TraceSettings): Parent {
  return parent === "root" && !sessions ? "none" : parent;
}

/** Whether an operation's trace is sampled, if those that the filter begins are sampled as in `ofOwn`. */
export function isSampled({ parents: [parent] }: TracedOperation, ofOwn: boolean): boolean {
  if (typeof parent === "string") return ofOwn;
  return "what" in parent ? isSampled(parent, ofOwn) : parent.isSampled;
}

/**
 * The valid parents of a server request: the POST on whose stream it came, otherwise an open operation, or the root.
 */
function parentsOfServers(
  { request }: Operation,
  { bounds }: TracedOperation,
  wire: Wire,
  byRequest: Map<Passed, TracedOperation>,
): Parent[] {
  const { exchange } = request;
  const session = sessionOf(request, wire);
  const asked = [...byRequest].filter(([passed, { fromServer }]) => !fromServer && sessionOf(passed, wire) === session);
  const ofPost = asked.filter(([passed]) => passed.exchange === exchange).map(([, operation]) => operation);
  if (ofPost.length > 0) return ofPost;
  const others = asked.map(([, operation]) => operation);
  const perhaps = others.filter((other) => {
    return other.bounds.startFrom <= bounds.startTo && other.bounds.endTo >= bounds.startFrom;
  });
  if (wire.streamOf(session) === undefined) return ["root", ...perhaps];
  const surely = perhaps.filter((other) => {
    return other.bounds.startTo <= bounds.startFrom && other.bounds.endFrom >= bounds.startTo;
  });
  if (surely.length > 1) return ["root"];
  return perhaps.length === 1 ? perhaps : ["root", ...perhaps];
}
