import { type Node, write } from "../json/documents.ts";
import { ANY, EACH, type Path } from "../json/path.ts";
import { textOf } from "../json/value-text.ts";
import { TOKEN } from "../tokens/meter.ts";
import { costsOf } from "../tokens/texts.ts";
import { DEFAULT_SETTINGS, type Message, type Settings, TOKEN_KINDS, type TokenKind, readMessages } from "./reader.ts";

/** Bytes of the texts of a list of definitions that are read completely. */
const DEFINITION_BYTES = 262_144;
/** Members of a result that hold definitions. */
const LISTS = new Set(["tools", "prompts", "resources", "resourceTemplates"]);
/** Of the name of a tool or prompt no more bytes are read. */
const NAME_BYTES = 256;

/** The members of these names. */
function members(path: Path, ...names: string[]): Path[] {
  return names.map((name): Path => [...path, name]);
}

/** The texts of a message's content: one content, or a list of them. */
function contents(message: Path): Path[] {
  const one = [...message, "content"];
  const ofList: Path = [...one, EACH];
  return [one, ofList].flatMap((content): Path[] => [
    ...members(content, "text", "input"),
    [...content, "resource", "text"],
    [...content, "content", EACH, "text"],
  ]);
}

function sampling(params: Path): Path[] {
  return [
    [...params, "systemPrompt"],
    ...contents([...params, "messages", EACH]),
    ...members([...params, "tools", EACH], "name", "description", "inputSchema"),
  ];
}

/** Where the texts of each kind stand in a message: see docs/tokens.md. */
const TEXTS: Record<TokenKind, Path[]> = {
  arguments: [["params", "arguments"]],
  result: [
    ["result", "content", EACH, "text"],
    ["result", "content", EACH, "resource", "text"],
  ],
  structured: [["result", "structuredContent"]],
  definitions: [
    ...members(["result", "tools", EACH], "name", "description", "inputSchema"),
    ...members(["result", "prompts", EACH], "name", "description", "arguments"),
    ...members(["result", "resources", EACH], "uri", "name", "description"),
    ...members(["result", "resourceTemplates", EACH], "uriTemplate", "name", "description"),
  ],
  prompt: contents(["result", "messages", EACH]),
  resource: [["result", "contents", EACH, "text"]],
  sampling_request: [...sampling(["params"]), ...sampling(["result", "inputRequests", ANY, "params"])],
  // The text of a list of contents is a tool's result, or the client's answer: its direction tells.
  sampling_result: [
    ...contents(["params", "inputResponses", ANY]),
    ...members(["result", "content"], "text", "input"),
    ["result", "content", EACH, "input"],
  ],
};

const NAMES: Path[] = [
  ["result", "tools", EACH, "name"],
  ["result", "prompts", EACH, "name"],
];

interface Place {
  readonly kind: TokenKind;
  readonly path: Path;
  /** It is the name of a tool or prompt, which counts only where it is a string. */
  readonly isName: boolean;
}

const PLACES: Place[] = TOKEN_KINDS.flatMap((kind) =>
  TEXTS[kind].map((path) => {
    const isName = NAMES.some((name) => name.length === path.length && name.every((each, i) => each === path[i]));
    return { kind, path, isName };
  }),
);

interface Found extends Place {
  readonly node: Node;
}

/** Null is no text. */
function isNull(node: Node): boolean {
  return node.type === "literal" && node.text === "null";
}

/** The texts of a message, in their order; those of a duplicate member twice. */
export function textsIn(root: Node): Found[] {
  const found: Found[] = [];
  /** `places`: those that begin as this value's own. */
  const visit = (node: Node, depth: number, places: Place[]): void => {
    const inside = (name: string | typeof EACH): Place[] =>
      places.filter(({ path }) => path[depth] === name || (name !== EACH && path[depth] === ANY));
    const whole = places.find(({ path }) => path.length === depth);
    if (whole !== undefined) {
      if (!isNull(node) && (!whole.isName || node.type === "string")) found.push({ ...whole, node });
    } else if (places.length > 0 && node.type === "array") {
      const elements = inside(EACH);
      node.items.forEach((item) => visit(item, depth + 1, elements));
    } else if (places.length > 0 && node.type === "object") {
      node.members.forEach(({ key, value }) => visit(value, depth + 1, inside(key.value)));
    }
  };
  visit(root, 0, PLACES);
  return found;
}

/** Whether a list of definitions begins before the first text of a message. */
function beginsWithDefinitions(root: Node): boolean {
  for (const member of root.type === "object" ? root.members : []) {
    const { key, value } = member;
    const isResult = key.value === "result" && value.type === "object";
    for (const inner of isResult ? value.members : [undefined]) {
      if (inner !== undefined && LISTS.has(inner.key.value) && inner.value.type === "array") return true;
      const part = inner === undefined ? member : { key, value: { type: "object" as const, members: [inner] } };
      if (textsIn({ type: "object", members: [part] }).length > 0) return false;
    }
  }
  return false;
}

/** The estimated tokens of each kind in a message that is written so; beyond `maxBytes`, one without white space between tokens. */
export function expectedTokens(root: Node, { estimate, maxBytes, scale }: Settings = DEFAULT_SETTINGS): number[] {
  if (!estimate) return TOKEN_KINDS.map(() => 0);
  const texts = textsIn(root).map(({ kind: name, node, isName }) => {
    const kind = TOKEN_KINDS.indexOf(name);
    if (!isName) return { kind, json: Buffer.from(write(node)) };
    return { kind, utf8: Buffer.from(textOf(node)).subarray(0, NAME_BYTES) };
  });
  const head = beginsWithDefinitions(root) ? Math.max(maxBytes, DEFINITION_BYTES) : maxBytes;
  return costsOf(head, texts).map((cost) => Math.min(Math.round((cost * scale) / TOKEN), 2 ** 32 - 1));
}

const cursors = new Map<string, string>();
/** So that millions of messages may be read. */
const CURSORS_KEPT = 10_000;

/** The form in which a cursor is reported. */
export function cursorOf(value: unknown): string {
  if (typeof value !== "string") return "";
  if (!cursors.has(value)) {
    const request = { jsonrpc: "2.0", id: 1, method: "tools/list", params: { cursor: value } };
    const [message] = readMessages(false, [Buffer.from(JSON.stringify(request))]);
    if (cursors.size === CURSORS_KEPT) cursors.clear();
    cursors.set(value, (message as Message).cursor);
  }
  return cursors.get(value)!;
}
