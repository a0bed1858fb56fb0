/** Runs Python and its pip. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { cachedFolder } from "./cache.ts";

/** The end of a command: `ok` for exit code 0, and its output on standard error. */
export interface Ended {
  ok: boolean;
  errors: string;
}

/**
 * The command of a Python 3.10 or newer (or of a later `minor`); undefined if there is none. Rejects if `signal`
 * aborts.
 */
export async function findPython(signal?: AbortSignal, minor = 10): Promise<string | undefined> {
  for (const name of ["python3", "python"]) {
    const check = `import sys; sys.exit(sys.version_info < (3, ${minor}))`;
    if ((await run(name, ["-c", check], signal)).ok) return name;
  }
  return undefined;
}

/** The contents of a venv. */
export interface VenvContents {
  /** The packages in pip's syntax, pinned. */
  packages: string[];
  /** Further arguments of pip. */
  options: string[];
  /** The text of the file, named in the options, that pins versions. */
  pins: string;
}

/** Options of {@link cachedVenv}. */
export interface VenvOptions {
  /** Called before the venv is created, which takes time. */
  begins?: () => void;
  /** Aborts the creation; the promise then rejects. */
  signal?: AbortSignal;
}

/**
 * The path of a Python with these contents, in a cached venv. Rejects with pip's reason if the venv cannot be created.
 */
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

/** The name of the cached folder that {@link cachedVenv} creates. */
export async function venvName(
  name: string,
  python: string,
  { packages, pins }: VenvContents,
  signal?: AbortSignal,
): Promise<string> {
  // A venv depends on the Python that created it.
  const made = await run(python, ["-c", "import sys; print(sys.version, sys.executable, file=sys.stderr)"], signal);
  const key = createHash("sha256")
    .update(JSON.stringify([made.errors, packages]))
    .update(pins);
  return `${name}-${key.digest("hex").slice(0, 12)}`;
}

/** Installs only wheels, with the pip of this Python. Rejects with pip's own reason, in one line. */
export async function pipInstall(python: string, args: string[], signal?: AbortSignal): Promise<void> {
  const quiet = ["--quiet", "--disable-pip-version-check", "--no-input"];
  const { ok, errors } = await run(python, ["-m", "pip", "install", ...quiet, "--only-binary=:all:", ...args], signal);
  if (ok) return;
  const lines = errors.split("\n");
  throw new Error(lines.find((line) => line.startsWith("ERROR:")) ?? lines[0]);
}

/** Runs a command to its end. A command that cannot be run is not `ok`. Rejects if `signal` aborts. */
export async function run(command: string, args: string[], signal?: AbortSignal): Promise<Ended> {
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"], signal });
    let errors = "";
    child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
    child.once("error", (error) => {
      // Waits for an aborted child, because it may still be writing into a folder that is about to be removed.
      if (!signal?.aborted) resolve({ ok: false, errors: error.message });
    });
    child.once("close", (code) => {
      if (signal?.aborted) reject(new Error("The download was stopped."));
      else resolve({ ok: code === 0, errors: errors.trim() });
    });
  });
}
