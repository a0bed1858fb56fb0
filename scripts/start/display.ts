/** Shows statistics, problems and log lines: in place on a terminal, otherwise as one table after another. */
import { setTimeout as sleep } from "node:timers/promises";
import { createLogUpdate } from "log-update";
import { colors } from "../cli/colors.ts";
import { cut } from "../cli/columns.ts";
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

  /** Shows `head` on a terminal, and what `read` resolves to, again and again until `signal` aborts. The last table stays on the screen. */
  async run(head: string, read: () => Promise<Reading>, signal: AbortSignal): Promise<void> {
    const { isTTY } = process.stdout;
    console.log();
    for (let reading = 0; !signal.aborted; reading++) {
      const { statistics, problems } = await read();
      const above = renderProblems(problems, statistics.invalid);
      if (isTTY) {
        this.#draw(screen(blocks(head, above), statistics, process.stdout));
      } else if (reading % PRINTED_READINGS === 0) {
        const table = renderTable(statistics.rows, statistics.servers, PRINTED_COLUMNS);
        console.log(`${blocks(above, table, ...rendered(statistics))}\n`);
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

/** What a terminal of this size shows: `above`, the table, and what was stopped. If not all rows fit, the least active ones are
 *  left out. */
function screen(
  above: string,
  statistics: Statistics,
  { columns, rows: height }: { columns: number; rows: number },
): string {
  const { rows, servers } = statistics;
  const sections = rendered(statistics, Math.max(1, Math.floor(height / 8)));
  // The last line stays empty for the cursor. Another one is between the table and the rest.
  const room = height - 2 - linesOf(blocks(above, ...sections));
  const byActivity = rows.toSorted((a, b) => b.calls + b.limited - (a.calls + a.limited));
  const tableOf = (count: number) => {
    const shown = new Set(byActivity.slice(0, count));
    const left = rows.length - shown.size;
    const more = left > 0 ? colors.dim(`\n… and ${left} more`) : "";
    return (
      renderTable(
        rows.filter((row) => shown.has(row)),
        servers,
        columns,
      ) + more
    );
  };
  let count = Math.min(rows.length, Math.max(1, room));
  while (count > 1 && linesOf(tableOf(count)) > room) count--;
  const lines = blocks(above, tableOf(count), ...sections)
    .split("\n")
    .slice(0, height - 1);
  return lines.map((line) => cut(line, columns)).join("\n");
}

/** The texts about denials, limits and queues, each with at most `lines` rules. */
function rendered({ denials, limits, callers, queues }: Statistics, lines?: number): string[] {
  return [renderDenials(denials, lines), renderLimits(limits, callers, lines), renderQueues(queues, lines)];
}

/** Joins texts with an empty line between them. Omits empty texts. */
function blocks(...texts: string[]): string {
  return texts.filter((text) => text !== "").join("\n\n");
}

function linesOf(text: string): number {
  return text.split("\n").length;
}
