/** Compiles AssemblyScript entries of the scripts with the flags of the filter's own build. */
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { type ASUtil, instantiateSync } from "@assemblyscript/loader";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const ASC = join(ROOT, "node_modules", "assemblyscript", "bin", "asc.js");
const OUTPUT = join("build", "scripts");

/** The part of asconfig.json that affects the code. */
interface AsConfig {
  options: { runtime: string; enable: string[]; exportStart: string; use: string[] };
  targets: { release: { optimizeLevel: number; shrinkLevel: number; converge: boolean; noAssert: boolean } };
}

/** Differences from the filter's own build. */
export interface CompileOptions {
  /** Whether the module is for a proxy, with the filter's `abort` and start function; otherwise it is for Node. */
  forProxy?: boolean;
  /** Further arguments of asc. */
  flags?: string[];
  /** Additional environment variables. */
  env?: NodeJS.ProcessEnv;
}

/** Compiles an entry (a path relative to the repository's root) and returns the path of the module. */
export async function compile(
  entry: string,
  { forProxy = false, flags = [], env }: CompileOptions = {},
): Promise<string> {
  const { options, targets } = JSON.parse(readFileSync(join(ROOT, "asconfig.json"), "utf8")) as AsConfig;
  const { optimizeLevel, shrinkLevel, converge, noAssert } = targets.release;
  const output = join(OUTPUT, `${basename(entry, ".as.ts")}.wasm`);
  const args = [entry, "--outFile", output, "--runtime", options.runtime, "--enable", options.enable.join(",")];
  args.push("--optimizeLevel", String(optimizeLevel), "--shrinkLevel", String(shrinkLevel));
  if (converge) args.push("--converge");
  if (noAssert) args.push("--noAssert");
  if (forProxy) args.push("--exportStart", options.exportStart, "--use", options.use.join(","));
  else args.push("--exportRuntime");
  // A missing configuration file prevents asc from using asconfig.json, and with it the filter's own entry.
  args.push("--config", join(OUTPUT, "none.json"), "--baseDir", ROOT, ...flags);

  mkdirSync(join(ROOT, dirname(output)), { recursive: true });
  // In a separate process, because tsx would first transform the compiler's own sources, which takes longer than
  // compiling.
  const run = promisify(execFile)(process.execPath, [ASC, ...args], { cwd: ROOT, env: { ...process.env, ...env } });
  await run.catch((error: Error & { stderr: string }) => {
    throw new Error(`${entry} does not compile:\n${error.stderr}`, { cause: error });
  });
  return join(ROOT, output);
}

/** Compiles an entry for this process and returns its exports. */
export async function load<Exports extends object>(
  entry: string,
  options: CompileOptions = {},
): Promise<Exports & ASUtil> {
  const module = readFileSync(await compile(entry, options));
  return instantiateSync<Exports & Record<string, unknown>>(module, {}).exports;
}
