/** JSON documents as they are written, right or wrong: texts are kept as spelled, and any byte can stand anywhere. */

/** A value. `text`: whatever stands there, no matter whether it is JSON. */
export type Node =
  { type: "object"; members: Member[] } | { type: "array"; items: Node[] } | { type: "text"; text: string };

/** `key`: with its quotes. */
export interface Member {
  key: string;
  value: Node;
}

/** Where the bytes 0 to 255 stand in a text that {@link bytesOf} makes bytes of: private characters of Unicode. */
const RAW = 0xe000;
const RAW_LEAD = 0xee;

/** A text that is written as these bytes, UTF-8 or not. */
export function raw(...bytes: number[]): string {
  return String.fromCharCode(...bytes.map((byte) => RAW + byte));
}

/** The UTF-8 of a text, with the bytes of {@link raw} as they are. */
export function bytesOf(text: string): Buffer {
  const bytes = Buffer.from(text);
  let length = 0;
  for (let at = 0; at < bytes.length; at++, length++) {
    const isRaw = bytes[at] === RAW_LEAD && bytes[at + 1] >= 0x80 && bytes[at + 1] <= 0x83;
    bytes[length] = isRaw ? ((bytes[at + 1] & 3) << 6) | (bytes[at + 2] & 0x3f) : bytes[at];
    if (isRaw) at += 2;
  }
  return bytes.subarray(0, length);
}

/** A value of JavaScript as a node; undefined members are left out. */
export function nodeOf(value: unknown): Node {
  if (Array.isArray(value)) return { type: "array", items: value.map(nodeOf) };
  if (typeof value !== "object" || value === null) return { type: "text", text: JSON.stringify(value) };
  const members = Object.entries(value).filter(([, inside]) => inside !== undefined);
  return {
    type: "object",
    members: members.map(([name, inside]) => ({ key: JSON.stringify(name), value: nodeOf(inside) })),
  };
}

export function copyOf(node: Node): Node {
  return structuredClone(node);
}

/** The node and all that it holds, outermost first. */
export function* nodesIn(node: Node): Generator<Node> {
  yield node;
  const inside =
    node.type === "object" ? node.members.map(({ value }) => value) : node.type === "array" ? node.items : [];
  for (const value of inside) yield* nodesIn(value);
}

/** The text of a document. `gap`: what stands between two tokens, asked for each time. */
export function written(node: Node, gap: () => string = () => ""): string {
  if (node.type === "text") return node.text;
  const items =
    node.type === "array"
      ? node.items.map((item) => gap() + written(item, gap) + gap())
      : node.members.map(({ key, value }) => `${gap()}${key}${gap()}:${gap()}${written(value, gap)}${gap()}`);
  const inside = items.length > 0 ? items.join(",") : gap();
  return node.type === "array" ? `[${inside}]` : `{${inside}}`;
}
