import { TestModule } from "../module.ts";
import type { Node } from "./documents.ts";

interface Exports {
  beginParts(skipped: number, read: number): void;
  feed(at: number, length: number): void;
}

let runs: Buffer[] = [];

const module: TestModule<Exports> = new TestModule("value_text", {
  run(at: number, length: number): void {
    if (length === 0) throw new Error("a run without bytes");
    runs.push(module.bytes(at, length));
  },
});

/** The text of a value that comes in chunks, of which `skipped` bytes are passed over and `read` are read in turn. */
export function valueText(chunks: readonly Uint8Array[], skipped = 0, read = 2 ** 32 - 1): string {
  const { exports } = module;
  runs = [];
  exports.beginParts(skipped, read);
  for (const chunk of chunks) module.lend(chunk, (at, length) => exports.feed(at, length));
  return Buffer.concat(runs).toString();
}

/** Bytes of the module's memory, which only ever grows. */
export function memorySize(): number {
  return module.exports.memory!.buffer.byteLength;
}

/** What {@link valueText} must give for a value: a string itself, of any other its JSON as JSON.stringify writes it, but
 *  with numbers as they are spelled, members as they stand, and U+FFFD for half a surrogate pair. */
export function textOf(node: Node): string {
  return node.type === "string" ? wellFormed(node.spelling.value) : jsonOf(node);
}

function jsonOf(node: Node): string {
  switch (node.type) {
    case "literal":
    case "number":
      return node.text;
    case "string":
      return JSON.stringify(wellFormed(node.spelling.value));
    case "array":
      return `[${node.items.map(jsonOf).join(",")}]`;
    case "object": {
      const members = node.members.map(({ key, value }) => `${JSON.stringify(wellFormed(key.value))}:${jsonOf(value)}`);
      return `{${members.join(",")}}`;
    }
  }
}

/** The text as it is once it was UTF-8. */
function wellFormed(text: string): string {
  return Buffer.from(text).toString();
}
