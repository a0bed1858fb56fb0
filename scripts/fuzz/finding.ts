import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Something that is wrong, with what shows it. */
export interface Finding {
  readonly target: string;
  /** What is wrong. */
  readonly error: string;
  /** The run's, and the batch's number: together they bring the same inputs again. */
  readonly seed: number;
  readonly batch: number;
  /** The inputs that show it, one after another; mostly one. None where they are too many: then a whole batch does. */
  readonly inputs: readonly unknown[];
}

const FOLDER = fileURLToPath(new URL("../../build/fuzz/", import.meta.url));

/** Where findings go, and what has to do with them. The folder is there afterwards. */
export function findingPath(name: string): string {
  mkdirSync(FOLDER, { recursive: true });
  return join(FOLDER, name);
}

/** Writes a finding to a file of its own, ready to be kept in test/fuzz/findings. Returns the file's path. */
export function writeFinding(finding: Finding): string {
  const path = findingPath(`${finding.target}-${finding.seed}-${finding.batch}.json`);
  writeFileSync(path, toText(finding));
  return path;
}

/** The only member of what stands for a Buffer: its bytes, each as the character of the same number. */
const BYTES = "bytes";

/** Text, all ASCII, from which {@link fromText} makes the same again, Buffers too. */
export function toText(value: unknown): string {
  const text = JSON.stringify(
    value,
    // What is given as the value has been through Buffer's own toJSON.
    function (this: Record<string, unknown>, name, each: unknown) {
      const original = this[name];
      return original instanceof Uint8Array ? { [BYTES]: Buffer.from(original).toString("latin1") } : each;
    },
    2,
  );
  const ascii = text.replace(/[\u007f-\uffff]/g, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return `${ascii}\n`;
}

export function fromText(text: string): unknown {
  return JSON.parse(text, (_, value: unknown) => {
    if (typeof value !== "object" || value === null || Object.keys(value).join() !== BYTES) return value;
    return Buffer.from((value as Record<typeof BYTES, string>)[BYTES], "latin1");
  });
}
