/**
 * `npm run bench`: measures what the filter costs in a real Envoy, compared with no filter, an empty filter and Envoy's
 * own MCP filter. Ends at Ctrl-C, and leaves nothing running.
 */
import { writeFile } from "node:fs/promises";
import { startBenchEnvoy } from "./bench/bootstrap.ts";
import { describeEnvironment } from "./bench/environment.ts";
import { requireGenerator } from "./bench/generator.ts";
import { type Measured, measure } from "./bench/measure.ts";
import { type Memory, measureMemory } from "./bench/memory.ts";
import { type BenchOptions, parseOptions } from "./bench/options.ts";
import { requireProcfs } from "./bench/process-usage.ts";
import { Ledger, type Proof, prove, requireTransparency } from "./bench/proof.ts";
import type { Report } from "./bench/report/figures.ts";
import { writePage } from "./bench/report/page.ts";
import { detailTable, memoryTable, oldTable, overviewTable } from "./bench/report/tables.ts";
import { renderTerminal } from "./bench/report/terminal.ts";
import { runCommand } from "./bench/run-command.ts";
import { summarize } from "./bench/summary.ts";
import { type CannedUpstream, startCannedUpstream } from "./bench/upstream.ts";
import { sizesOf } from "./bench/workloads.ts";
import { findEnvoy } from "./envoy/binary.ts";
import type { Cleanup } from "./start/cleanup.ts";

/** The fraction of a cell's requests that is run to measure memory. */
const MEMORY_SHARE = 0.25;

const progress = (line: string) => console.error(line);
const options = parseOptions(process.argv.slice(2));

await runCommand(async (cleanup, signal) => {
  const report = await run(options, cleanup, signal);
  const tables = [detailTable(report), memoryTable(report), overviewTable(report), oldTable(report)];
  for (const table of tables.filter(({ rows }) => rows.length > 0)) console.log(renderTerminal(table));
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(report, null, 2)}\n`);
  if (options.markdown !== undefined) await writePage(options.markdown, report);
});

async function run(options: BenchOptions, cleanup: Cleanup, signal: AbortSignal): Promise<Report> {
  requireProcfs();
  await requireGenerator();
  const envoyPath = await findEnvoy({ progress, signal });
  const environment = await describeEnvironment(envoyPath);
  const started = await startCannedUpstream(options.workloads);
  const upstream = cleanup.add(started, started.close);

  const { measured, proofs } = await measureAll(options, { upstream, envoyPath, signal }, cleanup);
  const memory: Memory[] = [];
  const load = measured.map(({ workload, requests }) => ({ workload, requests: Math.ceil(requests * MEMORY_SHARE) }));
  const { connections } = options;
  for (const variant of options.memory ? options.variants : []) {
    progress(`Memory: ${variant.id}`);
    memory.push(await measureMemory(variant, { upstream, envoyPath, signal, workloads: load, connections }));
  }
  return reportOf(options, environment, measured, memory, proofs);
}

/** Measures all variants in one Envoy, from the transparency check to the last proof. */
async function measureAll(
  { variants, workloads, ...settings }: BenchOptions,
  setUp: { upstream: CannedUpstream; envoyPath: string; signal: AbortSignal },
  cleanup: Cleanup,
): Promise<{ measured: Measured[]; proofs: Proof[] }> {
  progress("Starting Envoy");
  const envoy = await startBenchEnvoy({ variants, ...setUp });
  cleanup.add(envoy, envoy.stop);
  const ledger = new Ledger();
  const work = async () => {
    await requireTransparency(envoy, variants, workloads, ledger);
    const { signal } = setUp;
    const measured = await measure({ envoy, variants, workloads, ...settings, progress, onLoad: ledger.add, signal });
    const proofs: Proof[] = [];
    for (const variant of variants) proofs.push(await prove(envoy, variant, workloads, ledger));
    await envoy.stop();
    return { measured, proofs };
  };
  return Promise.race([work(), envoy.died.then((message) => Promise.reject(new Error(message)))]);
}

function reportOf(
  { rounds, connections, rate, variants }: BenchOptions,
  environment: Report["environment"],
  measured: Measured[],
  memory: Memory[],
  proofs: Proof[],
): Report {
  return {
    environment,
    settings: { rounds, connections, rate },
    variants: variants.map(({ id, title }) => ({ id, title })),
    workloads: measured.map((result) => {
      const { id, title, isMcp } = result.workload;
      const { request, response } = sizesOf(result.workload);
      const sizes = { requestBytes: request, responseBytes: response };
      const { requests, samples } = result;
      return { id, title, isMcp, ...sizes, requests, cells: summarize(result), samples };
    }),
    memory,
    proofs,
  };
}
