/** Shows statistics, problems and log lines: in place on a terminal, otherwise as one table after another. */
import { setTimeout as sleep } from "node:timers/promises";
import { createLogUpdate } from "log-update";
import type { Envoy } from "../envoy/process.ts";
import { readDenials } from "../statistics/denials.ts";
import { readSamples } from "../statistics/exposition.ts";
import { readInvalid } from "../statistics/invalid.ts";
import { readLimitedCallers, readLimits } from "../statistics/limits.ts";
import { readQueues } from "../statistics/queues.ts";
import { readRows, type Row } from "../statistics/rows.ts";
import { readServers } from "../statistics/servers.ts";
import { renderDenials } from "./denials.ts";
import type { EnvoyLog } from "./envoy-log.ts";
import { renderLimits } from "./limits.ts";
import { renderProblems } from "./problems.ts";
import { renderQueues } from "./queues.ts";
import { renderTable } from "./table.ts";
import type { UpstreamWatch } from "./upstream-watch.ts";

const TERMINAL_MS = 1_000;
const PRINTED_MS = 5_000;
const PRINTED_COLUMNS = 120;

/** An Envoy, with the sources of information beyond its statistics. */
export interface Watched {
  envoy: Envoy;
  log: EnvoyLog;
  upstream: UpstreamWatch;
}

export class Display {
  readonly #terminal = createLogUpdate(process.stdout);
  #shown: string | undefined;

  /** Shows the combined statistics of these Envoys until `signal` aborts. The last table stays on the screen. */
  async run(watched: readonly Watched[], signal: AbortSignal): Promise<void> {
    const { isTTY } = process.stdout;
    console.log();
    while (!signal.aborted) {
      const { above, rows, servers, below } = await read(watched);
      if (isTTY) {
        const { columns, rows: height } = process.stdout;
        const sections = rendered(below, Math.floor(height / 4));
        const left = height - [above, ...sections].map(linesOf).reduce((sum, lines) => sum + lines);
        this.#draw(blocks(above, renderTable(fit(rows, left), servers, columns), ...sections));
      } else {
        console.log(`${blocks(above, renderTable(rows, servers, PRINTED_COLUMNS), ...rendered(below))}\n`);
      }
      await sleep(isTTY ? TERMINAL_MS : PRINTED_MS, undefined, { signal }).catch(() => {});
    }
    if (isTTY) this.#terminal.done();
  }

  /** Prints a permanent line. On a terminal, it appears above the table. */
  print(line: string): void {
    if (this.#shown === undefined) {
      console.log(line);
      return;
    }
    this.#terminal.clear();
    console.log(line);
    this.#terminal(this.#shown);
  }

  #draw(text: string): void {
    // log-update rewrites only the lines that differ. If a line was printed in between, everything is drawn again.
    if (this.#shown === undefined || linesOf(text) !== linesOf(this.#shown)) this.#terminal.clear();
    this.#shown = text;
    this.#terminal(text);
  }
}

async function read(watched: readonly Watched[]) {
  const expositions = await Promise.all(watched.map(({ envoy }) => envoy.stats().catch(() => "")));
  const upstreams = await Promise.all(watched.map(({ upstream }, index) => upstream.check(expositions[index])));
  const distinct = (lines: string[]) => [...new Set(lines)];
  const problems = {
    errors: distinct(watched.flatMap(({ log }) => log.errors)),
    warnings: distinct(watched.flatMap(({ log }) => log.warnings)),
    upstreams: upstreams.filter((sentence) => sentence !== undefined),
  };
  const samples = expositions.flatMap((text) => readSamples(text, "mcp_"));
  const above = renderProblems(problems, readInvalid(samples));
  const below = {
    denials: readDenials(samples),
    limits: readLimits(samples),
    callers: readLimitedCallers(samples),
    queues: readQueues(samples),
  };
  return { above, rows: readRows(samples), servers: readServers(samples), below };
}

/** The texts about denials, limits and queues, each with at most `lines` rules. */
function rendered(
  { denials, limits, callers, queues }: Awaited<ReturnType<typeof read>>["below"],
  lines?: number,
): string[] {
  return [renderDenials(denials, lines), renderLimits(limits, callers, lines), renderQueues(queues, lines)];
}

/** Joins texts with an empty line between them. Omits empty texts. */
function blocks(...texts: string[]): string {
  return texts.filter((text) => text !== "").join("\n\n");
}

/** The number of lines of a block, including the empty line after it; 0 for an empty block. */
function linesOf(text: string): number {
  return text === "" ? 0 : text.split("\n").length + 1;
}

/** The rows to show. If the table would have more than `lines` lines, only rows of tools, because a longer table would lose
 *  its head. */
function fit(rows: Row[], lines: number): Row[] {
  const servers = new Set(rows.map(({ server }) => server)).size;
  // Four more lines: the head, two lines of legend and an empty line.
  return rows.length + servers + 4 <= lines ? rows : rows.filter(({ tool }) => tool !== "");
}
