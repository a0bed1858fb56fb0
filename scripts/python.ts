/** Runs Python and its pip. */
import { spawn } from "node:child_process";

/** How a command ended: `ok` with exit code 0; what it wrote to standard error. */
export interface Ended {
  ok: boolean;
  errors: string;
}

/** The command of a Python 3.10 or newer, undefined where there is none. Rejects where `signal` aborts. */
export async function findPython(signal?: AbortSignal): Promise<string | undefined> {
  for (const name of ["python3", "python"]) {
    const check = "import sys; sys.exit(sys.version_info < (3, 10))";
    if ((await run(name, ["-c", check], signal)).ok) return name;
  }
  return undefined;
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
