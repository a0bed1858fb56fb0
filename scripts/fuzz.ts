/** `npm run fuzz`: tests the decoder and the filter with millions of inputs. Exits with 1 if it finds a fault. */
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import Table from "cli-table3";
import { Command, Option } from "commander";
import { number } from "./bench/options.ts";
import { type Finding, toText, writeFinding } from "./fuzz/finding.ts";
import { type Tried, fuzz } from "./fuzz/fuzz.ts";
import { TARGETS, targetNamed } from "./fuzz/targets.ts";

interface CommandLine {
  inputs: number;
  seconds?: number;
  seed: number;
  target?: string;
  jobs: number;
}

const LARGEST = 2 ** 31 - 1;
const NAMES = TARGETS.map(({ name }) => name);
const PROGRESS_MS = 10_000;
/** Maximum number of printed characters of a finding. Its file has all of them. */
const PRINTED = 4000;

const { inputs, seconds, seed, target, jobs } = new Command("npm run fuzz --")
  .description("Tries random inputs: no trap, no hang, no growing memory, no difference from JSON.parse and the like.")
  .option("--inputs <number>", "inputs in all (default: 100000; with --seconds no limit)", number(LARGEST, true))
  .option("--seconds <number>", "ends the run after this time", number(LARGEST))
  .option("--seed <number>", "decides on all inputs (default: another in each run)", number(LARGEST, true))
  .addOption(new Option("--target <name>", "only this one (default: all)").choices(NAMES))
  .option("--jobs <number>", "processes at work at once", number(256, true), availableParallelism())
  .parse()
  .opts<Partial<CommandLine> & Pick<CommandLine, "jobs">>();

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const options = {
  targets: target === undefined ? TARGETS : [targetNamed(target)],
  seed: seed ?? 1 + Math.floor(Math.random() * LARGEST),
  inputs: inputs ?? (seconds === undefined ? 100_000 : Number.MAX_SAFE_INTEGER),
  seconds,
  jobs,
};
console.log(`seed ${options.seed}`);

const started = performance.now();
let told = started;
const { tried, findings } = await fuzz(options, (tried) => {
  if (performance.now() - told < PROGRESS_MS) return;
  told = performance.now();
  console.log(`${count(tried)} inputs in ${elapsed()} s`);
});
console.log(tableOf(tried));
console.log(`${count(tried)} inputs in ${elapsed()} s, seed ${options.seed}: ${findings.length} findings`);
findings.forEach(print);
process.exitCode = findings.length > 0 ? 1 : 0;

function elapsed(): string {
  return ((performance.now() - started) / 1000).toFixed(0);
}

function count(tried: readonly Tried[]): string {
  return tried.reduce((sum, { inputs }) => sum + inputs, 0).toLocaleString("en");
}

function tableOf(tried: readonly Tried[]): string {
  const table = new Table({ head: ["target", "inputs", "a second and core"], colAligns: ["left", "right", "right"] });
  for (const { target, inputs, seconds } of tried) {
    table.push([target.name, inputs.toLocaleString("en"), (inputs / seconds).toFixed(0)]);
  }
  return table.toString();
}

function print(finding: Finding): void {
  const path = writeFinding(finding);
  const { target, seed, batch, error } = finding;
  console.error(`\n${target}, seed ${seed}, batch ${batch}: ${error}`);
  const text = toText(finding.inputs);
  console.error(text.length > PRINTED ? `${text.slice(0, PRINTED)}…` : text);
  const advice = finding.inputs.length > 0 ? "keep it in test/fuzz/findings" : "the same seed brings it again";
  console.error(`Written to ${path}; ${advice}.`);
}
