/**
 * `npm run bench:capacity`: measures what to plan for: CPU per 1 000 requests a second, memory per 10 000 sessions and per
 * worker, time series per tool.
 */
import { readFile, writeFile } from "node:fs/promises";
import { Command } from "commander";
import { findEnvoy } from "../envoy/binary.ts";
import type { Cleanup } from "../start/cleanup.ts";
import { type Capacity, capacityTable, PAGE, withCapacity } from "./capacity/page.ts";
import { measureSeries } from "./capacity/series.ts";
import { describeEnvironment } from "./environment.ts";
import { number } from "./options.ts";
import { requireProcfs } from "./process-usage.ts";
import { renderTerminal } from "./report/terminal.ts";
import { runCommand } from "./run-command.ts";
import { CALL, DIMENSIONS } from "./scale/dimensions.ts";
import { measureStep } from "./scale/step.ts";
import { startCannedUpstream } from "./upstream.ts";
import { VARIANTS } from "./variants.ts";

const SESSIONS = 10_000;
const MORE_WORKERS = 4;
/** Enough sessions for all pages that any session needs. */
const FEW_SESSIONS = 100;

const options = new Command("npm run bench:capacity --")
  .description("Measures CPU per 1 000 requests a second, memory per 10 000 sessions and per worker, series per tool.")
  .option("--rounds <number>", "how often the cost of a call is measured", number(100, true), 5)
  .option("--requests <number>", "calls each time", number(1_000_000, true), SESSIONS)
  .option("--sessions <number>", "sessions whose memory is measured", number(50_000, true), SESSIONS)
  .option("--write", `writes the table into ${PAGE}`)
  .parse()
  .opts<{ rounds: number; requests: number; sessions: number; write?: boolean }>();

await runCommand(async (cleanup, signal) => {
  const capacity = await run(cleanup, signal);
  console.log(renderTerminal(capacityTable(capacity)));
  if (options.write) await writeFile(PAGE, await withCapacity(await readFile(PAGE, "utf8"), capacity));
});

async function run(cleanup: Cleanup, signal: AbortSignal): Promise<Capacity> {
  requireProcfs();
  const envoyPath = await findEnvoy({ progress: (line) => console.error(line), signal });
  const environment = await describeEnvironment(envoyPath);
  const started = await startCannedUpstream([CALL]);
  const upstream = cleanup.add(started, started.close);
  const { rounds, requests, sessions } = options;
  const measure = async (id: string, step: number, variant: string) => {
    console.error(`${id}: ${step}, ${variant}`);
    const dimension = DIMENSIONS.find((each) => each.id === id)!;
    const measured = VARIANTS.find((each) => each.id === variant)!;
    return measureStep(dimension, step, measured, { upstream, envoyPath, rounds, requests, signal });
  };
  const both = async (id: string, step: number) => ({
    without: await measure(id, step, "none"),
    with: await measure(id, step, "tokens"),
  });
  const one = await both("workers", 1);
  const more = await both("workers", 1 + MORE_WORKERS);
  const few = await both("sessions", FEW_SESSIONS);
  const many = await both("sessions", FEW_SESSIONS + sessions);
  console.error("series");
  const series = await measureSeries(envoyPath, signal);
  return { one, more, moreWorkers: MORE_WORKERS, few, many, sessions, series, environment };
}
