/** The table in docs/capacity.md. */
import { format } from "prettier";
import type { Environment } from "../environment.ts";
import type { StepResult } from "../scale/step.ts";
import type { TextTable } from "../report/tables.ts";
import type { Series } from "./series.ts";

/** The page with the table. */
export const PAGE = "docs/capacity.md";

const BETWEEN = /(?<=<!-- capacity -->\n).*(?=<!-- \/capacity -->)/s;

/** A step, with and without the filter. */
interface Both {
  without: StepResult;
  with: StepResult;
}

/** What was measured. */
export interface Capacity {
  one: Both;
  /** With this number of workers more. */
  more: Both;
  moreWorkers: number;
  few: Both;
  /** With this number of sessions more. */
  many: Both;
  sessions: number;
  series: Series;
  environment: Environment;
}

const mebibytes = (bytes: number) => `${(bytes / (1 << 20)).toFixed(1)} MiB`;
/** A microsecond for each of 1 000 requests a second is a thousandth of a core. */
const cores = (micros: number) => `${(micros / 1000).toFixed(3)} cores`;

/** What to plan for, with and without the filter. */
export function capacityTable({ one, more, moreWorkers, few, many, sessions, series }: Capacity): TextTable {
  const count = sessions.toLocaleString("en-US").replaceAll(",", " ");
  const grown = (from: Both, to: Both) => [
    to.without.residentBytes - from.without.residentBytes,
    to.with.residentBytes - from.with.residentBytes,
  ];
  const row = (what: string, [without, whole]: number[], show: (value: number) => string) => [
    what,
    show(without),
    show(whole),
    show(whole - without),
  ];
  const only = (what: string, value: string) => [what, "–", "–", value];
  return {
    head: ["", "Envoy alone", "with the filter", "the filter adds"],
    textColumns: 1,
    rows: [
      row("CPU per 1 000 requests a second, from one session", [one.without.cpu.median, one.with.cpu.median], cores),
      row(
        `CPU per 1 000 requests a second, from ${count} sessions in turn`,
        [many.without.cpu.median, many.with.cpu.median],
        cores,
      ),
      row("memory with one worker", [one.without.residentBytes, one.with.residentBytes], mebibytes),
      row(
        "memory of each further worker",
        grown(one, more).map((bytes) => bytes / moreWorkers),
        mebibytes,
      ),
      row(`memory of ${count} sessions`, grown(few, many), mebibytes),
      only("time series of a tool whose calls succeed", String(Math.round(series.perTool.series))),
      only("size of these series in a scrape", `${(series.perTool.bytes / 1024).toFixed(1)} KiB`),
      only("time series of the first server, without those of its tools", String(Math.round(series.base.series))),
    ],
  };
}

/** The text of the page with this table. */
export function withCapacity(text: string, capacity: Capacity): Promise<string> {
  const { head, rows } = capacityTable(capacity);
  const { date, commit, machine, versions, loadAverage } = capacity.environment;
  const lines = [head, head.map((_, index) => (index === 0 ? "---" : "---:")), ...rows].map(
    (cells) => `| ${cells.join(" | ")} |`,
  );
  const where = `Measured on ${date} at ${commit}: ${machine.processor}, ${machine.cores} cores, ${machine.system}, Envoy ${versions.envoy}, load average ${loadAverage.toFixed(2)} before the run.`;
  return format(
    text.replace(BETWEEN, () => `\n${lines.join("\n")}\n\n${where}\n\n`),
    { parser: "markdown" },
  );
}
