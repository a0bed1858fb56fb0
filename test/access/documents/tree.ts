/** JSON documents as written, valid or not: texts keep their spelling, and any byte can occur anywhere. */

/** A value. `text` is its source text, which need not be JSON. */
export type Node =
  { type: "object"; members: Member[] } | { type: "array"; items: Node[] } | { type: "text"; text: string };

/** `key` includes the quotes. */
export interface Member {
  key: string;
  value: Node;
}

/** Start of the private-use characters of Unicode that represent the bytes 0 to 255 in texts for {@link bytesOf}. */
const RAW = 0xe000;
const RAW_LEAD = 0xee;

/** Returns a text that {@link bytesOf} encodes as these bytes, which need not be UTF-8. */
export function raw(...bytes: number[]): string {
  return String.fromCharCode(...bytes.map((byte) => RAW + byte));
}

/** Returns the UTF-8 encoding of a text, with the bytes of {@link raw} unchanged. */
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

/** Returns a JavaScript value as a node. Members that are undefined are left out. */
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

/** Yields the node and all nodes that it contains, outermost first. */
export function* nodesIn(node: Node): Generator<Node> {
  yield node;
  const inside =
    node.type === "object" ? node.members.map(({ value }) => value) : node.type === "array" ? node.items : [];
  for (const value of inside) yield* nodesIn(value);
}

/** Returns the text of a document. `gap` is called for the text between every two tokens. */
export function written(node: Node, gap: () => string = () => ""): string {
  if (node.type === "text") return node.text;
  const items =
    node.type === "array"
      ? node.items.map((item) => gap() + written(item, gap) + gap())
      : node.members.map(({ key, value }) => `${gap()}${key}${gap()}:${gap()}${written(value, gap)}${gap()}`);
  const inside = items.length > 0 ? items.join(",") : gap();
  return node.type === "array" ? `[${inside}]` : `{${inside}}`;
}
