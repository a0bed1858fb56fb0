import { TestModule } from "../module.ts";
import type { Node } from "./documents.ts";
import { ANY, EACH, type Path } from "./path.ts";
import { TOKENS, type TokenName, tokenLine } from "./tokenizer.ts";

/** The fields of modules/fields.ts that are told by the token that begins them. */
export const FIELDS = new Map<number, Path>([
  [1, []],
  [2, ["a"]],
  [3, ["a", "b"]],
  [4, ["a", "b", "c"]],
  [5, ["x", "y"]],
  [6, ["list", EACH]],
  [7, ["list", EACH, "name"]],
  [8, ["grid", EACH, EACH]],
  [11, ["any", ANY, "name"]],
  [13, ["any", "known"]],
  [14, ["only", ANY]],
  [63, ["x", '"/']],
]);

/** Those whose bytes are handed out. */
export const CAPTURED = new Map<number, Path>([
  [9, ["raw"]],
  [10, ["list", EACH, "raw"]],
  [12, ["any", ANY, "raw"]],
]);

/** The line of the end of a document in a list; one that is no container has none. */
export const DOCUMENT_END = "end";

export interface Read {
  /** Each field found in a line: its number, and the token that begins its value, or the bytes captured. Of a list of
   *  documents also {@link DOCUMENT_END}. */
  readonly found: string[];
  /** What was captured of a value that has not come to its end; undefined where there is none. */
  readonly open: string | undefined;
  /** The fields that stand in the document. */
  readonly present: number[];
  readonly isFaulty: boolean;
  readonly complete: boolean;
}

interface Exports {
  begin(): void;
  feed(at: number, length: number): void;
  fault(): number;
  complete(): number;
  has(field: number): number;
}

let found: string[] = [];
let open: { field: number; parts: Buffer[] } | undefined;

const module: TestModule<Exports> = new TestModule("fields", {
  field(field: number, value: number, at: number, length: number, total: number): void {
    if (open !== undefined) throw new Error("a field inside of one that is captured");
    found.push(`${field} ${tokenLine(TOKENS[value], module.bytes(at, length), total)}`);
  },
  part(field: number, isLast: number, at: number, length: number): void {
    open ??= { field, parts: [] };
    if (open.field !== field) throw new Error(`parts of ${open.field} and ${field} together`);
    open.parts.push(module.bytes(at, length));
    if (isLast === 0 && length === 0) throw new Error("a part without bytes");
    if (isLast === 0) return;
    found.push(capturedLine(field, Buffer.concat(open.parts)));
    open = undefined;
  },
  documentEnd(): void {
    if (open !== undefined) throw new Error("a document's end inside of a field that is captured");
    found.push(DOCUMENT_END);
  },
});

/** The line of a captured field. */
export function capturedLine(field: number, bytes: Uint8Array): string {
  return `${field} = ${Buffer.from(bytes).toString("latin1")}`;
}

/** Picks the fields out of a document that comes in chunks. */
export function read(chunks: readonly Uint8Array[]): Read {
  const { exports } = module;
  found = [];
  open = undefined;
  exports.begin();
  for (const chunk of chunks) module.lend(chunk, (at, length) => exports.feed(at, length));
  return {
    found,
    open: openParts()?.toString("latin1"),
    present: [...FIELDS.keys()].filter((field) => exports.has(field) !== 0),
    isFaulty: exports.fault() !== 0,
    complete: exports.complete() !== 0,
  };
}

function openParts(): Buffer | undefined {
  return open && Buffer.concat(open.parts);
}

/** A place on the way to fields. */
interface Place {
  field?: number;
  isCaptured?: boolean;
  readonly members: Map<string, Place>;
  each?: Place;
  any?: Place;
}

const root = ((): Place => {
  const root: Place = { members: new Map() };
  for (const [field, path] of [...FIELDS, ...CAPTURED]) {
    let place = root;
    for (const name of path) {
      if (name === EACH) place = place.each ??= { members: new Map() };
      else if (name === ANY) place = place.any ??= { members: new Map() };
      else {
        if (!place.members.has(name)) place.members.set(name, { members: new Map() });
        place = place.members.get(name)!;
      }
    }
    place.field = field;
    place.isCaptured = CAPTURED.has(field);
  }
  return root;
})();

/** What {@link read} must find in a document, by the tree that it was written from. `written`: its values' texts. */
export function reference(document: Node, written: ReadonlyMap<Node, string>): string[] {
  const lines: string[] = [];
  const visit = (node: Node, place: Place | undefined): void => {
    if (place === undefined) return;
    if (place.field !== undefined) {
      const line = place.isCaptured
        ? capturedLine(place.field, Buffer.from(written.get(node)!))
        : `${place.field} ${firstLine(node)}`;
      lines.push(line);
    }
    if (node.type === "array") node.items.forEach((item) => visit(item, place.each));
    if (node.type === "object") {
      node.members.forEach(({ key, value }) => visit(value, place.members.get(key.value) ?? place.any));
    }
  };
  if (document.type !== "array") visit(document, root);
  else {
    for (const item of document.items) {
      visit(item, root);
      if (item.type === "array" || item.type === "object") lines.push(DOCUMENT_END);
    }
  }
  return lines;
}

function firstLine(node: Node): string {
  const line = (name: TokenName, text = ""): string => tokenLine(name, Buffer.from(text));
  switch (node.type) {
    case "literal":
      return line(node.text === "null" ? "Null" : node.text === "true" ? "True" : "False");
    case "number":
      return line("Number", node.text);
    case "string":
      return line("String", node.spelling.value);
    case "array":
      return "ArrayStart";
    case "object":
      return "ObjectStart";
  }
}

/** Bytes of the module's memory, which only ever grows. */
export function memorySize(): number {
  return module.exports.memory!.buffer.byteLength;
}
