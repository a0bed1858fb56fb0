/** Where each value of a plugin configuration is written, by the path that the filter has for it. */
import { isMap, isScalar, isSeq, type Node, type Pair } from "yaml";
import type { Text } from "./text.ts";

/** A value with the offsets of its name and of itself in the file. */
export interface Place {
  readonly path: string;
  readonly name: number;
  readonly value: number;
}

/** The places of all values in a node, except the node itself. */
export function placesIn(node: Node | null | undefined, text: Text, path = ""): Place[] {
  if (isSeq<Node>(node)) return node.items.flatMap((item, index) => placesOf(item, item, `${path}[${index}]`, text));
  if (!isMap<Node, Node | null>(node)) return [];
  return node.items.flatMap(({ key, value }: Pair<Node, Node | null>) => {
    const name = shownName(isScalar(key) ? String(key.value) : "");
    return placesOf(key, value, path === "" ? name : `${path}.${name}`, text);
  });
}

function placesOf(key: Node, value: Node | null, path: string, text: Text): Place[] {
  const place = { path, name: startOf(key, text), value: startOf(value ?? key, text) };
  return [place, ...placesIn(value, text, path)];
}

function startOf(node: Node, text: Text): number {
  return text.fileOffset(node.range?.[0] ?? 0);
}

/**
 * The place that a report of the filter is about, and the length of its path in the report. For a value that is missing, the
 * value that should contain it; undefined for the whole configuration. Of duplicate fields, the last one.
 */
export function placeOf(report: string, places: readonly Place[]): Place | undefined {
  let found: Place | undefined;
  for (const place of places) {
    const isAbout = report.startsWith(place.path) && /^[.:[]/.test(report.slice(place.path.length));
    if (isAbout && place.path.length >= (found?.path.length ?? 0)) found = place;
  }
  return found;
}

/** Maximum number of UTF-16 units of a name in the filter's messages (assembly/config/values/shown.ts). */
const MOST_SHOWN = 64;

/** A name as the filter shows it: shortened, with control characters, quotes and backslashes escaped. */
function shownName(name: string): string {
  const isPair = /[\ud800-\udbff]/.test(name.charAt(MOST_SHOWN - 1));
  const short = name.length <= MOST_SHOWN ? name : `${name.slice(0, isPair ? MOST_SHOWN - 1 : MOST_SHOWN)}…`;
  return short.replaceAll(/\p{Cc}|["\\]/gu, (character) => {
    const code = character.charCodeAt(0);
    if (character === '"' || character === "\\") return `\\${character}`;
    // Characters from U+0080 stay as they are.
    return code < 0x80 ? `\\u${code.toString(16).padStart(4, "0")}` : character;
  });
}
