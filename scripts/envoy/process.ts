/** Runs an Envoy with our configuration on loopback, for `npm start` and for the end-to-end tests. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { findEnvoy } from "./binary.ts";
import { type ConfigValues, renderConfig } from "./config.ts";
import { requireFreePort } from "./port.ts";

const BUILT_WASM = fileURLToPath(new URL("../../build/mcp.wasm", import.meta.url));
const READY_MS = 30_000;
const STOP_MS = 5_000;
const LOG_BYTES = 1 << 20;

/** Options of {@link startEnvoy}. Only `upstream` is required. */
export interface EnvoyOptions extends Pick<ConfigValues, "upstream" | "pluginConfig" | "collector" | "withoutFilter"> {
  /** Number of worker threads; 1 if absent. */
  concurrency?: number;
  /** The proxy's port; a free one if absent. */
  listenerPort?: number;
  /** The port of the admin page; a free one if absent. */
  adminPort?: number;
  /** The module; build/mcp.wasm if absent. */
  wasmPath?: string;
  /** The binary; the result of findEnvoy() if absent. */
  envoyPath?: string;
  /** A last change to the rendered configuration, for a test that needs another Envoy than the shipped one. */
  vary?: (config: string) => string;
  /** Receives each line that Envoy writes to standard output or error, without its end. */
  onLine?: (line: string) => void;
  /** Aborts a start in progress; the promise then rejects. */
  signal?: AbortSignal;
}

/** A running Envoy that has answered /ready. */
export interface Envoy {
  /** `http://127.0.0.1:port`, without a path. */
  proxyUrl: string;
  adminUrl: string;
  pid: number;
  /** The text of /stats/prometheus. Histograms are as of the last flush (each second). */
  stats: () => Promise<string>;
  /** The last MiB of Envoy's output: access log and errors. */
  log: () => string;
  /** Resolves with one sentence if Envoy ends without stop(). */
  died: Promise<string>;
  /** Stops Envoy and removes its temporary files. May be called twice. */
  stop: () => Promise<void>;
}

/** Starts an Envoy and waits until it is ready. Rejects with one sentence and, if Envoy died, the end of its output. */
export async function startEnvoy(options: EnvoyOptions): Promise<Envoy> {
  const wasmPath = options.wasmPath ?? BUILT_WASM;
  if (!options.withoutFilter && !existsSync(wasmPath)) {
    throw new Error(`The filter is not built (${wasmPath} is missing): run npm run build.`);
  }
  const { listenerPort = 0, adminPort = 0 } = options;
  // Envoy shares a port with another Envoy (SO_REUSEPORT) instead of failing.
  if (listenerPort !== 0) await requireFreePort(listenerPort, "--port");
  if (adminPort !== 0) await requireFreePort(adminPort, "--admin-port");
  const binary = options.envoyPath ?? (await findEnvoy({ signal: options.signal }));
  options.signal?.throwIfAborted();

  const folder = mkdtempSync(join(tmpdir(), "mcp-proxy-wasm-"));
  const configFile = join(folder, "envoy.json");
  const config = renderConfig({ ...options, wasmPath, listenerPort, adminPort });
  writeFileSync(configFile, options.vary?.(config) ?? config);
  const child = launch(binary, configFile, join(folder, "admin"), options.concurrency ?? 1);
  const log = collectOutput(child, options.onLine);
  let stopping = false;
  const died = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(`Envoy does not start: ${error.message}`));
    child.once("close", (code, signal) => {
      if (!stopping)
        resolve(signal ? `Envoy was ended by ${signal}.` : `Envoy ended (code ${code}): ${explain(log())}`);
    });
  });
  // The last resort if this process ends without stop().
  const atExit = () => {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  };
  process.once("exit", atExit);
  const stop = async () => {
    stopping = true;
    await end(child);
    process.off("exit", atExit);
    rmSync(folder, { recursive: true, force: true });
  };

  try {
    const gaveUp = new AbortController();
    void died.then((message) => gaveUp.abort(new Error(message)));
    options.signal?.addEventListener("abort", () => gaveUp.abort(options.signal?.reason), { once: true });
    const started = await waitUntilReady(join(folder, "admin"), gaveUp.signal);
    const stats = async () => (await fetch(`${started.adminUrl}/stats/prometheus`)).text();
    return { ...started, pid: child.pid!, stats, log, died, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function launch(binary: string, configFile: string, adminFile: string, concurrency: number): ChildProcess {
  const args = ["--config-path", configFile, "--admin-address-path", adminFile, "--disable-hot-restart"];
  // Writes the access log every 200 ms rather than every 10 s.
  args.push("--file-flush-interval-msec", "200");
  args.push("--concurrency", String(concurrency), "--log-level", "warn", "--component-log-level", "wasm:info");
  // In a separate process group, so that Ctrl-C in a terminal ends Envoy through stop().
  return spawn(binary, args, { stdio: ["ignore", "pipe", "pipe"], detached: true });
}

function collectOutput(child: ChildProcess, onLine: (line: string) => void = () => {}): () => string {
  let text = "";
  for (const stream of [child.stdout!, child.stderr!]) {
    let unfinished = "";
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      text = (text + chunk).slice(-LOG_BYTES);
      const lines = (unfinished + chunk).split("\n");
      unfinished = lines.pop()!;
      lines.forEach(onLine);
    });
  }
  return () => text;
}

async function waitUntilReady(adminFile: string, signal: AbortSignal): Promise<{ proxyUrl: string; adminUrl: string }> {
  const deadline = Date.now() + READY_MS;
  while (Date.now() < deadline) {
    signal.throwIfAborted();
    const admin = existsSync(adminFile) ? readFileSync(adminFile, "utf8").trim() : "";
    const adminUrl = `http://${admin}`;
    const ready = admin !== "" && (await fetch(`${adminUrl}/ready`).catch(() => undefined))?.status === 200;
    if (ready) {
      const listeners = (await (await fetch(`${adminUrl}/listeners?format=json`)).json()) as ListenerList;
      const port = listeners.listener_statuses[0].local_address.socket_address.port_value;
      return { proxyUrl: `http://127.0.0.1:${port}`, adminUrl };
    }
    await sleep(50);
  }
  throw new Error(`Envoy was not ready after ${READY_MS / 1000} s.`);
}

interface ListenerList {
  listener_statuses: [{ local_address: { socket_address: { port_value: number } } }];
}

function explain(output: string): string {
  return output.trim().split("\n").slice(-3).join("\n");
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const closed = new Promise((resolve) => child.once("close", resolve));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  await closed;
  clearTimeout(timer);
}
