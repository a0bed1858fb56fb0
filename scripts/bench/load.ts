/**
 * `npm run bench:load`: shows what each part of the filter adds to its module, and to the time that V8 needs to compile
 * it. Envoy makes V8 compile all functions with its optimizing compiler when it loads a module, once for each
 * configuration.
 */
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Command } from "commander";
import { compile } from "../compile.ts";
import { sizesOf } from "./load/sections.ts";
import { renderTerminal } from "./report/terminal.ts";

/** The V8 flags of Envoy's Wasm runtime, and one that makes V8 compile all functions at once. */
const V8_FLAGS = ["--no-liftoff", "--no-wasm-lazy-compilation"];
const PROBE = fileURLToPath(new URL("load/compile-time.mjs", import.meta.url));

/**
 * The features of the filter, and the folders of `assembly/` with code that only they need. The rest is the decoder
 * with its statistics.
 */
const FEATURES: Readonly<Record<string, readonly string[]>> = {
  "access policies": ["access", "config/access"],
  limits: ["limits", "config/limits", "store/allowances", "store/claims", "store/permits", "store/waiting_workers"],
  "both: holding, strict reading, answers, edits": ["gate", "rules", "edit", "config/rules", "json/canonical"],
  traces: ["trace/otlp", "trace/export", "trace/spans", "mcp/spans", "config/sections/trace"],
  "token estimates": ["tokens"],
  "configuration, its report and its hand-over": ["config", "filter/configuration", "store/kept_configurations"],
};
const REST = "decoder, sessions, statistics, logs";
const RUNTIME = "runtime of AssemblyScript";

interface Part {
  part: string;
  bytes: number;
  /** Fraction of the code. */
  share: number;
}

const options = new Command("npm run bench:load --")
  .description("Shows what each part of the filter adds to its module, and how long V8 compiles it.")
  .option("--json <file>", "writes all figures")
  .parse()
  .opts<{ json?: string }>();

const flags = ["--debug", "--transform", "./scripts/build-info.mjs"];
const path = await compile("assembly/index.ts", { forProxy: true, flags });
const { functions, data, total } = sizesOf(await readFile(path));
const parts = partsOf(functions);
const compileMs = await compileTime(path);
const floorMs = await compileTime(await compile("scripts/bench/modules/floor.as.ts", { forProxy: true }));

console.log(
  renderTerminal({
    head: ["part", "bytes of code", "share", "ms of CPU to compile"],
    textColumns: 1,
    rows: parts.map(({ part, bytes, share }) => {
      return [part, String(bytes), `${(share * 100).toFixed(1)} %`, (share * compileMs).toFixed(1)];
    }),
  }),
);
console.log(
  `The module has ${total} bytes, of which ${data} are data. V8 compiles it in ${compileMs.toFixed(0)} ms of CPU,`,
);
console.log(`and a filter that does nothing in ${floorMs.toFixed(1)} ms. A part's time is its share of the code.`);
if (options.json !== undefined) {
  const file = resolve(process.env.INIT_CWD ?? ".", options.json);
  await writeFile(file, `${JSON.stringify({ total, data, compileMs, floorMs, parts }, null, 2)}\n`);
}

/** The parts, the largest first. */
function partsOf(functions: ReadonlyMap<string, number>): Part[] {
  const bytes = new Map<string, number>();
  let code = 0;
  for (const [name, size] of functions) {
    const part = partOf(name);
    bytes.set(part, (bytes.get(part) ?? 0) + size);
    code += size;
  }
  return [...bytes]
    .map(([part, size]) => ({ part, bytes: size, share: size / code }))
    .toSorted((a, b) => b.bytes - a.bytes);
}

/** The part that a function belongs to. An inlined function belongs to the part of its caller. */
function partOf(name: string): string {
  const path = /^(?:start:)?assembly\/(.+)$/.exec(name)?.[1];
  if (path === undefined) return RUNTIME;
  const isIn = (folder: string) => path.startsWith(`${folder}/`);
  // The longest matching folder decides.
  const found = Object.entries(FEATURES)
    .flatMap(([part, folders]) => folders.filter(isIn).map((folder) => ({ part, length: folder.length })))
    .toSorted((a, b) => b.length - a.length);
  return found.at(0)?.part ?? REST;
}

async function compileTime(module: string): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, [...V8_FLAGS, PROBE, module]);
  return Number(stdout);
}
