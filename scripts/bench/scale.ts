/**
 * `npm run bench:scale`: measures the cost of a call, and the memory, as the number of sessions, idle streams and
 * workers grows.
 */
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Command } from "commander";
import { findEnvoy } from "../envoy/binary.ts";
import type { Cleanup } from "../start/cleanup.ts";
import { requireGenerator } from "./generator.ts";
import { choice, number } from "./options.ts";
import { requireProcfs } from "./process-usage.ts";
import { mebibytes, micros, withSpread } from "./report/figures.ts";
import { renderTerminal } from "./report/terminal.ts";
import { runCommand } from "./run-command.ts";
import { CALL, type Dimension, DIMENSIONS, IDLE } from "./scale/dimensions.ts";
import { measureStep, type StepResult } from "./scale/step.ts";
import { startCannedUpstream } from "./upstream.ts";
import { type Variant, VARIANTS } from "./variants.ts";

interface Options {
  only: readonly Dimension[];
  variants: readonly Variant[];
  rounds: number;
  requests: number;
  limit: number;
  json?: string;
}

const COMPARED = VARIANTS.filter(({ id }) => id === "none" || id === "statistics");

const options = new Command("npm run bench:scale --")
  .description("Measures the cost of a call, and memory, as sessions, idle streams and worker threads become more.")
  .addOption(choice("--only <ids>", "sessions,streams,workers", DIMENSIONS))
  .addOption(choice("--variants <ids>", "variants of npm run bench, by id", VARIANTS, COMPARED))
  .option("--rounds <number>", "how often each step is measured", number(100, true), 3)
  .option("--requests <number>", "calls each time", number(1_000_000, true), 10_000)
  .option("--limit <number>", "leaves out the steps beyond", number(1_000_000, true), 1_000_000)
  .option("--json <file>", "writes all figures")
  .parse()
  .opts<Options>();

await runCommand(async (cleanup, signal) => {
  const results = await run(options, cleanup, signal);
  console.log(renderTerminal(tableOf(results)));
  if (options.json === undefined) return;
  await writeFile(resolve(process.env.INIT_CWD ?? ".", options.json), `${JSON.stringify(results, null, 2)}\n`);
});

async function run(options: Options, cleanup: Cleanup, signal: AbortSignal): Promise<StepResult[]> {
  requireProcfs();
  await requireGenerator();
  const progress = (line: string) => console.error(line);
  const envoyPath = await findEnvoy({ progress, signal });
  const started = await startCannedUpstream([CALL, IDLE]);
  const upstream = cleanup.add(started, started.close);
  const { rounds, requests, limit } = options;
  const results: StepResult[] = [];
  for (const dimension of options.only) {
    for (const step of dimension.steps.filter((step) => step <= limit)) {
      for (const variant of options.variants) {
        progress(`${dimension.id}: ${step}, ${variant.id}`);
        results.push(await measureStep(dimension, step, variant, { upstream, envoyPath, rounds, requests, signal }));
      }
    }
  }
  return results;
}

function tableOf(results: readonly StepResult[]): Parameters<typeof renderTerminal>[0] {
  const head = ["dimension", "variant", "step", "CPU µs/call", "MiB resident", "KiB for each more", "VM KiB"];
  const rows = results.map((result) => {
    const { dimension, variant, step, cpu, residentBytes, vmBytes } = result;
    const first = results.find((other) => other.dimension === dimension && other.variant === variant)!;
    const more = first === result ? undefined : (residentBytes - first.residentBytes) / (step - first.step) / 1024;
    return [
      DIMENSIONS.find(({ id }) => id === dimension)!.title,
      variant,
      String(step),
      withSpread(cpu, micros),
      mebibytes(residentBytes),
      more === undefined ? "–" : more.toFixed(1),
      vmBytes === undefined ? "–" : String(vmBytes / 1024),
    ];
  });
  return { head, textColumns: 2, rows };
}
