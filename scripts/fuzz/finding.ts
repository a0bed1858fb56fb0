import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** A fault, with the inputs that show it. */
export interface Finding {
  readonly target: string;
  /** Description of the fault. */
  readonly error: string;
  /** The seed of the run, and the number of the batch. Together they reproduce the inputs. */
  readonly seed: number;
  readonly batch: number;
  /** The inputs that show the fault, one after another; usually one. Empty if there are too many: then the whole
   *  batch shows it. */
  readonly inputs: readonly unknown[];
}

const FOLDER = fileURLToPath(new URL("../../build/fuzz/", import.meta.url));

/** The path of a file for findings. Creates the folder. */
export function findingPath(name: string): string {
  mkdirSync(FOLDER, { recursive: true });
  return join(FOLDER, name);
}

/** Writes a finding to a separate file, which can be moved to test/fuzz/findings. Returns the file's path. */
export function writeFinding(finding: Finding): string {
  const path = findingPath(`${finding.target}-${finding.seed}-${finding.batch}.json`);
  writeFileSync(path, toText(finding));
  return path;
}

/** The only member of the representation of a Buffer: a string with one character per byte. */
const BYTES = "bytes";

/** ASCII text from which {@link fromText} restores the value, including Buffers. */
export function toText(value: unknown): string {
  const text = JSON.stringify(
    value,
    // The `each` argument has been converted by Buffer's own toJSON already.
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
