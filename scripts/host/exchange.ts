import type { Action, HeaderList } from "./abi.ts";
import type { Plugin } from "./plugin.ts";
import type { Properties } from "./properties.ts";
import type { ResetCause } from "./resets.ts";
import type { HttpStream } from "./stream.ts";

/** A body: text or bytes in one chunk, or a list of chunks. */
export type Body = string | Uint8Array | readonly (string | Uint8Array)[];

/** Headers as an object, or as an ordered list if names repeat. */
export type Headers = Readonly<Record<string, string>> | HeaderList;

/**
 * How the end of a body is signalled: by a callback without bytes (HTTP/1), with the last bytes (HTTP/2), or by trailers
 * (also HTTP/2), in which case no callback has end_of_stream.
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
  /** How the exchange ends: `complete` by the server, by a reset, or not yet. In the last case, the test continues the
   *  stream. */
  readonly ended?: "complete" | "open" | ResetCause;
}

export interface Exchange {
  readonly request: ExchangeRequest;
  /** Null if there is no response; `ended` gives the reason (by default, the client disconnects). */
  readonly response: ExchangeResponse | null;
  readonly ended?: ResetCause | "open";
}

export interface ExchangeOptions {
  readonly properties?: Properties;
  readonly requestEnd?: BodyEnd;
  readonly responseEnd?: BodyEnd;
  /** Milliseconds that pass before the response starts, and before each of its chunks. */
  readonly responseDelay?: number;
  readonly chunkDelay?: number;
}

export interface ExchangeResult {
  readonly stream: HttpStream;
  /** The results of the callbacks, in order: all zero for a filter that only observes. */
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
  // The module has sent a local reply, so the upstream sends nothing.
  if (!open()) return { stream, actions };

  clock.advance(options.responseDelay ?? 0);
  if (response === null) {
    if (spec.ended !== "open") stream.reset(spec.ended ?? "client");
    return { stream, actions };
  }

  const responseChunks = chunks(response.body);
  const ended = response.ended ?? "complete";
  const headers = responseHead(response);
  // A chunked body may be empty: then its end is a separate callback.
  const bodiless = responseChunks.length === 0 && !headers.some(([name]) => name === "transfer-encoding");
  actions.push(stream.responseHeaders(headers, bodiless && ended === "complete"));
  // The module has replaced the response with a local reply.
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

/** The request headers as Envoy presents them, with defaults for a request to an MCP endpoint. */
export function requestHead(request: ExchangeRequest): HeaderList {
  const headers = headerList(request.headers ?? MCP_POST);
  return [
    // Headers specific to HTTP/1 do not reach a filter.
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

/** The response headers, by default those of a JSON response. */
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
