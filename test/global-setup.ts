import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";

const OUTPUT = "build/test";

/** A file that is never there: without it asc adds the filter's own entry and output from asconfig.json. */
const NO_CONFIG = ["--config", `${OUTPUT}/none.json`];

/** The part of asconfig.json that decides on the code: what the filter and its unit tests must have in common. */
interface AsConfig {
  options?: { runtime?: string; enable?: string[]; exportStart?: string; use?: string[] };
}

/** Compiles the AssemblyScript modules that the tests drive, where they are older than any of their own sources. */
export default async function setup(): Promise<void> {
  if (process.env.MCP_TEST_SEED)
    console.log(`Fresh seed of generated inputs: MCP_TEST_SEED=${process.env.MCP_TEST_SEED}`);
  mkdirSync(OUTPUT, { recursive: true });
  const { options = {} } = JSON.parse(readFileSync("asconfig.json", "utf8")) as AsConfig;
  const shared = ["--runtime", options.runtime ?? "incremental", "--enable", (options.enable ?? []).join(",")];
  // Assertions stay in: a test shall see the broken rule, not what follows from it.
  await compileStale("test/unit/modules", [...shared, "--exportRuntime", "-O2"]);
  // The filter itself with a fault built in: as the release, but for what it exports.
  const asReleased = [...shared, "--exportStart", options.exportStart ?? "", "--use", (options.use ?? []).join(",")];
  await compileStale("test/envoy/modules", [...asReleased, "-O3", "--noAssert"]);
  // The filter itself, which tells its host of each block of memory that it allocates.
  await compileStale("test/host/filter/modules", [...asReleased, "-O2", "--use", "ASC_RTRACE=1"]);
  // The binding of the ABI without the filter, for the facilities that the filter does not use yet.
  await compileStale("test/host/binding/modules", [...asReleased, "-O2"]);
  // The host's own modules import nothing but the ABI, so without runtime, and with no `abort` to import.
  await compileStale("test/host/modules", ["--runtime", "stub", "--use", "abort=", "-O2"]);
}

async function compileStale(folder: string, flags: string[]): Promise<void> {
  if (!existsSync(folder)) return;
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".ts"))) {
    const output = join(OUTPUT, `${basename(file, ".ts")}.wasm`);
    if (isCurrent(output)) continue;
    // Loaded only where it is needed: it is large, and takes seconds where tsx transforms it.
    const { default: asc } = await import("assemblyscript/asc");
    const stderr = asc.createMemoryStream();
    const sources = new Set(["asconfig.json", "test/global-setup.ts"]);
    const readFile = (name: string, base: string): string | null => {
      const path = resolve(base, name);
      if (!existsSync(path)) return null;
      sources.add(relative("", path));
      return readFileSync(path, "utf8");
    };
    const { error } = await asc.main([join(folder, file), "--outFile", output, ...NO_CONFIG, ...flags], {
      stderr,
      readFile,
    });
    if (error !== null) throw new Error(`${folder}/${file} does not compile:\n${stderr.toString()}`, { cause: error });
    writeFileSync(sourceList(output), JSON.stringify([...sources]));
  }
}

/** Where it is kept which files a module was compiled from. */
function sourceList(output: string): string {
  return `${output}.sources.json`;
}

/** Whether the module is newer than every file that it was compiled from. */
function isCurrent(output: string): boolean {
  if (!existsSync(output) || !existsSync(sourceList(output))) return false;
  const compiled = statSync(output).mtimeMs;
  const sources = JSON.parse(readFileSync(sourceList(output), "utf8")) as string[];
  return sources.every((path) => existsSync(path) && statSync(path).mtimeMs < compiled);
}
