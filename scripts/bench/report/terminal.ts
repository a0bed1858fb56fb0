/** Renders a table for a terminal. */
import Table from "cli-table3";
import { colors } from "../../cli/colors.ts";
import type { TextTable } from "./tables.ts";

export function renderTerminal({ head, textColumns, rows }: TextTable): string {
  const table = new Table({
    head: head.map((title) => colors.bold(title)),
    colAligns: head.map((_title, column) => (column < textColumns ? "left" : "right")),
    // The library's own colours ignore NO_COLOR and terminals without colour.
    style: { head: [], border: [], compact: true },
  });
  table.push(...rows);
  return table.toString();
}
