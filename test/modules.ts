/**
 * The AssemblyScript modules that tests drive, each compiled when a test first needs it, and again only when the text of one of its
 * sources has changed.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const OUTPUT = join(ROOT, "build", "test");
const ASSEMBLYSCRIPT = dirname(createRequire(import.meta.url).resolve("assemblyscript/package.json"));
const LIST_SOURCES = "./test/list-sources.mjs";
/** How often a process looks whether another one has compiled the module that both need. */
const POLL_MS = 50;

/** The options of asconfig.json that decide on the code: the filter and its tests must have them in common. */
interface AsConfig {
  options: { runtime: string; enable: string[]; exportStart: string; use: string[] };
}

const { options } = JSON.parse(readFileSync(join(ROOT, "asconfig.json"), "utf8")) as AsConfig;
const SHARED = ["--runtime", options.runtime, "--enable", options.enable.join(",")];
const AS_RELEASED = [...SHARED, "--exportStart", options.exportStart, "--use", options.use.join(",")];

/** How the modules of each folder are compiled. */
const FLAGS: Readonly<Record<string, readonly string[]>> = {
  // With assertions, so that a test sees the broken rule, not what follows from it.
  "test/unit/modules": [...SHARED, "--exportRuntime", "-O2"],
  // The filter with a fault built in, otherwise as the release.
  "test/envoy/modules": [...AS_RELEASED, "-O3", "--noAssert"],
  // The filter of a later version, otherwise as the release.
  "test/envoy/upgrade/modules": [
    ...AS_RELEASED,
    ...["-O3", "--noAssert", "--transform", "./test/envoy/upgrade/modules/next-format.mjs"],
  ],
  // The filter, which reports each block of memory that it allocates to its host.
  "test/host/filter/modules": [...AS_RELEASED, "-O2", "--use", "ASC_RTRACE=1"],
  // The binding of the ABI without the filter, for facilities that the filter does not use yet.
  "test/host/binding/modules": [...AS_RELEASED, "-O2"],
  // They import nothing but the ABI: no runtime, and no `abort`.
  "test/host/modules": ["--runtime", "stub", "--use", "abort=", "-O2"],
};

/** What a module was compiled from. */
interface Origin {
  /** A hash of the compiler's version and arguments. */
  readonly command: string;
  /** A hash of each source, by its path. */
  readonly sources: Readonly<Record<string, string>>;
}

/** The paths of the modules that this process has found current. */
const current = new Map<string, string>();

/**
 * The path of a compiled module. Blocks while the module is compiled, by this process or by another one that needs it too.
 * @param entry the path of its AssemblyScript from the repository's root
 * @throws the compiler's messages where the module does not compile
 */
export function modulePath(entry: string): string {
  let path = current.get(entry);
  if (path === undefined) {
    path = compileStale(entry);
    current.set(entry, path);
  }
  return path;
}

function compileStale(entry: string): string {
  const output = join(OUTPUT, `${basename(entry, ".ts")}.wasm`);
  compileOnce(entry, output, FLAGS[dirname(entry)]);
  return output;
}

/** Compiles `entry` to `output` with these flags of asc, unless `output` was compiled by them from the same texts. Blocks
 *  like {@link modulePath}. */
export function compileOnce(entry: string, output: string, flags: readonly string[]): void {
  // Without a file that never exists, asc adds the filter's own entry and output from asconfig.json.
  const args = [entry, ...flags, "--config", "build/test/none.json", "--transform", LIST_SOURCES];
  const { version } = JSON.parse(readFileSync(join(ASSEMBLYSCRIPT, "package.json"), "utf8")) as { version: string };
  const command = hashOf([version, ...args].join("\0"));
  if (isCurrent(output, command)) return;

  mkdirSync(dirname(output), { recursive: true });
  const lock = `${output}.lock`;
  while (!acquire(lock)) sleep(POLL_MS);
  try {
    if (!isCurrent(output, command)) compile(output, args, command);
  } finally {
    rmSync(lock, { force: true });
  }
}

function compile(output: string, args: readonly string[], command: string): void {
  const unfinished = `${output}.${process.pid}`;
  const asc = [join(ASSEMBLYSCRIPT, "bin", "asc.js"), ...args, "--outFile", unfinished];
  let listed: string;
  try {
    listed = execFileSync(process.execPath, asc, { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    throw new Error(`${args[0]} does not compile:\n${(error as { stderr: string }).stderr}`, { cause: error });
  }
  const origin: Origin = { command, sources: JSON.parse(listed) as Origin["sources"] };
  // In this order: an interrupted process leaves no module with another one's origin.
  rmSync(originPath(output), { force: true });
  renameSync(unfinished, output);
  writeFileSync(originPath(output), JSON.stringify(origin));
}

/** Whether the module was compiled by this command from sources that are still the same. */
function isCurrent(output: string, command: string): boolean {
  if (!existsSync(output) || !existsSync(originPath(output))) return false;
  const origin = JSON.parse(readFileSync(originPath(output), "utf8")) as Origin;
  return (
    origin.command === command &&
    Object.entries(origin.sources).every(([path, hash]) => {
      const source = join(ROOT, path);
      return existsSync(source) && hashOf(readFileSync(source, "utf8")) === hash;
    })
  );
}

function originPath(output: string): string {
  return `${output}.origin.json`;
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** False where another process holds the lock. A lock of a process that has ended is removed for the next try. */
function acquire(lock: string): boolean {
  try {
    writeFileSync(lock, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    if (!isHeld(lock)) rmSync(lock, { force: true });
    return false;
  }
}

function isHeld(lock: string): boolean {
  try {
    const holder = Number(readFileSync(lock, "utf8"));
    // It is 0 between the making of the file and the writing of its text.
    if (holder !== 0) process.kill(holder, 0);
    return true;
  } catch {
    return false;
  }
}

function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
