import type { Node } from "../json/documents.ts";
import { idOf } from "../jsonrpc/reader.ts";
import { canonicalNumber } from "../jsonrpc/numbers.ts";
import { parseEvents } from "../sse/events.ts";
import { methodLabel } from "./methods.ts";
import type { Message, Faulty } from "./reader.ts";
import { cursorOf, expectedTokens } from "./texts.ts";

/** JSON.parse cannot tell what is wrong with a text. */
export interface Unreadable {
  readonly fault: "unreadable";
}

/** The revisions that labels name. */
const REVISIONS = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"];

type JsonObject = Record<string, unknown>;

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function member(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

/** The values under a name, in the order in which they are written. */
function written(node: Node | undefined, name: string): Node[] {
  if (node?.type !== "object") return [];
  return node.members.filter(({ key }) => key.value === name).map(({ value }) => value);
}

function writtenAt(node: Node | undefined, path: string[]): Node | undefined {
  return path.reduce((at, name) => written(at, name).at(-1), node);
}

/** How a value of JSON.parse is written, where no more is known. */
export function nodeOf(value: unknown): Node {
  if (typeof value === "number") return { type: "number", text: String(value) };
  if (typeof value === "string") return { type: "string", spelling: { value, json: JSON.stringify(value) } };
  if (Array.isArray(value)) return { type: "array", items: value.map(nodeOf) };
  if (isObject(value)) {
    const members = Object.entries(value).map(([name, each]) => ({
      key: { value: name, json: JSON.stringify(name) },
      value: nodeOf(each),
    }));
    return { type: "object", members };
  }
  return { type: "literal", text: value === null ? "null" : value ? "true" : "false" };
}

/** Whether a number is known whole, however it is written; a longer one, or one whose exponent has more than nine digits, is
 *  compared as it is written. */
function isWhole(digits: string): boolean {
  return digits.length < 200 && !/e[+-]?0*[1-9]\d{9}/i.test(digits);
}

/** The id of a message: two are the same just where this is. Undefined where it is none. */
function idTextOf(value: unknown, node: Node | undefined): string | undefined {
  if (value === undefined) return "Absent";
  if (value === null) return idOf("null");
  if (typeof value === "string") return idOf(JSON.stringify(value));
  // JSON.parse rounds numbers, so the text decides.
  if (node?.type === "number") return idOf(isWhole(node.text) ? canonicalNumber(node.text) : node.text);
  return undefined;
}

function outcomeOf(result: unknown): string {
  if (member(result, "isError") === true) return "tool_error";
  if (isObject(member(result, "task"))) return "task_accepted";
  const type = member(result, "resultType");
  return type === "input_required" ? type : type === "task" ? "task_accepted" : "ok";
}

function revisionOf(value: unknown): string {
  return typeof value === "string" && REVISIONS.includes(value) ? value : "_OTHER";
}

/** The name of the client's software: of the places where it may stand, the one written last. A member that is written
 *  again forgets what stood in it. */
function clientNameIn(root: Node): string {
  const named = new Set<string>();
  let last = "";
  const take = (place: string, clientInfo: Node): void => {
    named.delete(place);
    for (const name of written(clientInfo, "name")) {
      const isKept = name.type === "string" && Buffer.byteLength(name.spelling.value) <= 64;
      last = isKept ? Buffer.from(name.spelling.value).toString() : "";
      named.add(place);
    }
  };
  for (const params of written(root, "params")) {
    named.clear();
    if (params.type !== "object") continue;
    for (const { key, value } of params.members) {
      if (key.value === "clientInfo") take("params", value);
      if (key.value !== "_meta") continue;
      named.delete("_meta");
      for (const clientInfo of written(value, "io.modelcontextprotocol/clientInfo")) take("_meta", clientInfo);
    }
  }
  return named.size > 0 ? last : "";
}

/** The listed names, as the reader reports them while the document passes: twice for a duplicate object. */
function listedIn(root: Node): string[] {
  const names = (list: Node, kind: string): string[] =>
    list.type !== "array"
      ? []
      : list.items.flatMap((item) => written(item, "name").flatMap((name) => named(name, kind)));
  const named = (name: Node, kind: string): string[] => {
    if (name.type !== "string" || Buffer.byteLength(name.spelling.value) > 128) return [];
    return [`${kind} ${Buffer.from(name.spelling.value).toString()}`];
  };
  return written(root, "result").flatMap((result) =>
    result.type !== "object"
      ? []
      : result.members.flatMap(({ key, value }) => {
          if (key.value === "tools") return names(value, "tool");
          return key.value === "prompts" ? names(value, "prompt") : [];
        }),
  );
}

/** The message that a text is. `node`: how it is written, where that is known. */
export function expectedMessage(text: string, node?: Node): Message | Faulty | Unreadable {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { fault: "unreadable" };
  }
  if (Array.isArray(value)) return { fault: "NotJsonRpc" };
  const root = node ?? nodeOf(value);
  const versions = written(root, "jsonrpc");
  const isVersion2 =
    versions.length > 0 && versions.every((each) => each.type === "string" && each.spelling.value === "2.0");
  const id = idTextOf(member(value, "id"), writtenAt(root, ["id"]));
  if (!isVersion2 || id === undefined) return { fault: "NotJsonRpc" };

  const method = member(value, "method");
  const error = member(value, "error");
  const isError = isObject(error);
  let kind: Message["kind"];
  if (method !== undefined) {
    if (typeof method !== "string") return { fault: "NotJsonRpc" };
    kind = id === "Absent" ? "Notification" : "Request";
  } else {
    if (!isError && (member(value, "result") === undefined || id === "Absent")) return { fault: "NotJsonRpc" };
    kind = "Response";
  }

  const params = member(value, "params");
  const name = member(params, "name") ?? (Object.hasOwn(Object(params), "name") ? "" : member(params, "uri"));
  const requestId = idTextOf(member(params, "requestId"), writtenAt(root, ["params", "requestId"]));
  const code = writtenAt(root, ["error", "code"]);
  return {
    kind,
    method: typeof method === "string" ? methodLabel(method) : "",
    name: typeof name === "string" && Buffer.byteLength(name) <= 128 ? Buffer.from(name).toString() : "",
    id,
    outcome: kind !== "Response" ? "" : isError ? "rpc_error" : outcomeOf(member(value, "result")),
    errorCode: isError && code?.type === "number" ? integerOf(code.text) : null,
    answersUnknown: isError && (id === "Absent" || id === idOf("null")),
    cancelled: requestId === undefined || requestId === "Absent" ? "" : requestId.split(" ")[1],
    requestRevision: revisionOf(member(member(params, "_meta"), "io.modelcontextprotocol/protocolVersion")),
    agreedRevision: revisionOf(member(member(value, "result"), "protocolVersion")),
    clientName: clientNameIn(root),
    size: Buffer.byteLength(trimmed(text)),
    listed: listedIn(root),
    tokens: expectedTokens(root),
    cursor: cursorOf(member(params, "cursor")),
    nextCursor: cursorOf(member(member(value, "result"), "nextCursor")),
  };
}

