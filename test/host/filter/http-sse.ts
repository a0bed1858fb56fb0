/** Helpers for HTTP+SSE (2024-11-05): a stream names an endpoint, and carries the answers to messages that are posted there. */
import { type Exchange, exchange, type HttpStream, type Plugin } from "../../../scripts/host/index.ts";
import { request } from "./filter.ts";
import { GET_HEADERS, initializeResult, OpenStream } from "./open-stream.ts";

/** The path of the stream, and the endpoint that it names. */
export const STREAM_PATH = "/sse";
export const ENDPOINT = "/messages?sessionId=93d1a2";

/** The headers that clients of this transport send with a POST. */
export const POST_HEADERS = { "content-type": "application/json", accept: "*/*" };

/** The event that names an endpoint. `reference` is a URL reference. */
export function endpointEvent(reference: string): string {
  return `event: endpoint\ndata: ${reference}\n\n`;
}

/** Opens a stream. Its first event names the endpoint. */
export function openStream(plugin: Plugin, reference = ENDPOINT, path = STREAM_PATH, headers = {}): OpenStream {
  const stream = new OpenStream(plugin, { method: "GET", path, headers: { ...GET_HEADERS, ...headers } });
  return stream.write(endpointEvent(reference));
}

export interface Posting {
  readonly path?: string;
  readonly headers?: Record<string, string>;
  /** The response to the POST; by default 202 with the text that servers send. */
  readonly response?: Exchange["response"];
  readonly ended?: Exchange["ended"];
  readonly responseDelay?: number;
}

/** Posts a message to the endpoint, and returns the POST's stream. */
export function send(plugin: Plugin, body: string, posting: Posting = {}): HttpStream {
  const { path = ENDPOINT, headers = POST_HEADERS, ended, responseDelay } = posting;
  const accepted = { status: 202, headers: { "content-type": "text/plain" }, body: "Accepted" };
  const response = posting.response === undefined ? accepted : posting.response;
  return exchange(plugin, { request: { headers, path, body }, response, ended }, { responseDelay }).stream;
}

/** The first request of a client. */
export function initializeRequest(name = "agent", id: unknown = 0): string {
  const clientInfo = { name, version: "1" };
  return request("initialize", { protocolVersion: "2024-11-05", capabilities: {}, clientInfo }, id);
}

/** Starts a session, and returns its stream. The POST passes through `poster`, the stream through `streamer`. */
export function openSession(poster: Plugin, streamer: Plugin, path?: string, name?: string): OpenStream {
  const stream = openStream(streamer, path);
  send(poster, initializeRequest(name), { path });
  return stream.send(initializeResult("2024-11-05"));
}
