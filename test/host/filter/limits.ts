/** The filter with limits: requests are answered by the filter, or pass. */
import { type Body, exchange, type HttpStream, type Plugin, type PluginOptions } from "../../../scripts/host/index.ts";
import type { Asking } from "./access.ts";
import { MCP_HEADERS, result, startFilter } from "./filter.ts";

/** The filter with these rules on /mcp and, for HTTP+SSE, /messages and /sse. */
export function startLimited(
  rules: object[],
  options: PluginOptions & { more?: object; limits?: object } = {},
): Plugin {
  return startFilter({ ...options, configuration: limited(rules, options.limits, options.more) });
}

/** A configuration with these rules, and with the fields for the access log. */
export function limited(rules: object[], limits: object = {}, more: object = {}): object {
  return { match: { paths: ["/mcp", "/messages", "/sse"] }, limits: { rules, ...limits }, logFields: true, ...more };
}

/** The filter's reply: the status, the response code details, the headers without the content type, and the parsed body. */
export interface LimitReply {
  readonly status: number;
  readonly details: string;
  readonly headers: Record<string, string>;
  readonly body: unknown;
}

export interface Asked {
  readonly stream: HttpStream;
  readonly actions: number[];
  readonly reply: LimitReply | undefined;
}

/** Sends a request. If it reaches the server, the response is a result. */
export function ask(plugin: Plugin, body: Body, asking: Asking = {}): Asked {
  const { method, path, headers = MCP_HEADERS, properties, requestEnd, ended } = asking;
  const response = asking.response === undefined ? { body: result() } : asking.response;
  const spec = { request: { method, path, headers, body }, response, ended };
  const { stream, actions } = exchange(plugin, spec, { properties, requestEnd });
  return { stream, actions, reply: replyOf(stream) };
}

/** The filter's reply on a stream; undefined if there is none. */
export function replyOf({ reply }: HttpStream): LimitReply | undefined {
  if (reply === undefined) return undefined;
  const headers = Object.fromEntries(reply.headers);
  if (headers["content-type"] !== "application/json") throw new Error(`answered with ${JSON.stringify(headers)}`);
  delete headers["content-type"];
  return { status: reply.status, details: reply.details, headers, body: JSON.parse(reply.body) as unknown };
}

/** The number of requests that pass of `count` consecutive ones. */
export function admitted(plugin: Plugin, count: number, body: Body, asking: Asking = {}): number {
  let passed = 0;
  for (let i = 0; i < count; i++) if (ask(plugin, body, asking).reply === undefined) passed++;
  return passed;
}
