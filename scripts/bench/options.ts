/** The command line of `npm run bench`. */
import { resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { VARIANTS, type Variant, withOld } from "./variants.ts";
import { WORKLOADS, type Workload } from "./workloads.ts";

/** The options of the user. */
export interface BenchOptions {
  rounds: number;
  /** Approximate duration of a cell without a filter. Determines the number of its requests if `requests` is absent. */
  seconds: number;
  /** Number of requests of each cell. */
  requests?: number;
  connections: number;
  /** Requests per second over all connections; by default, as many as the proxy answers. */
  rate?: number;
  workloads: readonly Workload[];
  variants: readonly Variant[];
  memory: boolean;
  json?: string;
  markdown?: string;
}

/** The report that `--write` creates. */
const PAGE = "docs/performance.md";

/** Parses the arguments. An invalid one ends the process with one sentence and exit code 1. */
export function parseOptions(argv: string[]): BenchOptions {
  const { only, variants, against, write, markdown, ...options } = new Command("npm run bench --")
    .description("Measures what filters cost in one Envoy: CPU per request, throughput, latency and memory.")
    .option("--rounds <number>", "how often each cell is measured", number(1000, true), 5)
    .option("--seconds <number>", "about how long a cell takes without a filter", number(60), 0.5)
    .option("--requests <number>", "requests of each cell, instead of --seconds", number(1_000_000, true))
    .option("--connections <number>", "connections that are kept", number(256, true), 16)
    .option(
      "--rate <number>",
      "requests a second; by default each connection sends the next one at once",
      number(100_000),
    )
    .addOption(choice("--only <ids>", "workloads, by id or its first letter: a,e", WORKLOADS))
    .addOption(choice("--variants <ids>", "variants, by id: none,native,statistics", VARIANTS))
    .option("--against <file>", "an old module: each variant of this filter is measured with it, too", pathOf)
    .option("--no-memory", "leaves out the memory of each variant, for which it gets an Envoy of its own")
    .option("--json <file>", "writes all figures", pathOf)
    .option("--markdown <file>", "writes the report, and its chart beside it", pathOf)
    .option("--write", `the same as --markdown ${PAGE}`)
    .parse(argv, { from: "user" })
    .opts<Omit<BenchOptions, "workloads"> & { only: readonly Workload[]; against?: string; write?: boolean }>();
  const compared = against === undefined ? variants : withOld(variants, against);
  return { ...options, workloads: only, variants: compared, markdown: write ? resolve(PAGE) : markdown };
}

/** Resolves a path against the user's working directory, because npm runs scripts in the package's folder. */
export function pathOf(path: string): string {
  return resolve(process.env.INIT_CWD ?? ".", path);
}

/** An option that selects some of `all` by id. The default is `otherwise`, which the help shows by id. */
export function choice<Item extends { id: string }>(
  flags: string,
  description: string,
  all: readonly Item[],
  otherwise: readonly Item[] = all,
): Option {
  const shown = otherwise === all ? "all" : otherwise.map(({ id }) => id).join(",");
  return new Option(flags, description).argParser(choose(all)).default(otherwise, shown);
}

/** Parses ids, or prefixes of ids up to a `-`, separated by commas. */
function choose<Item extends { id: string }>(all: readonly Item[]): (text: string) => readonly Item[] {
  return (text) => {
    const names = text.split(",");
    const isNamed = (name: string, { id }: Item) => id === name || id.startsWith(`${name}-`);
    const unknown = names.find((name) => !all.some((item) => isNamed(name, item)));
    if (unknown !== undefined) {
      throw new InvalidArgumentError(`"${unknown}" is none of ${all.map(({ id }) => id).join(", ")}.`);
    }
    return all.filter((item) => names.some((name) => isNamed(name, item)));
  };
}

/** Parses a number above 0. */
export function number(max: number, isWhole = false): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!(value > 0) || value > max || (isWhole && !Number.isInteger(value))) {
      throw new InvalidArgumentError(`It must be a ${isWhole ? "whole " : ""}number above 0, and ${max} at most.`);
    }
    return value;
  };
}
