/** Changes values in a YAML document, and keeps its comments. */
import { type Document, isPair, isScalar, type Pair, parseDocument, Scalar } from "yaml";

export type Path = readonly (string | number)[];

/** Replaces a value, which must be there, unless `value` is undefined. */
export function replace(document: Document, path: Path, value: unknown): void {
  if (value === undefined) return;
  if (!document.hasIn(path)) throw new Error(`the file has no ${path.join(".")}`);
  put(document, path, value);
}

/** Sets a value, unless `value` is undefined. Scalars keep their style. Digests are quoted: digits alone would be a number. */
export function put(document: Document, path: Path, value: unknown): void {
  if (value === undefined) return;
  const old = document.getIn(path, true);
  if (isScalar(old) && (typeof value !== "object" || value === null)) {
    old.value = value;
    delete old.source;
    return;
  }
  const node = document.createNode(value);
  if (isScalar(node) && typeof value === "string" && /^\d+$/.test(value)) node.type = Scalar.QUOTE_DOUBLE;
  document.setIn(path, node);
}

/** Replaces the comment above a field. */
export function comment(document: Document, path: Path, text: string): void {
  const parent = document.getIn(path.slice(0, -1)) as { items: unknown[] };
  const pair = parent.items.find((item) => isPair(item) && isScalar(item.key) && item.key.value === path.at(-1));
  (pair as Pair<Scalar>).key.commentBefore = ` ${text}`;
}

/** The text of a file with changes. */
export function changed(text: string, change: (document: Document) => void): string {
  const document = parseDocument(text);
  change(document);
  return document.toString({ lineWidth: 0 });
}
