/** `npm run bench:lite`: measures the CPU time of each stage of a stream in the build for Google Cloud Service Extensions. */
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { LIMIT, measureStages, STAGES, type StageCosts } from "./lite/stages.ts";
import { choice, number } from "./options.ts";
import { renderTerminal } from "./report/terminal.ts";
import { WORKLOADS, type Workload } from "./workloads.ts";

interface Options {
  rounds: number;
  only: readonly Workload[];
}

/** The configurations of envoy/google. A policy refuses the large requests. */
const CONFIGURATIONS = ["statistics", "access"];
const isMeasured = ({ id, isMcp }: Workload) => isMcp && !["d", "h", "i"].includes(id);

const options = new Command("npm run bench:lite --")
  .description("Measures the CPU time of each stage in the build for Google Cloud Service Extensions.")
  .option("--rounds <number>", "how often each is measured", number(1000, true), 5)
  .addOption(choice("--only <ids>", "workloads, by id: a,c", WORKLOADS.filter(isMeasured)))
  .parse()
  .opts<Options>();

const rows = CONFIGURATIONS.flatMap((name) => {
  const configuration = JSON.parse(readFileSync(`envoy/google/${name}.json`, "utf8")) as object;
  return options.only.map((workload) => {
    const rounds = Array.from({ length: options.rounds }, () => measureStages(workload, configuration));
    return [workload.title, name, ...STAGES.map((stage) => medianOf(rounds.map((costs: StageCosts) => costs[stage])))];
  });
});
console.log(`CPU time in microseconds. Google's limit for each stage but the end: ${LIMIT} at about 4 GHz.`);
console.log(renderTerminal({ head: ["workload", "configuration", ...STAGES], textColumns: 2, rows }));

function medianOf(values: number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)].toFixed(1);
}
