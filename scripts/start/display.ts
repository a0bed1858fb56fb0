/** Shows statistics, problems and log lines: in place on a terminal, as one table after another elsewhere. */
import { setTimeout as sleep } from "node:timers/promises";
import { createLogUpdate } from "log-update";
import type { Envoy } from "../envoy/process.ts";
import { readDenials, renderDenials } from "./denials.ts";
import type { EnvoyLog } from "./envoy-log.ts";
import { readLimitedCallers, readLimits, renderLimits } from "./limits.ts";
import { readInvalid, renderProblems } from "./problems.ts";
import { readQueues, renderQueues } from "./queues.ts";
import { readRows, readServers, type Row } from "./statistics.ts";
import { renderTable } from "./table.ts";
import type { UpstreamWatch } from "./upstream-watch.ts";

const TERMINAL_MS = 1_000;
const PRINTED_MS = 5_000;
const PRINTED_COLUMNS = 120;

/** An Envoy and what is known of it beside its statistics. */
export interface Watched {
  envoy: Envoy;
  log: EnvoyLog;
  upstream: UpstreamWatch;
}

export class Display {
  readonly #terminal = createLogUpdate(process.stdout);
  #shown: string | undefined;

  /** Shows the statistics of these Envoys together until `signal` aborts; what was last shown stays. */
  async run(watched: readonly Watched[], signal: AbortSignal): Promise<void> {
    const { isTTY } = process.stdout;
    console.log();
    while (!signal.aborted) {
      const { above, rows, expositions, below } = await read(watched);
      const servers = readServers(expositions);
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

  /** Prints a line that stays: above the table where that is drawn in place. */
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
    // log-update rewrites what differs, but overwrites where a line was put in between: then all is drawn anew.
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
  const above = renderProblems(problems, readInvalid(expositions));
  const below = {
    denials: readDenials(expositions),
    limits: readLimits(expositions),
    callers: readLimitedCallers(expositions),
    queues: readQueues(expositions),
  };
  return { expositions, above, rows: readRows(expositions), below };
}

/** What was denied, what was limited and what waits, in `lines` rules at most each. */
function rendered(
  { denials, limits, callers, queues }: Awaited<ReturnType<typeof read>>["below"],
  lines?: number,
): string[] {
  return [renderDenials(denials, lines), renderLimits(limits, callers, lines), renderQueues(queues, lines)];
}

/** The texts below one another with an empty line between them; empty texts are left out. */
function blocks(...texts: string[]): string {
  return texts.filter((text) => text !== "").join("\n\n");
}

/** The lines of a block and of the empty line that parts it from the next one. */
function linesOf(text: string): number {
  return text === "" ? 0 : text.split("\n").length + 1;
}

/** The rows to show: only those of tools if the table would have more than `lines` lines, since the head could be clipped. */
function fit(rows: Row[], lines: number): Row[] {
  const servers = new Set(rows.map(({ server }) => server)).size;
  // The head, the legend of two lines and the line that stays empty.
  return rows.length + servers + 4 <= lines ? rows : rows.filter(({ tool }) => tool !== "");
}
