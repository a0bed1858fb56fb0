/** Sends a request through the filter to a server that answers everything. */
import { Action, exchange, type HttpStream, type Plugin } from "../host/index.ts";
import type { CallerFacts } from "./caller.ts";
import { member, parsed } from "./json.ts";
import type { Request } from "./request.ts";

/** What became of a request. */
export interface Driven {
  readonly stream: HttpStream;
  readonly outcome: "passed" | "answered" | "held";
  /** The fields for the access log, and filter state for other filters. */
  readonly state: ReadonlyMap<string, string>;
}

const METHOD_NOT_FOUND = { code: -32601, message: "Method not found" };

/** Sends a request of this caller. */
export function drive(plugin: Plugin, caller: CallerFacts, request: Request, tools: readonly string[] = []): Driven {
  const { method, path, body } = request;
  const headers = { ...request.headers, ...caller.headers };
  const sent = { request: { method, path, headers, body }, response: null, ended: "open" } as const;
  const { stream, actions } = exchange(plugin, sent, { properties: caller.properties, requestEnd: "with-last" });
  if (stream.reply !== undefined) return { stream, outcome: "answered", state: stream.state };
  if (actions.at(-1) !== Action.Continue) return { stream, outcome: "held", state: stream.state };
  const answer = answerTo(stream.passedRequest, tools);
  stream.responseHeaders([[":status", answer === undefined ? "202" : "200"], ...JSON_HEADERS], answer === undefined);
  if (answer !== undefined) stream.responseBody(Buffer.from(answer), true);
  stream.end();
  return { stream, outcome: "passed", state: stream.state };
}

const JSON_HEADERS = [["content-type", "application/json"]] as const;

/** The server's answer to the messages that pass; undefined if none of them is a request. It has no method that the filter has
 *  put in place of a denied one. */
function answerTo(passed: string, tools: readonly string[]): string | undefined {
  const document = parsed(passed);
  const answers = [document].flat().flatMap((message): object[] => {
    const [method, id] = [member(message, "method"), member(message, "id")];
    if (typeof method !== "string" || id === undefined) return [];
    const isDenied = method.startsWith("denied_");
    const result =
      method === "tools/list" ? { tools: tools.map((name) => ({ name, inputSchema: {} })) } : { content: [] };
    return [{ jsonrpc: "2.0", id, ...(isDenied ? { error: METHOD_NOT_FOUND } : { result }) }];
  });
  if (answers.length === 0) return undefined;
  return JSON.stringify(Array.isArray(document) ? answers : answers[0]);
}
