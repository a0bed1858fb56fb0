import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";

const OUTPUT = "build/test";

/** A file that is never there: without it asc adds the filter's own entry and output from asconfig.json. */
const NO_CONFIG = ["--config", `${OUTPUT}/none.json`];

/** The part of asconfig.json that decides on the code: what the filter and its unit tests must have in common. */
interface AsConfig {
  options?: { runtime?: string; enable?: string[]; exportStart?: string; use?: string[] };
}

/** Compiles the AssemblyScript modules that the tests drive, where they are older than any source. */
export default async function setup(): Promise<void> {
  mkdirSync(OUTPUT, { recursive: true });
  const { options = {} } = JSON.parse(readFileSync("asconfig.json", "utf8")) as AsConfig;
  const shared = ["--runtime", options.runtime ?? "incremental", "--enable", (options.enable ?? []).join(",")];
  const sources = ["assembly", "asconfig.json"];
  // Assertions stay in: a test shall see the broken rule, not what follows from it.
  await compileStale("test/unit/modules", [...shared, "--exportRuntime", "-O2"], sources);
  // The filter itself with a fault built in: as the release, but for what it exports.
  const asReleased = [...shared, "--exportStart", options.exportStart ?? "", "--use", (options.use ?? []).join(",")];
  await compileStale("test/envoy/modules", [...asReleased, "-O3", "--noAssert"], sources);
  // The filter itself, which tells its host of each block of memory that it allocates.
  await compileStale("test/host/filter/modules", [...asReleased, "-O2", "--use", "ASC_RTRACE=1"], sources);
  // The host's own modules import nothing but the ABI, so without runtime, and with no `abort` to import.
  await compileStale("test/host/modules", ["--runtime", "stub", "--use", "abort=", "-O2"], []);
}

async function compileStale(folder: string, flags: string[], sources: string[]): Promise<void> {
  if (!existsSync(folder)) return;
  const newest = Math.max(...[folder, "test/global-setup.ts", ...sources].map(newestChange));
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".ts"))) {
    const output = join(OUTPUT, `${basename(file, ".ts")}.wasm`);
    if (existsSync(output) && statSync(output).mtimeMs > newest) continue;
    // Loaded only where it is needed: it is large, and takes seconds where tsx transforms it.
    const { default: asc } = await import("assemblyscript/asc");
    const stderr = asc.createMemoryStream();
    const { error } = await asc.main([join(folder, file), "--outFile", output, ...NO_CONFIG, ...flags], { stderr });
    if (error !== null) throw new Error(`${folder}/${file} does not compile:\n${stderr.toString()}`, { cause: error });
  }
}

/** When a file, or the newest file in a folder, was changed. */
function newestChange(path: string): number {
  const stats = statSync(path);
  if (!stats.isDirectory()) return stats.mtimeMs;
  return Math.max(stats.mtimeMs, ...readdirSync(path).map((name) => newestChange(join(path, name))));
}