/** The messages that a text is: one, or those of a batch. `node`: how it is written, where that is known. */
export function expectedMessages(text: string, node?: Node): (Message | Faulty | Unreadable)[] {
  const items = itemsIn(text);
  if (items?.length === 0) return [{ fault: "NotJsonRpc" }];
  return items?.map((item, i) => expectedMessage(item, itemsOf(node)?.[i])) ?? [expectedMessage(text, node)];
}

/** The elements of an array. */
export function itemsOf(node: Node | undefined): readonly Node[] | undefined {
  return node?.type === "array" ? node.items : undefined;
}

/** The texts of the elements, if this is the text of an array. */
function itemsIn(text: string): string[] | undefined {
  if (!trimmed(text).startsWith("[")) return undefined;
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  const inside = trimmed(text).slice(1, -1);
  const items = [""];
  let depth = 0;
  for (const [token] of inside.matchAll(/"(?:[^"\\]|\\.)*"|[^"]/gs)) {
    if ("[{".includes(token)) depth++;
    if ("]}".includes(token)) depth--;
    if (token === "," && depth === 0) items.push("");
    else items[items.length - 1] += token;
  }
  return trimmed(inside) === "" ? [] : items;
}

/** The text without JSON's white space around it. */
function trimmed(text: string): string {
  return text.replace(/^[ \t\n\r]+|[ \t\n\r]+$/g, "");
}

/** The messages in a body. `nodes`: how each of its texts is written, where that is known. */
export function expectedInBody(
  isEventStream: boolean,
  body: Uint8Array,
  nodes?: ReadonlyMap<string, Node>,
): (Message | Faulty | Unreadable)[] {
  const texts = isEventStream
    ? parseEvents(body).flatMap(({ isMessage, data }) => (isMessage ? [data] : []))
    : [Buffer.from(body).toString()];
  return texts
    .filter((text) => trimmed(text) !== "")
    .flatMap((text) => {
      const node = nodes?.get(text);
      if (nodes !== undefined && node === undefined) throw new Error(`not written so: ${text}`);
      return expectedMessages(text, node);
    });
}

/** The value of a number that is a 32-bit integer and short enough to be kept; otherwise null. */
function integerOf(text: string): number | null {
  if (text.length > 256) return null;
  const [digits, power = "0"] = canonicalNumber(text).split("e");
  // Powers of ten that an integer of 32 bits has not, and fractions.
  if (power.startsWith("-") || power.length > 1) return null;
  const value = Number(digits) * 10 ** Number(power);
  return Math.abs(value) < 2 ** 31 ? value : null;
}
