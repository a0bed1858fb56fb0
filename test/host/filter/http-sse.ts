/** HTTP+SSE (2024-11-05): a stream that names an endpoint and brings the answers to what is posted there. */
import { type Exchange, exchange, type HttpStream, type Plugin } from "../index.ts";
import { request } from "./filter.ts";
import { GET_HEADERS, initializeResult, OpenStream } from "./open-stream.ts";

/** Where the stream of a session is asked for, and what it names. */
export const STREAM_PATH = "/sse";
export const ENDPOINT = "/messages?sessionId=93d1a2";

/** What clients of that time send with a POST. */
export const POST_HEADERS = { "content-type": "application/json", accept: "*/*" };

/** The event that names an endpoint. */
export function endpointEvent(reference: string): string {
  return `event: endpoint\ndata: ${reference}\n\n`;
}

/** Asks for a stream, whose first event names the endpoint. */
export function openStream(plugin: Plugin, reference = ENDPOINT, path = STREAM_PATH, headers = {}): OpenStream {
  const stream = new OpenStream(plugin, { method: "GET", path, headers: { ...GET_HEADERS, ...headers } });
  return stream.write(endpointEvent(reference));
}

export interface Posting {
  readonly path?: string;
  readonly headers?: Record<string, string>;
  /** By default 202, with a text as servers send it. */
  readonly response?: Exchange["response"];
  readonly ended?: Exchange["ended"];
  readonly responseDelay?: number;
}

/** Posts a message to the endpoint. */
export function send(plugin: Plugin, body: string, posting: Posting = {}): HttpStream {
  const { path = ENDPOINT, headers = POST_HEADERS, ended, responseDelay } = posting;
  const accepted = { status: 202, headers: { "content-type": "text/plain" }, body: "Accepted" };
  const response = posting.response === undefined ? accepted : posting.response;
  return exchange(plugin, { request: { headers, path, body }, response, ended }, { responseDelay }).stream;
}

/** The request with which a client begins. */
export function initializeRequest(name = "agent", id: unknown = 0): string {
  const clientInfo = { name, version: "1" };
  return request("initialize", { protocolVersion: "2024-11-05", capabilities: {}, clientInfo }, id);
}

/** A session that has begun: its POST passes `poster`, its stream `streamer`. */
export function openSession(poster: Plugin, streamer: Plugin, path?: string, name?: string): OpenStream {
  const stream = openStream(streamer, path);
  send(poster, initializeRequest(name), { path });
  return stream.send(initializeResult("2024-11-05"));
}
