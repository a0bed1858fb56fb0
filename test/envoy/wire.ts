/** Recorded exchanges as what they are in MCP: messages, each in its session. Read with parsers that are not ours. */
import { createParser, type EventSourceMessage } from "eventsource-parser";
import type { Recorded } from "./recording.ts";

/** The members of a JSON-RPC message that tests read. */
export interface Message {
  id?: number | string | null;
  method?: string;
  params?: { name?: string; arguments?: unknown; requestId?: number | string; inputResponses?: unknown };
  result?: { isError?: boolean; resultType?: string; tools?: ToolDefinition[]; prompts?: { name: string }[] };
  error?: { code: number };
}

/** The members of a listed tool that tests read. */
export interface ToolDefinition {
  name: string;
  description?: string;
  inputSchema?: unknown;
}

/** A message that passed, by itself or in a batch. */
export interface Passed {
  exchange: Recorded;
  /** What names its session: the id, in HTTP+SSE the endpoint; null where there is none. */
  session: string | null;
  /** From brace to brace; in a batch without blanks. */
  text: string;
  message: Message;
}

/** All that went over the wire. */
export interface Wire {
  /** What clients posted, and what servers sent, by exchange. */
  sent: Passed[];
  received: Passed[];
  sessionOf(exchange: Recorded): string | null;
  /** The stream that brings the answers of this session, where it is one of HTTP+SSE (2024-11-05). */
  streamOf(session: string | null): Recorded | undefined;
}

export function wireOf(exchanges: readonly Recorded[]): Wire {
  const httpSse = new Map<string, Recorded>();
  const endpoints = new Map<Recorded, string>();
  for (const exchange of exchanges) {
    const [first] = exchange.method === "GET" ? eventsOf(exchange) : [];
    if (first?.event !== "endpoint") continue;
    const endpoint = targetOf(new URL(first.data, exchange.url));
    httpSse.set(endpoint, exchange);
    endpoints.set(exchange, endpoint);
  }
  const sessionOf = (exchange: Recorded) => {
    if (isModern(exchange)) return null;
    const endpoint = endpoints.get(exchange) ?? targetOf(new URL(exchange.url));
    return httpSse.has(endpoint) ? endpoint : exchange.headers.get("mcp-session-id");
  };
  const passed = (exchange: Recorded, texts: string[]): Passed[] => {
    const session = sessionOf(exchange);
    return texts.flatMap((text) => {
      const read = JSON.parse(text) as Message | Message[];
      if (!Array.isArray(read)) return [{ exchange, session, text, message: read }];
      return read.map((message) => ({ exchange, session, text: JSON.stringify(message), message }));
    });
  };
  return {
    sent: exchanges.flatMap((exchange) => (exchange.method === "POST" ? passed(exchange, [exchange.body.trim()]) : [])),
    received: exchanges.flatMap((exchange) => passed(exchange, messagesOf(exchange))),
    sessionOf,
    streamOf: (session) => (session === null ? undefined : httpSse.get(session)),
  };
}

/** The messages of a response, as text: from brace to brace. */
export function messagesOf(response: Pick<Recorded, "contentType" | "text">): string[] {
  if (response.contentType.startsWith("application/json")) return response.text === "" ? [] : [response.text.trim()];
  return eventsOf(response).flatMap(({ event = "message", data }) =>
    event === "message" && data !== "" ? [data] : [],
  );
}

/** The names in the lists of tools and prompts of a response. */
export function listedNames(response: Pick<Recorded, "contentType" | "text">): string[] {
  return messagesOf(response).flatMap((text) => {
    const { result } = JSON.parse(text) as Message;
    return [...(result?.tools ?? []), ...(result?.prompts ?? [])].map(({ name }) => name);
  });
}

/** The label `mcp_stream_kind`. */
export function streamKindOf(exchange: Recorded, wire: Wire): string {
  if (exchange.method === "POST") return "post";
  return wire.streamOf(wire.sessionOf(exchange)) === exchange ? "http_sse" : "get";
}

export function isModern({ headers }: Recorded): boolean {
  return headers.get("mcp-protocol-version") === "2026-07-28";
}

function eventsOf({ contentType, text }: Pick<Recorded, "contentType" | "text">): EventSourceMessage[] {
  if (!contentType.startsWith("text/event-stream")) return [];
  const events: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (event) => void events.push(event) });
  parser.feed(text);
  return events;
}

function targetOf({ pathname, search }: URL): string {
  return pathname + search;
}
