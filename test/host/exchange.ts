import type { Action, HeaderList } from "./abi.ts";
import type { Plugin } from "./plugin.ts";
import type { Properties } from "./properties.ts";
import type { ResetCause } from "./resets.ts";
import type { HttpStream } from "./stream.ts";

/** A body: text or bytes in one piece, or the pieces in which it comes. */
export type Body = string | Uint8Array | readonly (string | Uint8Array)[];

/** Headers as an object where none repeats, else in order. */
export type Headers = Readonly<Record<string, string>> | HeaderList;

/**
 * How a body's end is told: alone, by a callback without bytes (HTTP/1); with the last bytes (HTTP/2); by trailers
 * (also HTTP/2), and then no callback ever says end_of_stream.
 */
export type BodyEnd = "alone" | "with-last" | "trailers";

export interface ExchangeRequest {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Headers;
  readonly body?: Body;
}

export interface ExchangeResponse {
  readonly status?: number;
  readonly headers?: Headers;
  readonly body?: Body;
  /** How it ends: `complete` by the server, by a reset, or not (yet): then the test goes on with the stream. */
  readonly ended?: "complete" | "open" | ResetCause;
}

export interface Exchange {
  readonly request: ExchangeRequest;
  /** Null: none comes, and `ended` says why (by default the client goes away). */
  readonly response: ExchangeResponse | null;
  readonly ended?: ResetCause | "open";
}

export interface ExchangeOptions {
  readonly properties?: Properties;
  readonly requestEnd?: BodyEnd;
  readonly responseEnd?: BodyEnd;
  /** Milliseconds that pass before the response begins, and before each chunk of it. */
  readonly responseDelay?: number;
  readonly chunkDelay?: number;
}

export interface ExchangeResult {
  readonly stream: HttpStream;
  /** What the callbacks answered, in order: for a filter that only observes, all zero. */
  readonly actions: Action[];
}

/** Drives one HTTP exchange through a plugin. */
export function exchange(plugin: Plugin, spec: Exchange, options: ExchangeOptions = {}): ExchangeResult {
  const { clock } = plugin.vm;
  const stream = plugin.stream(options.properties);
  const actions: Action[] = [];
  const { request, response } = spec;

  const requestChunks = chunks(request.body);
  const open = (): boolean => stream.reply === undefined;
  actions.push(stream.requestHeaders(requestHead(request), requestChunks.length === 0));
  sendBody(requestChunks, options.requestEnd, {
    body: (bytes, end) => open() && actions.push(stream.requestBody(bytes, end)),
    trailers: () => open() && actions.push(stream.requestTrailers(TRAILERS)),
  });
  // The module has answered: nothing comes of the upstream.
  if (!open()) return { stream, actions };

  clock.advance(options.responseDelay ?? 0);
  if (response === null) {
    if (spec.ended !== "open") stream.reset(spec.ended ?? "client");
    return { stream, actions };
  }

  const responseChunks = chunks(response.body);
  const ended = response.ended ?? "complete";
  const headers = responseHead(response);
  // A chunked body may turn out to be empty: then its end comes alone.
  const bodiless = responseChunks.length === 0 && !headers.some(([name]) => name === "transfer-encoding");
  actions.push(stream.responseHeaders(headers, bodiless && ended === "complete"));
  // The module has answered in place of what came.
  if (!open()) return { stream, actions };
  const send = (bytes: Uint8Array, end: boolean): void => {
    if (bytes.length > 0) clock.advance(options.chunkDelay ?? 0);
    actions.push(stream.responseBody(bytes, end));
  };
  if (ended !== "complete") {
    for (const chunk of responseChunks) send(chunk, false);
    if (ended !== "open") stream.reset(ended);
    return { stream, actions };
  }
  if (!bodiless) {
    sendBody(
      responseChunks,
      options.responseEnd,
      {
        body: send,
        trailers: () => actions.push(stream.responseTrailers(TRAILERS)),
      },
      true,
    );
  }
  stream.end();
  return { stream, actions };
}

const TRAILERS: HeaderList = [["x-trailer", "1"]];

interface BodySink {
  body(bytes: Uint8Array, end: boolean): void;
  trailers(): void;
}

function sendBody(pieces: Uint8Array[], end: BodyEnd = "alone", sink: BodySink, mayBeEmpty = false): void {
  if (pieces.length === 0 && !mayBeEmpty) return;
  pieces.forEach((piece, index) => sink.body(piece, end === "with-last" && index === pieces.length - 1));
  if (end === "trailers") sink.trailers();
  else if (end === "alone" || pieces.length === 0) sink.body(new Uint8Array(0), true);
}

/** The request's headers as Envoy shows them, over defaults of a request to an MCP endpoint. */
export function requestHead(request: ExchangeRequest): HeaderList {
  const headers = headerList(request.headers ?? MCP_POST);
  return [
    // HTTP/1's own headers do not reach a filter by their names.
    [":authority", headers.find(([name]) => name === "host")?.[1] ?? "mcp.example"],
    [":path", request.path ?? "/mcp"],
    [":method", request.method ?? "POST"],
    [":scheme", "http"],
    ...headers.filter(([name]) => name !== "host" && name !== "connection"),
    ["x-forwarded-proto", "http"],
    ["x-request-id", "00000000-0000-4000-8000-000000000000"],
  ];
}

const MCP_POST: Headers = { "content-type": "application/json", accept: "application/json, text/event-stream" };

/** The response's headers, by default those of a JSON answer. */
export function responseHead(response: ExchangeResponse): HeaderList {
  return [
    [":status", String(response.status ?? 200)],
    ...headerList(response.headers ?? { "content-type": "application/json" }),
  ];
}

function headerList(headers: Headers): HeaderList {
  const list: HeaderList = Array.isArray(headers) ? (headers as HeaderList) : Object.entries(headers);
  return list.map(([name, value]) => [name.toLowerCase(), value] as const);
}

function chunks(body: Body | undefined): Uint8Array[] {
  if (body === undefined) return [];
  const pieces = typeof body === "string" || body instanceof Uint8Array ? [body] : body;
  return pieces
    .map((piece) => (typeof piece === "string" ? Buffer.from(piece) : piece))
    .filter(({ length }) => length > 0);
}
