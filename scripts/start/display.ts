/** Shows the statistics as they grow: in place on a terminal, as one table after another elsewhere. */
import { setTimeout as sleep } from "node:timers/promises";
import { createLogUpdate } from "log-update";
import type { Envoy } from "../envoy/process.ts";
import { readRows, readServers, type Row } from "./statistics.ts";
import { renderTable } from "./table.ts";

const TERMINAL_MS = 1_000;
const PRINTED_MS = 5_000;
const PRINTED_COLUMNS = 120;

/** Shows the statistics of these Envoys together until `signal` aborts; what was last shown stays. */
export async function showStatistics(envoys: Envoy[], signal: AbortSignal): Promise<void> {
  const { isTTY } = process.stdout;
  const terminal = createLogUpdate(process.stdout);
  let height = 0;
  console.log();
  while (!signal.aborted) {
    const expositions = await Promise.all(envoys.map((envoy) => envoy.stats().catch(() => "")));
    const rows = readRows(expositions);
    const servers = readServers(expositions);
    if (isTTY) {
      const text = renderTable(fit(rows, process.stdout.rows), servers, process.stdout.columns);
      // log-update rewrites what differs, but overwrites where a line was put in between: then all is drawn anew.
      const lines = text.split("\n").length;
      if (lines !== height) terminal.clear();
      height = lines;
      terminal(text);
    } else {
      console.log(`${renderTable(rows, servers, PRINTED_COLUMNS)}\n`);
    }
    await sleep(isTTY ? TERMINAL_MS : PRINTED_MS, undefined, { signal }).catch(() => {});
  }
  if (isTTY) terminal.done();
}

/** Where the table would be higher than the terminal, the tools alone: what is clipped off could be the head. */
function fit(rows: Row[], lines: number): Row[] {
  const servers = new Set(rows.map(({ server }) => server)).size;
  return rows.length + servers + 2 <= lines ? rows : rows.filter(({ tool }) => tool !== "");
}
