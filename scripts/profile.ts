/**
 * `npm run profile`: shows by function where the module spends the CPU time of one workload. Linux's `perf` samples a
 * Node process that drives build/mcp.debug.wasm, which has the code of the release and the names of its functions.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Command } from "commander";
import { choice, pathOf } from "./bench/options.ts";
import { WORKLOADS, type Workload } from "./bench/workloads.ts";

const MODULE = "build/mcp.debug.wasm";
const FOLDER = "build/profile";
const DATA = join(FOLDER, "perf.data");
const REPORT = join(FOLDER, "report.txt");
const SAMPLES_PER_SECOND = "2000";
/** Maximum number of printed functions. */
const SHOWN = 40;
/** Maximum number of printed characters of a function's name. */
const WIDTH = 100;
/**
 * Makes V8 write the names of compiled functions for perf, and compile each function once, with its optimizing
 * compiler.
 */
const V8_FLAGS = ["--perf-basic-prof", "--no-liftoff"];

const options = new Command("npm run profile --")
  .description("Profiles the module in Node with perf, without a proxy around it.")
  .addOption(choice("--workload <id>", "the workload, by id or its first letter", WORKLOADS, WORKLOADS.slice(0, 1)))
  .option("--config <file>", "a configuration of the filter; by default its defaults", pathOf)
  .parse()
  .opts<{ workload: readonly Workload[]; config?: string }>();

const [workload] = options.workload;
const configuration = options.config === undefined ? "{}" : readFileSync(options.config, "utf8");
mkdirSync(FOLDER, { recursive: true });
const loop = spawn(
  process.execPath,
  [...V8_FLAGS, "--import", "tsx", "scripts/profile/loop.ts", MODULE, workload.id, configuration],
  { stdio: ["ignore", "pipe", "inherit"] },
);
const lines = createInterface(loop.stdout)[Symbol.asyncIterator]();
if ((await lines.next()).done) throw new Error("The module has not been run: see the message above.");

const recorder = spawn("perf", ["record", "-q", "-F", SAMPLES_PER_SECOND, "-g", "-o", DATA, "-p", String(loop.pid)], {
  stdio: "inherit",
});
const recorded = new Promise<void>((resolve, reject) => {
  recorder.once("error", () => reject(new Error("perf is missing: install it, as Debian's linux-perf for example.")));
  recorder.once("close", resolve);
});
const { value: cpu } = (await lines.next()) as { value: string };
await recorded;

const report = (...args: string[]) =>
  spawnSync("perf", ["report", "-i", DATA, "--stdio", "-q", ...args], { encoding: "utf8", maxBuffer: 2 ** 28 }).stdout;
writeFileSync(REPORT, report("--no-children", "--sort", "symbol"));
const flat = report("--no-children", "-g", "none", "--sort", "symbol");
rmSync(`/tmp/perf-${loop.pid}.map`, { force: true });
for (const [, share, symbol] of [...flat.matchAll(/^ +([\d.]+%) +\[.\] (.+?)(?: {2,}.*)?$/gm)].slice(0, SHOWN)) {
  // Of `JS:assembly/json/fields/FieldReader#next-556-turbofan`, a function of the module, only the name is shown.
  console.log(`${share.padStart(7)}  ${symbol.replace(/^JS:(assembly\/.+)-\d+-turbofan$/, "$1").slice(0, WIDTH)}`);
}
console.log(`\n${workload.title}: ${cpu} µs of CPU an exchange, host included. Callers of each function: ${REPORT}`);
