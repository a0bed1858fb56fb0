/** The HTTP request that brings the messages. */
import { member, parsed } from "./json.ts";

/** A request as a client sends it. */
export interface Request {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Missing for a request without a body. */
  readonly body?: string | Uint8Array;
}

/** The members of `_meta` with the revision and the client of a request (2026-07-28). */
export const META_VERSION = "io.modelcontextprotocol/protocolVersion";
export const META_CLIENT = "io.modelcontextprotocol/clientInfo";
/** The revision in which headers repeat a part of the message. */
const MODERN = "2026-07-28";
/** The member of `params` that `Mcp-Name` repeats, by method (2026-07-28, "Standard Headers"). */
const NAMED_BY: Readonly<Record<string, string>> = {
  "tools/call": "name",
  "prompts/get": "name",
  "resources/read": "uri",
  "tasks/get": "taskId",
  "tasks/cancel": "taskId",
  "tasks/update": "taskId",
};

/** The headers that a client of Streamable HTTP sends with this body, and those in `headers`, which take precedence. */
export function headersFor(body: Request["body"], headers: Readonly<Record<string, string>>): Record<string, string> {
  const given = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  if (body === undefined) return { accept: "text/event-stream", ...given };
  const usual = { "content-type": "application/json", accept: "application/json, text/event-stream" };
  const message = parsed(body);
  const version = member(message, "params", "_meta", META_VERSION) ?? given["mcp-protocol-version"];
  if (version !== MODERN) return { ...usual, ...given };
  const method = member(message, "method");
  if (typeof method !== "string") return { ...usual, ...given };
  const name = member(message, "params", NAMED_BY[method] ?? "");
  return {
    ...usual,
    "mcp-protocol-version": MODERN,
    "mcp-method": method,
    ...(typeof name === "string" && { "mcp-name": headerText(name) }),
    ...given,
  };
}

/** A text as the value of a header (2026-07-28, "Value Encoding"). */
function headerText(text: string): string {
  const isPlain = /^[\x20-\x7e]*$/.test(text) && text.trim() === text && !/^=\?base64\?.*\?=$/i.test(text);
  return isPlain ? text : `=?base64?${Buffer.from(text).toString("base64")}?=`;
}
