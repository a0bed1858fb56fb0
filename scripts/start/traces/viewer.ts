/** Runs MLflow, whose page shows the spans that it receives. It is installed into the cache, and its store is temporary. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { cachedVenv, findPython, type VenvContents, venvName } from "../../python.ts";

const SERVER = fileURLToPath(new URL("server.py", import.meta.url));
const REQUIREMENTS = fileURLToPath(new URL("requirements.txt", import.meta.url));
const PINS = readFileSync(REQUIREMENTS, "utf8");
const PYTHON_MINOR = 11;
const NAME = "mlflow";
const CONTENTS: VenvContents = { packages: [], options: ["--no-deps", "--requirement", REQUIREMENTS], pins: PINS };
const BEAT_MS = 5000;
/** The number of bytes of the viewer's latest error output that are kept for the message if it ends. */
const ERROR_BYTES = 4000;

/** A running viewer. */
export interface TraceViewer {
  /** The endpoint for spans: OTLP/HTTP at /v1/traces, with these headers. It answers when the viewer is ready. */
  collector: { host: string; port: number; headers: Record<string, string> };
  /** Resolves to the URL of the page with the sessions when the viewer is ready. Rejects with one sentence if the viewer ends
   *  before. */
  page: Promise<string>;
  /** Resolves with one sentence if the viewer ends without {@link stop}. */
  died: Promise<string>;
  /** Ends the viewer and removes its store. */
  stop(): Promise<void>;
}

interface Options {
  /** Called with one line for each step that takes time. */
  progress: (line: string) => void;
  /** Aborts an installation. The promise then rejects. */
  signal?: AbortSignal;
}

/** Starts the viewer on a free port of 127.0.0.1. It is ready some seconds later. The first call installs it. Rejects with one
 *  sentence. */
export async function startTraceViewer(options: Options): Promise<TraceViewer> {
  const python = await installed(options);
  const folder = await mkdtemp(join(tmpdir(), "mcp-proxy-wasm-traces-"));
  const child = launch(python, folder);
  let errors = "";
  child.stderr!.setEncoding("utf8").on("data", (chunk: string) => (errors = (errors + chunk).slice(-ERROR_BYTES)));
  let stopping = false;
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const died = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(`The viewer of traces does not start: ${error.message}`));
    child.once("close", () => {
      if (!stopping) resolve(`The viewer of traces has ended: ${errors.trim().split("\n").slice(-3).join("\n")}`);
    });
  });
  const stop = async () => {
    stopping = true;
    child.kill("SIGKILL");
    await closed;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const failed = died.then((message) => Promise.reject(new Error(message)));
    const { port, experiment, entry } = await Promise.race([firstLine(child), failed]);
    const collector = { host: "127.0.0.1", port, headers: { "x-mlflow-experiment-id": experiment } };
    const page = Promise.race([pageAt(`http://127.0.0.1:${port}${entry}`), failed]);
    page.catch(() => {});
    return { collector, page, died, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Installs MLflow's server if it is missing. Returns the Python that can run it. */
async function installed({ progress, signal }: Options): Promise<string> {
  const python = await requirePython(signal);
  const [, version] = /^mlflow==(.*)$/m.exec(PINS)!;
  let beat: NodeJS.Timeout | undefined;
  const begins = () => {
    progress(`Fetching MLflow ${version}, which shows traces, from PyPI (some 65 MB, once)`);
    const started = Date.now();
    beat = setInterval(
      () => progress(`Still installing (${Math.round((Date.now() - started) / 1000)} s of about 60)`),
      BEAT_MS,
    );
  };
  try {
    return await cachedVenv(NAME, python, CONTENTS, { begins, signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Error(`MLflow, which shows traces, could not be installed: ${(error as Error).message}`, {
      cause: error,
    });
  } finally {
    clearInterval(beat);
  }
}

async function requirePython(signal?: AbortSignal): Promise<string> {
  const python = await findPython(signal, PYTHON_MINOR);
  if (python !== undefined) return python;
  throw new Error(`--traces needs Python 3.${PYTHON_MINOR} or newer, and none was found: install it.`);
}

/** The name of the cache folder with MLflow's server and its Python. */
export async function viewerFolder(): Promise<string> {
  return venvName(NAME, await requirePython(), CONTENTS);
}

/** Starts the viewer's process. It ends when its standard input closes, so it never outlives this process. It has a process
 *  group of its own, so that Ctrl-C in a terminal does not interrupt it: stop() ends it. */
function launch(python: string, folder: string): ChildProcess {
  const env = { ...process.env, PYTHONUTF8: "1", PYTHONWARNINGS: "ignore" };
  return spawn(python, [SERVER, folder], { env, stdio: "pipe", detached: true });
}

interface Started {
  port: number;
  experiment: string;
  entry: string;
}

/** Reads the viewer's first line of output. Later output is discarded. */
function firstLine(child: ChildProcess): Promise<Started> {
  return new Promise((resolve) => {
    createInterface(child.stdout!).on("line", (line) => resolve(JSON.parse(line) as Started));
  });
}

/** Resolves to `url` when the viewer answers there. It accepts connections at once, and answers when it is ready. */
async function pageAt(url: string): Promise<string> {
  const { status } = await fetch(url);
  if (status !== 200) throw new Error(`The viewer of traces answers with ${status}.`);
  return url;
}
