/** The table of live statistics as text: by server its tools, then its other methods. */
import Table from "cli-table3";
import colors from "picocolors";
import { histogramQuantile } from "./quantile.ts";
import type { Row, SessionCounts } from "./statistics.ts";

/** Titles and widths of the columns after the first, which takes what is left. */
const COLUMNS = [
  ["calls", 7],
  ["errors", 7],
  ["cancelled", 10],
  ["p50", 8],
  ["p95", 8],
  ["p99", 8],
  ["bytes", 11],
] as const;
const NAME_WIDTH = { min: 16, max: 44 };

// Space and not lines between the columns: a terminal of 80 columns must do.
const PLAIN = Object.fromEntries(
  ["top", "bottom", "mid"]
    .flatMap((edge) => ["", "-mid", "-left", "-right"].map((corner) => edge + corner))
    .concat("left", "left-mid", "mid-mid", "right", "right-mid", "middle")
    .map((place) => [place, ""]),
) as Partial<Record<Table.CharName, string>>;

/** Renders the rows, sorted by server, `columns` characters wide at most; one sentence where there are none. */
export function renderTable(rows: Row[], sessions: ReadonlyMap<string, SessionCounts>, columns: number): string {
  if (rows.length === 0) return "No MCP traffic yet.";
  const numbers = COLUMNS.reduce((sum, [, width]) => sum + width, 0);
  const nameWidth = Math.max(NAME_WIDTH.min, Math.min(NAME_WIDTH.max, columns - numbers - 1));
  const table = new Table({
    head: ["", ...COLUMNS.map(([title]) => colors.bold(title))],
    colWidths: [nameWidth, ...COLUMNS.map(([, width]) => width)],
    colAligns: ["left", ...COLUMNS.map(() => "right" as const)],
    chars: PLAIN,
    // The library's own colours ignore NO_COLOR and terminals without colour.
    style: { head: [], border: [], compact: true, "padding-left": 0, "padding-right": 0 },
  });
  let server: string | undefined;
  for (const row of rows) {
    if (row.server !== server) {
      table.push([
        { content: colors.bold(row.server) + formatSessions(sessions.get(row.server)), colSpan: COLUMNS.length + 1 },
      ]);
    }
    server = row.server;
    table.push(cells(row));
  }
  return table.toString().replaceAll(/ +$/gm, "");
}

function cells(row: Row): string[] {
  return [
    `  ${row.tool === "" ? colors.dim(row.method) : row.tool}`,
    String(row.calls),
    row.errors > 0 ? colors.red(row.errors) : "0",
    row.cancelled > 0 ? colors.yellow(row.cancelled) : "0",
    ...[0.5, 0.95, 0.99].map((q) => formatDuration(histogramQuantile(q, row.durations))),
    formatBytes(row.bytes),
  ];
}

function formatSessions(counts: SessionCounts | undefined): string {
  if (counts === undefined) return "";
  return colors.dim(`  ${counts.active} of ${counts.seen} sessions active`);
}

function formatDuration(ms: number | undefined): string {
  if (ms === undefined) return "–";
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let value = bytes / 1024;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${value.toFixed(1)} ${units[unit]}`;
}
