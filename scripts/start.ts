/**
 * `npm start`: Envoy with the filter in front of demo servers that agents use, or of the user's own MCP server, and
 * live statistics. Ends at Ctrl-C, and leaves nothing running.
 *
 * Each server gets an Envoy of its own, as in a mesh, where each has its sidecar: so every one runs the configuration
 * that we ship, and their statistics are told apart by mcp_server alone.
 */
import { findEnvoy } from "./envoy/binary.ts";
import { type Envoy, startEnvoy } from "./envoy/process.ts";
import { Cleanup } from "./start/cleanup.ts";
import { demoConfig, startAgents, startDemoServers } from "./start/demo.ts";
import { Display, type Watched } from "./start/display.ts";
import { EnvoyLog } from "./start/envoy-log.ts";
import { parseOptions, type StartOptions } from "./start/options.ts";
import { type Target, targetOf } from "./start/target.ts";
import { UpstreamWatch } from "./start/upstream-watch.ts";

/** What has not ended by then is killed as this process exits. */
const STOP_MS = 10_000;

const options = parseOptions(process.argv.slice(2));
const cleanup = new Cleanup();
const stop = new AbortController();
stop.signal.addEventListener("abort", () => setTimeout(() => process.exit(1), STOP_MS).unref());

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  // At a Ctrl-C this comes twice, from the terminal and from npm: repeats must not cut the cleaning up short.
  process.on(signal, () => stop.abort());
}
// The reader of our output went away (`npm start | head`).
process.stdout.on("error", () => stop.abort());

try {
  await run(options, stop.signal);
} catch (error) {
  // Whatever a stop interrupts fails; that is no error.
  if (!stop.signal.aborted) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
} finally {
  stop.abort();
  await cleanup.run();
  process.exit();
}

async function run(
  { upstream, config, port, concurrency, queue, log: showsLog }: StartOptions,
  signal: AbortSignal,
): Promise<void> {
  const envoyPath = await findEnvoy({ progress: (line) => console.error(line), signal });
  if (upstream === undefined) console.error("Starting the demo's MCP servers");
  const targets = upstream === undefined ? await startDemoServers(cleanup) : [await targetOf(upstream)];
  signal.throwIfAborted();

  console.error("Starting Envoy with the filter");
  const display = new Display();
  const watched: Watched[] = [];
  for (const [index, target] of targets.entries()) {
    const mark = targets.length > 1 ? `${target.name}: ` : "";
    const log = new EnvoyLog(target.name, showsLog ? (line) => display.print(mark + line) : () => {});
    cleanup.add(log, () => log.close());
    const envoy = await startEnvoy({
      upstream: target.upstream,
      pluginConfig:
        upstream === undefined ? pluginConfig(config ?? demoConfig(queue), target.name) : pluginConfig(config),
      listenerPort: index === 0 ? port : undefined,
      concurrency,
      envoyPath,
      onLine: (line) => log.add(line),
      signal,
    });
    cleanup.add(envoy, envoy.stop);
    watched.push({ envoy, log, upstream: new UpstreamWatch(target.upstream) });
    announce(target, envoy, log);
  }

  if (upstream === undefined) {
    const proxies = watched.map(({ envoy }) => envoy.proxyUrl);
    startAgents(proxies, signal);
  }
  const died = Promise.race(watched.map(({ envoy }) => envoy.died)).then((message) =>
    Promise.reject(new Error(message)),
  );
  await Promise.race([display.run(watched, signal), died]);
}

/** @param server the name of a server of the demo, where the cluster's name would be the same for each. */
function pluginConfig(config: Record<string, unknown> | undefined, server?: string): string | undefined {
  return config === undefined ? undefined : JSON.stringify({ server, ...config });
}

function announce({ name, path }: Target, { proxyUrl, adminUrl }: Envoy, log: EnvoyLog): void {
  console.log(`\n${name}`);
  console.log(`  proxy       ${proxyUrl}${path}`);
  console.log(`  statistics  ${adminUrl}/stats/prometheus`);
  console.log(`  log         ${log.path}`);
}
