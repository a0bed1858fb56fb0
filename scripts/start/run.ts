/**
 * Runs Envoy with the filter in front of demo servers that agents use, or of the user's own MCP server,
 * and shows live statistics. Ends at Ctrl-C, and leaves nothing running.
 */
import { setMaxListeners } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FAILED, reportError } from "../cli/program.ts";
import { printable } from "../cli/terminal.ts";
import { findEnvoy } from "../envoy/binary.ts";
import { type Envoy, startEnvoy } from "../envoy/process.ts";
import { shownProblems } from "../page/now.ts";
import { startPage } from "../page/page.ts";
import { Cleanup } from "./cleanup.ts";
import { demoConfig, startAgents, startDemoServers } from "./demo.ts";
import { Display } from "./display.ts";
import { EnvoyLog } from "./envoy-log.ts";
import type { StartOptions } from "./command.ts";
import { read, type Watched } from "./reading.ts";
import { type Target, targetOf } from "./target.ts";
import { traceSection } from "./traces/section.ts";
import { startTraceViewer } from "./traces/viewer.ts";
import { UpstreamWatch } from "./upstream-watch.ts";

/** Milliseconds after the stop at which this process exits, even if the cleanup has not finished. */
const STOP_MS = 10_000;

/** Runs the command until Ctrl-C, then ends the process. */
export async function start(options: StartOptions): Promise<never> {
  const cleanup = new Cleanup();
  const stop = new AbortController();
  // Each agent and each start adds a listener.
  setMaxListeners(0, stop.signal);
  stop.signal.addEventListener("abort", () => setTimeout(() => process.exit(FAILED), STOP_MS).unref());

  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    // A Ctrl-C sends the signal twice, from the terminal and from npm. Repeats must not interrupt the cleanup.
    process.on(signal, () => stop.abort());
  }
  // The reader of the output has closed the pipe (`npm start | head`). What was started ends before this process.
  process.stdout.removeAllListeners("error");
  process.stdout.on("error", () => stop.abort());

  // A folder of this run alone, which only its user can read.
  const logs = mkdtempSync(join(tmpdir(), "mcp-proxy-wasm-"));
  let hasFailed = false;
  try {
    await run(options, logs, cleanup, stop.signal);
  } catch (error) {
    // A stop makes all interrupted operations fail. Such failures are not errors.
    if (!stop.signal.aborted) {
      hasFailed = true;
      reportError(error);
    }
  } finally {
    stop.abort();
    await cleanup.run();
    // Without a log, Envoy was never started.
    if (hasFailed && readdirSync(logs).length > 0) console.error(`The logs are in ${logs}`);
    else rmSync(logs, { recursive: true });
  }
  process.exit();
}

async function run(
  { upstream, config, port, adminPort, pagePort, concurrency, queue, traces, log: showsLog }: StartOptions,
  logs: string,
  cleanup: Cleanup,
  signal: AbortSignal,
): Promise<void> {
  const progress = (line: string) => console.error(line);
  const envoyPath = await findEnvoy({ progress, signal });
  const viewer = traces ? await startTraceViewer({ progress, signal }) : undefined;
  if (viewer !== undefined) cleanup.add(viewer, () => viewer.stop());
  if (upstream === undefined) console.error("Starting the demo's MCP servers");
  const targets = upstream === undefined ? await startDemoServers(cleanup) : [await targetOf(upstream)];
  signal.throwIfAborted();

  const page = await startPage(pagePort);
  cleanup.add(page, page.stop);
  console.error("Starting Envoy with the filter");
  const display = new Display();
  const watched: Watched[] = [];
  const addresses: string[] = [];
  for (const [index, target] of targets.entries()) {
    const mark = targets.length > 1 ? `${target.name}: ` : "";
    const log = new EnvoyLog(logs, target.name, (line) => {
      page.addLine(target.name, line);
      if (showsLog) display.print(printable(mark + line));
    });
    cleanup.add(log, () => log.close());
    let plugin = config;
    // In the demo, all servers would have the same cluster name.
    if (upstream === undefined)
      plugin = { server: target.name, ...(config ?? demoConfig(queue, viewer !== undefined)) };
    // The page shows sessions from the access log's fields, and from the lines about operations that end later.
    plugin = { logFields: true, log: "info", ...plugin };
    if (viewer !== undefined) plugin = { ...plugin, trace: traceSection(viewer.collector, target.name, plugin.trace) };
    const envoy = await startEnvoy({
      upstream: target.upstream,
      pluginConfig: JSON.stringify(plugin),
      collector: viewer?.collector,
      listenerPort: port && port + index,
      adminPort: adminPort && adminPort + index,
      concurrency,
      envoyPath,
      onLine: (line) => log.add(line),
      signal,
    });
    cleanup.add(envoy, envoy.stop);
    watched.push({ envoy, log, upstream: new UpstreamWatch(target.upstream) });
    page.addProxy({ name: target.name, proxyUrl: envoy.proxyUrl + target.path, statisticsUrl: statisticsUrl(envoy) });
    addresses.push(`${target.name.padEnd(10)}  ${envoy.proxyUrl}${target.path}  admin ${envoy.adminUrl}`);
    announce(target, envoy, log);
  }
  addresses.push(`${"page".padEnd(10)}  ${page.url}`);

  console.log(`\npage          ${page.url}`);
  if (upstream === undefined) {
    const proxies = watched.map(({ envoy }) => envoy.proxyUrl);
    startAgents(proxies, viewer !== undefined, signal);
  }
  const died = Promise.race([...watched.map(({ envoy }) => envoy.died), ...(viewer ? [viewer.died] : [])]).then(
    (message) => Promise.reject(new Error(message)),
  );
  if (viewer !== undefined) {
    const traces = await Promise.race([viewer.page, died, aborted(signal)]);
    console.log(`\nsessions\n  traces      ${traces}`);
  }
  const readAndShow = async () => {
    const reading = await read(watched);
    page.show(reading.statistics, shownProblems(reading.problems, reading.statistics.invalid));
    return reading;
  };
  await Promise.race([display.run(addresses.join("\n"), readAndShow, signal), died]);
}

/** A promise that rejects when the signal aborts, and never resolves. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) =>
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true }),
  );
}

function announce({ name, path }: Target, envoy: Envoy, log: EnvoyLog): void {
  console.log(`\n${name}`);
  console.log(`  proxy       ${envoy.proxyUrl}${path}`);
  console.log(`  statistics  ${statisticsUrl(envoy)}`);
  console.log(`  log         ${log.path}`);
}

/** Without this filter, the answer would also contain some hundred statistics of Envoy itself. */
function statisticsUrl({ adminUrl }: Envoy): string {
  return `${adminUrl}/stats/prometheus?filter=wasmcustom`;
}
