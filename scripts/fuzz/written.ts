import type { Member, Node } from "../../test/unit/json/documents.ts";

const SPACE = /[ \t\n\r]*/y;
const STRING = /"(?:[^"\\]|\\.)*"/sy;
const NUMBER = /-?[\d.eE+-]+/y;

/**
 * The syntax of a JSON text: with the order of members, duplicates and the notation of numbers, which JSON.parse does
 * not keep. Only for texts that JSON.parse accepts, without deep nesting. Adds to `texts` the source of each value.
 */
export function writtenAs(json: string, texts?: Map<Node, string>): Node {
  let at = 0;

  function match(pattern: RegExp): string {
    pattern.lastIndex = at;
    const found = pattern.exec(json)?.[0] ?? "";
    at += found.length;
    return found;
  }

  function spelling(): Member["key"] {
    const text = match(STRING);
    return { value: JSON.parse(text) as string, json: text };
  }

  /** Reads items up to `end`, separated by commas. */
  function list<Item>(end: string, item: () => Item): Item[] {
    const items: Item[] = [];
    at++;
    match(SPACE);
    while (json[at] !== end) {
      items.push(item());
      match(SPACE);
      if (json[at] === ",") at++;
      match(SPACE);
    }
    at++;
    return items;
  }

  function member(): Member {
    const key = spelling();
    match(SPACE);
    at++;
    return { key, value: value() };
  }

  function value(): Node {
    match(SPACE);
    const from = at;
    const node = valueHere();
    texts?.set(node, json.slice(from, at));
    return node;
  }

  function valueHere(): Node {
    switch (json[at]) {
      case "{":
        return { type: "object", members: list("}", member) };
      case "[":
        return { type: "array", items: list("]", value) };
      case '"':
        return { type: "string", spelling: spelling() };
      case "t":
        return literal("true");
      case "f":
        return literal("false");
      case "n":
        return literal("null");
      default:
        return { type: "number", text: match(NUMBER) };
    }
  }

  function literal(text: "true" | "false" | "null"): Node {
    at += text.length;
    return { type: "literal", text };
  }

  return value();
}

/** The maximum nesting depth of a JSON text. */
export function depthOf(json: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if (inString) {
      if (character === "\\") at++;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === "[" || character === "{") deepest = Math.max(deepest, ++depth);
    else if (character === "]" || character === "}") depth--;
  }
  return deepest;
}

/** The maximum depth that the tokenizer supports. */
export const DEPTH_LIMIT = 512;

/** Whether JSON.parse accepts a text. */
export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
