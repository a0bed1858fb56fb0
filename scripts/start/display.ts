/** Shows statistics, problems and log lines: in place on a terminal, otherwise as one table after another. */
import { setTimeout as sleep } from "node:timers/promises";
import { createLogUpdate } from "log-update";
import type { Row } from "../statistics/rows.ts";
import type { Statistics } from "../statistics/statistics.ts";
import { renderDenials } from "./denials.ts";
import { renderLimits } from "./limits.ts";
import { renderProblems } from "./problems.ts";
import { renderQueues } from "./queues.ts";
import type { Reading } from "./reading.ts";
import { renderTable } from "./table.ts";

const READING_MS = 1_000;
/** Without a terminal, every fifth reading is printed. */
const PRINTED_READINGS = 5;
const PRINTED_COLUMNS = 120;

export class Display {
  readonly #terminal = createLogUpdate(process.stdout);
  #shown: string | undefined;

  /** Shows what `read` resolves to, again and again until `signal` aborts. The last table stays on the screen. */
  async run(read: () => Promise<Reading>, signal: AbortSignal): Promise<void> {
    const { isTTY } = process.stdout;
    console.log();
    for (let reading = 0; !signal.aborted; reading++) {
      const { statistics, problems } = await read();
      const { rows, servers } = statistics;
      const above = renderProblems(problems, statistics.invalid);
      if (isTTY) {
        const { columns, rows: height } = process.stdout;
        const sections = rendered(statistics, Math.floor(height / 4));
        const left = height - [above, ...sections].map(linesOf).reduce((sum, lines) => sum + lines);
        this.#draw(blocks(above, renderTable(fit(rows, left), servers, columns), ...sections));
      } else if (reading % PRINTED_READINGS === 0) {
        console.log(`${blocks(above, renderTable(rows, servers, PRINTED_COLUMNS), ...rendered(statistics))}\n`);
      }
      await sleep(READING_MS, undefined, { signal }).catch(() => {});
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

/** The texts about denials, limits and queues, each with at most `lines` rules. */
function rendered({ denials, limits, callers, queues }: Statistics, lines?: number): string[] {
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
