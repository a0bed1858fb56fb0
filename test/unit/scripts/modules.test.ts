/** How the modules that tests drive are compiled. */
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, it } from "vitest";
import { compileOnce } from "../../modules.ts";

const FLAGS = ["--runtime", "stub"];

let folder: string;
let entry: string;
let output: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mcp-modules-"));
  entry = relative("", join(folder, "entry.ts"));
  output = join(folder, "output", "entry.wasm");
  writeFileSync(
    join(folder, "entry.ts"),
    `import { value } from "./value"; export function answer(): i32 { return value; }`,
  );
  writeValue(42);
});
afterEach(() => rmSync(folder, { recursive: true }));

function writeValue(value: number): void {
  writeFileSync(join(folder, "value.ts"), `export const value = ${value};`);
}

/** When the module was last compiled, in nanoseconds. */
function compiledAt(): bigint {
  return statSync(output, { bigint: true }).mtimeNs;
}

it("a module is compiled again where the text of a source has changed, and only there", () => {
  compileOnce(entry, output, FLAGS);
  const first = compiledAt();
  utimesSync(join(folder, "value.ts"), new Date(), new Date());
  compileOnce(entry, output, FLAGS);
  expect(compiledAt()).toBe(first);

  writeValue(43);
  compileOnce(entry, output, FLAGS);
  const second = compiledAt();
  expect(second).toBeGreaterThan(first);

  compileOnce(entry, output, [...FLAGS, "-O2"]);
  expect(compiledAt()).toBeGreaterThan(second);
});

it("processes that need the same module at once compile it once", async () => {
  const code = `import { compileOnce } from "./test/modules.ts";
    import { statSync } from "node:fs";
    compileOnce(${JSON.stringify(entry)}, ${JSON.stringify(output)}, ${JSON.stringify(FLAGS)});
    console.log(statSync(${JSON.stringify(output)}, { bigint: true }).mtimeNs);`;
  const args = ["--import", "tsx", "--input-type", "module", "--eval", code];
  const runs = await Promise.all([1, 2, 3].map(() => promisify(execFile)(process.execPath, args)));
  expect(runs.map(({ stdout }) => stdout.trim())).toEqual(runs.map(() => `${compiledAt()}n`));
});

it("a source that does not compile is reported, and compiled again when it is mended", () => {
  writeFileSync(join(folder, "value.ts"), "export const value = ;");
  expect(() => compileOnce(entry, output, FLAGS)).toThrow(/entry\.ts does not compile:\n[^]*Expression expected/);
  writeValue(42);
  compileOnce(entry, output, FLAGS);
  expect(readdirSync(join(folder, "output")).toSorted()).toEqual(["entry.wasm", "entry.wasm.origin.json"]);
});

it("the lock of a process that was killed is no obstacle", () => {
  compileOnce(entry, output, FLAGS);
  writeValue(43);
  // No process has this number: Linux gives at most 2^22.
  writeFileSync(`${output}.lock`, String(2 ** 30));
  const first = compiledAt();
  compileOnce(entry, output, FLAGS);
  expect(compiledAt()).toBeGreaterThan(first);
});
