/** Runs Python and its pip. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { cachedFolder } from "./cache.ts";

/** How a command ended: `ok` with exit code 0; what it wrote to standard error. */
export interface Ended {
  ok: boolean;
  errors: string;
}

/** The command of a Python 3.10 or newer (or of a later `minor`), undefined where there is none. Rejects where `signal` aborts. */
export async function findPython(signal?: AbortSignal, minor = 10): Promise<string | undefined> {
  for (const name of ["python3", "python"]) {
    const check = `import sys; sys.exit(sys.version_info < (3, ${minor}))`;
    if ((await run(name, ["-c", check], signal)).ok) return name;
  }
  return undefined;
}

/** What a venv has. */
export interface VenvContents {
  /** As pip takes them, pinned. */
  packages: string[];
  /** Further arguments of pip. */
  options: string[];
  /** The text of the file, among these, that pins versions. */
  pins: string;
}

/** What a caller of {@link cachedVenv} may want to hear and to stop. */
export interface VenvOptions {
  /** Called before it is made, which takes time. */
  begins?: () => void;
  /** Ends the making; the promise then rejects. */
  signal?: AbortSignal;
}

/** The path of a Python that has all this, in a venv that is kept in the cache. Rejects with pip's reason where it cannot be
 *  made. */
export async function cachedVenv(
  name: string,
  python: string,
  contents: VenvContents,
  { begins = () => {}, signal }: VenvOptions = {},
): Promise<string> {
  const make = async (folder: string) => {
    begins();
    const { ok, errors } = await run(python, ["-m", "venv", folder], signal);
    if (!ok) throw new Error(`${python} cannot make a venv: ${errors}`);
    await pipInstall(join(folder, "bin", "python"), [...contents.options, ...contents.packages], signal);
  };
  const venv = await cachedFolder(await venvName(name, python, contents, signal), make, signal);
  return join(venv, "bin", "python");
}

/** The name of the cached folder that {@link cachedVenv} makes. */
export async function venvName(
  name: string,
  python: string,
  { packages, pins }: VenvContents,
  signal?: AbortSignal,
): Promise<string> {
  // A venv is bound to the Python that made it.
  const made = await run(python, ["-c", "import sys; print(sys.version, sys.executable, file=sys.stderr)"], signal);
  const key = createHash("sha256")
    .update(JSON.stringify([made.errors, packages]))
    .update(pins);
  return `${name}-${key.digest("hex").slice(0, 12)}`;
}

/** Installs with the pip of this Python, from wheels alone. Rejects with pip's own reason, in one line. */
export async function pipInstall(python: string, args: string[], signal?: AbortSignal): Promise<void> {
  const quiet = ["--quiet", "--disable-pip-version-check", "--no-input"];
  const { ok, errors } = await run(python, ["-m", "pip", "install", ...quiet, "--only-binary=:all:", ...args], signal);
  if (ok) return;
  const lines = errors.split("\n");
  throw new Error(lines.find((line) => line.startsWith("ERROR:")) ?? lines[0]);
}

/** Runs a command to its end; one that cannot be run is not `ok`. Rejects where `signal` aborts. */
export async function run(command: string, args: string[], signal?: AbortSignal): Promise<Ended> {
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"], signal });
    let errors = "";
    child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
    child.once("error", (error) => {
      // An aborted child is waited for: it may still be writing into a folder that is about to be removed.
      if (!signal?.aborted) resolve({ ok: false, errors: error.message });
    });
    child.once("close", (code) => {
      if (signal?.aborted) reject(new Error("The download was stopped."));
      else resolve({ ok: code === 0, errors: errors.trim() });
    });
  });
}
