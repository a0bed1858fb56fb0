/**
 * `npm run compare`: checks whether the built filter makes the same host calls as another module. Exits with 1 if it
 * does not.
 */
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { number, pathOf } from "./bench/options.ts";
import { compareModules } from "./compare/compare.ts";
import { reportOf } from "./compare/report.ts";

const LARGEST = 2 ** 31 - 1;
const PROGRESS_MS = 10_000;
const BUILT = fileURLToPath(new URL("../build/mcp.wasm", import.meta.url));

const { against, inputs, seed, observable } = new Command("npm run compare --")
  .description("Compares all host calls of two modules that serve the same captures and generated inputs.")
  .requiredOption("--against <file>", "the old module; the new one is build/mcp.wasm", pathOf)
  .option("--inputs <number>", "generated inputs, besides all captures", number(LARGEST, true), 100_000)
  .option("--seed <number>", "determines all generated inputs", number(LARGEST, true), 1)
  .option("--observable", "ignores shared data, the clock and the values of session hashes", false)
  .parse()
  .opts<{ against: string; inputs: number; seed: number; observable: boolean }>();

const started = performance.now();
let told = started;
const modules = { old: against, new: BUILT };
const comparison = await compareModules(
  { ...modules, inputs, seed, observable, processes: availableParallelism() },
  (passed) => {
    if (performance.now() - told < PROGRESS_MS) return;
    told = performance.now();
    console.error(`${passed.toLocaleString("en")} inputs in ${((told - started) / 1000).toFixed(0)} s`);
  },
);
console.log(reportOf(comparison));
process.exitCode = comparison.kinds.length > 0 ? 1 : 0;
