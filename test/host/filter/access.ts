/** The filter with an access policy: requests are answered by the filter, or pass. */
import {
  type Body,
  type BodyEnd,
  type Exchange,
  exchange,
  type HttpStream,
  type Plugin,
  type PluginOptions,
  type Properties,
} from "../../../scripts/host/index.ts";
import { MCP_HEADERS, result, startFilter } from "./filter.ts";

/** The filter with this policy on /mcp and, for HTTP+SSE, /messages. */
export function startGuarded(access: object, options: PluginOptions & { more?: object } = {}): Plugin {
  return startFilter({ ...options, configuration: guarded(access, options.more) });
}

/** A configuration with this policy, and with the fields for the access log. */
export function guarded(access: object, more: object = {}): object {
  return { match: { paths: ["/mcp", "/messages", "/sse"] }, access, logFields: true, ...more };
}

/** A rule that allows (or denies) everybody to call these tools. */
export function tools(action: "ALLOW" | "DENY", name: string, ...tools: string[]): object {
  return { name, action, to: [{ operation: { tools } }] };
}

/** A rule about these methods. */
export function methods(action: "ALLOW" | "DENY", name: string, ...methods: string[]): object {
  return { name, action, to: [{ operation: { methods } }] };
}

/** A rule about all messages of these principals. */
export function principals(action: "ALLOW" | "DENY", name: string, ...principals: string[]): object {
  return { name, action, from: [{ source: { principals } }] };
}

export interface Asking {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string> | [string, string][];
  readonly properties?: Properties;
  readonly requestEnd?: BodyEnd;
  readonly response?: Exchange["response"];
  readonly ended?: Exchange["ended"];
}

export interface Answer {
  readonly stream: HttpStream;
  readonly actions: number[];
  /** The filter's reply: the status, the response code details, and the body parsed as JSON. */
  readonly reply: { status: number; details: string; body: unknown } | undefined;
}

/** Sends a request. If it reaches the server, the response is a result. */
export function ask(plugin: Plugin, body: Body, asking: Asking = {}): Answer {
  const { method, path, headers = MCP_HEADERS, properties, requestEnd, ended } = asking;
  const response = asking.response === undefined ? { body: result() } : asking.response;
  const spec = { request: { method, path, headers, body }, response, ended };
  const { stream, actions } = exchange(plugin, spec, { properties, requestEnd });
  return { stream, actions, reply: replyOf(stream) };
}

/** The filter's reply on a stream. */
export function replyOf({ reply }: HttpStream): Answer["reply"] {
  if (reply === undefined) return undefined;
  const { status, details, body, headers } = reply;
  const expected = body === "" ? [] : [["content-type", "application/json"]];
  if (JSON.stringify(headers) !== JSON.stringify(expected)) throw new Error(`answered with ${JSON.stringify(headers)}`);
  return { status, details, body: body === "" ? undefined : (JSON.parse(body) as unknown) };
}

/** A message whose method the filter has replaced by one of the same length that no server knows. */
export function rewritten(message: string): string {
  return message.replace(/("method":")([^"]*)/, (_, before: string, method: string) => {
    return before + "denied_".padEnd(method.length, "_").slice(0, method.length);
  });
}

/** The reply to a request that a rule denies. */
export function deniedBy(rule: string, id: unknown = 1): Answer["reply"] {
  const body = { jsonrpc: "2.0", id, error: { code: 403, message: "Denied by the access policy", data: { rule } } };
  return { status: 200, details: `mcp_access_denied[${rule}]`, body };
}

/** The reply to a request that is rejected unread. */
export function refusedFor(reason: string): Answer["reply"] {
  const error = { code: 403, message: "Refused by the access policy", data: { reason } };
  return { status: 200, details: `mcp_access_refused[${reason}]`, body: { jsonrpc: "2.0", id: null, error } };
}

/** The lines of the audit log, parsed as JSON. */
export function auditOf(plugin: Plugin): Record<string, unknown>[] {
  const lines = plugin.vm.logs.filter(({ message }) => message.startsWith('{"event":"mcp_access_denied"'));
  return lines.map(({ level, message }) => {
    if (level !== "warn") throw new Error(`an audit line of level ${level}`);
    return JSON.parse(message) as Record<string, unknown>;
  });
}
