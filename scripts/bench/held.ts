/**
 * `npm run bench:held`: measures the memory that Envoy needs for waiting requests, at the bounds of `hold` for one
 * caller and for all.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import Table from "cli-table3";
import { Command } from "commander";
import { findEnvoy } from "../envoy/binary.ts";
import { readSamples } from "../statistics/exposition.ts";
import { type Envoy, startEnvoy } from "../envoy/process.ts";
import type { Cleanup } from "../start/cleanup.ts";
import { Http1Load, Http2Load } from "./held-load.ts";
import { requireProcfs, residentBytes } from "./process-usage.ts";
import { mebibytes } from "./report/figures.ts";
import { runCommand } from "./run-command.ts";

/** The defaults of `hold`, and the number of callers that together reach them. */
const BOUNDS = { maxStreams: 1000, maxBytes: 64 << 20 };
const CALLERS = 4;
/** Number of requests beyond the bound, for each caller. */
const BEYOND = 25;
const SMALL = 200;
/** Body size at which both bounds are reached at once. */
const LARGE = Math.floor(BOUNDS.maxBytes / BOUNDS.maxStreams) - 1024;

const RULE = { name: "one", key: [], concurrency: 1, queue: { maxWait: "30s", maxLength: 10_000 } };
const SETTLE_MS = 1000;
const PATIENCE_MS = 20_000;

type Transport = "HTTP/1.1" | "HTTP/2";

interface Scenario {
  transport: Transport;
  holdsHeaders: boolean;
  size: number;
  callers: number;
}

const SCENARIOS: Scenario[] = (["HTTP/1.1", "HTTP/2"] as const).flatMap((transport) =>
  [true, false].flatMap((holdsHeaders) =>
    [SMALL, LARGE].flatMap((size) => [1, CALLERS].map((callers) => ({ transport, holdsHeaders, size, callers }))),
  ),
);

interface Result extends Scenario {
  held: number;
  rejected: number;
  bytes: number;
}

new Command("npm run bench:held")
  .description("Measures Envoy's memory for requests that wait, at the bounds of hold: of one caller and of all.")
  .parse();

await runCommand(async (cleanup, signal) => {
  requireProcfs();
  const envoyPath = await findEnvoy({ progress: (line) => console.error(line), signal });
  const upstream = await startSilentServer(cleanup);
  const results: Result[] = [];
  for (const scenario of SCENARIOS) {
    console.error(`${scenario.transport}, ${scenario.size} B, callers: ${scenario.callers}`);
    results.push(await measure(scenario, { upstream, envoyPath, signal }));
  }
  console.log(tableOf(results));
});

/** A server that never responds, so that no waiting request is admitted. */
async function startSilentServer(cleanup: Cleanup): Promise<{ host: string; port: number }> {
  const server = createServer(() => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanup.add(server, async () => void server.close().closeAllConnections());
  return { host: "127.0.0.1", port: (server.address() as AddressInfo).port };
}

async function measure(
  scenario: Scenario,
  options: { upstream: { host: string; port: number }; envoyPath: string; signal: AbortSignal },
): Promise<Result> {
  const pluginConfig = JSON.stringify({
    match: { paths: ["/mcp"] },
    hold: { headers: scenario.holdsHeaders },
    limits: { rules: [RULE] },
  });
  const vary = (config: string) =>
    scenario.holdsHeaders
      ? config.replace('"vm_config"', '"allow_on_headers_stop_iteration": true, "vm_config"')
      : config;
  const envoy = await startEnvoy({ ...options, pluginConfig, vary, concurrency: 1 });
  const load = scenario.transport === "HTTP/2" ? new Http2Load(envoy) : new Http1Load(envoy);
  try {
    // This request takes the only permit.
    load.send("10.1.0.1", SMALL);
    await sleep(SETTLE_MS);
    const before = residentBytes(envoy.pid).now;
    const each = BOUNDS.maxStreams / CALLERS + BEYOND;
    for (let i = 0; i < each * scenario.callers; i++) load.send(`10.0.0.${(i % scenario.callers) + 1}`, scenario.size);
    const rejected = BEYOND * scenario.callers;
    const deadline = Date.now() + PATIENCE_MS;
    while (load.answered < rejected && Date.now() < deadline) await sleep(100);
    await sleep(SETTLE_MS);
    const held = (await activeRequests(envoy)) - 1;
    return { ...scenario, held, rejected: load.answered, bytes: residentBytes(envoy.pid).now - before };
  } finally {
    load.close();
    await envoy.stop();
  }
}

/** Number of requests without a complete response, except for those to the admin page. */
async function activeRequests(envoy: Envoy): Promise<number> {
  const samples = readSamples(await envoy.stats(), "envoy_http_downstream_rq_active");
  return samples
    .filter(({ labels }) => labels.envoy_http_conn_manager_prefix !== "admin")
    .reduce((sum, { value }) => sum + value, 0);
}

function tableOf(results: readonly Result[]): string {
  const table = new Table({
    head: ["", "server gets headers", "callers", "body", "held", "rejected", "memory", "a request, beside its body"],
    style: { head: [], border: [] },
  });
  for (const { transport, holdsHeaders, callers, size, held, rejected, bytes } of results) {
    const beside = `${Math.round((bytes / held - size) / 1024)} KiB`;
    table.push([
      ...[transport, holdsHeaders ? "once admitted" : "at once", callers, `${size} B`],
      ...[held, rejected, mebibytes(bytes), beside],
    ]);
  }
  return table.toString();
}
