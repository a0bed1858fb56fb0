/** Renders the table of live statistics: for each server, its tools, then its other methods. */
import { stripVTControlCharacters } from "node:util";
import Table from "cli-table3";
import { colors } from "../cli/colors.ts";
import { PLAIN } from "../cli/table.ts";
import { formatBytes, formatQuantile, formatTokens, MARKS } from "../statistics/format.ts";
import { nameOf } from "../statistics/names.ts";
import type { Row } from "../statistics/rows.ts";
import type { ServerTotals } from "../statistics/servers.ts";

interface Column {
  title: string;
  width: number;
  cell: (row: Row) => string;
  /** The order in which columns are omitted if they do not fit: 1 first. Columns without it are never omitted. */
  spared?: 1 | 2 | 3;
  /** Whether a row needs the column. It is omitted if no row does. */
  isNeeded?: (row: Row) => boolean;
}

/** The columns after the first one, which has the remaining width. */
const COLUMNS: Column[] = [
  { title: "calls", width: 7, cell: ({ calls }) => String(calls) },
  { title: "errors", width: 7, cell: ({ errors }) => (errors > 0 ? colors.red(errors) : "0") },
  { title: "cancelled", width: 10, cell: ({ cancelled }) => (cancelled > 0 ? colors.yellow(cancelled) : "0") },
  {
    title: "limited",
    width: 8,
    cell: ({ limited }) => (limited > 0 ? colors.yellow(limited) : "0"),
    isNeeded: ({ limited }) => limited > 0,
    spared: 3,
  },
  { title: "p50", width: 8, cell: quantile(0.5, 10) },
  { title: "p95", width: 8, cell: quantile(0.95, 20), spared: 1 },
  { title: "p99", width: 8, cell: quantile(0.99, 100) },
  { title: "tokens in", width: 10, cell: ({ tokensIn }) => formatTokens(tokensIn) },
  { title: "tokens out", width: 11, cell: ({ tokensOut }) => formatTokens(tokensOut) },
  { title: "bytes", width: 11, cell: ({ bytes }) => formatBytes(bytes), spared: 2 },
];
const NAME_WIDTH = { min: 16, max: 44 };
/** The states of sessions that are not idle, with their texts, the most blocking state first. */
const SHOWN_STATES = [
  ["waiting_for_limit", "queued"],
  ["waiting_for_client", "waiting for the client"],
  ["calling", "calling"],
];
/** The label value of tools and methods that have no value of their own. A tool with this name has another value. */
const OTHER = "_OTHER";
const OTHER_TOOLS = "other tools";
const OTHER_MEANING = "see docs/metrics.md#which-names-become-labels";
const LEGEND = [
  [MARKS.interpolated, "interpolated"],
  [MARKS.atMost, "at most: too few calls"],
  [MARKS.beyond, "beyond all buckets"],
];

/** Renders the rows, which must be sorted by server, at most `columns` characters wide. Returns one sentence if there are none. */
export function renderTable(rows: Row[], servers: ReadonlyMap<string, ServerTotals>, columns: number): string {
  if (rows.length === 0) return "No MCP traffic yet.";
  const needed = COLUMNS.filter(({ isNeeded = () => true }) => rows.some(isNeeded));
  const shown = fitting(needed, columns - NAME_WIDTH.min - 1);
  const nameWidth = Math.max(NAME_WIDTH.min, Math.min(NAME_WIDTH.max, columns - widthOf(shown) - 1));
  const table = new Table({
    head: ["", ...shown.map(({ title }) => colors.bold(title))],
    colWidths: [nameWidth, ...shown.map(({ width }) => width)],
    colAligns: ["left", ...shown.map(() => "right" as const)],
    ...PLAIN,
  });
  let server: string | undefined;
  for (const row of rows) {
    if (row.server !== server) {
      const name = nameOf(row.server);
      const room = nameWidth + widthOf(shown) - name.length;
      const content = colors.bold(name) + colors.dim(describe(servers.get(row.server), room));
      table.push([{ content, colSpan: shown.length + 1 }]);
    }
    server = row.server;
    table.push([`  ${titleOf(row)}`, ...shown.map(({ cell }) => cell(row))]);
  }
  const cells = shown.flatMap(({ cell }) => rows.map((row) => stripVTControlCharacters(cell(row))));
  const other = rows.some(({ tool }) => tool === OTHER) ? colors.dim(`\n${OTHER_TOOLS}: ${OTHER_MEANING}`) : "";
  return `${table.toString().replaceAll(/ +$/gm, "")}${legend(cells)}${other}`;
}

function titleOf({ tool, method }: Row): string {
  if (tool === OTHER) return colors.dim(OTHER_TOOLS);
  if (tool !== "") return nameOf(tool);
  return colors.dim(method === OTHER ? "other methods" : method);
}

/** A line that explains the marks in these cells; "" if there are none. */
function legend(cells: readonly string[]): string {
  const marks = LEGEND.filter(([mark]) => cells.some((cell) => cell.startsWith(mark)));
  return marks.length === 0 ? "" : colors.dim(`\n${marks.map(([mark, text]) => `${mark} ${text}`).join("   ")}`);
}

/** The columns that fit into this number of characters, and all columns that are never omitted. */
function fitting(columns: Column[], characters: number): Column[] {
  const choices = [0, 1, 2, 3].map((spare) => columns.filter(({ spared = 4 }) => spared > spare));
  return choices.find((choice) => widthOf(choice) <= characters) ?? choices[3];
}

function widthOf(columns: Column[]): number {
  return columns.reduce((sum, { width }) => sum + width, 0);
}

/** The text after a server's name, at most `room` characters long. Omits parts that do not fit, except the number of sessions. */
function describe(totals: ServerTotals | undefined, room: number): string {
  if (totals === undefined) return "";
  const { sessionsActive, sessionsByState, sessionsSeen, tokens, definitionTokens } = totals;
  const sessions = `${sessionsActive} of ${sessionsSeen} sessions active`;
  const states = SHOWN_STATES.map(([state, text]) => [sessionsByState[state] ?? 0, text] as const)
    .filter(([count]) => count > 0)
    .map(([count, text]) => `${count} ${text}`);
  const parts = [states.length > 0 ? `${sessions} (${states.join(", ")})` : sessions];
  if (tokens > 0 && sessionsSeen > 0) parts.push(`${formatTokens(Math.round(tokens / sessionsSeen))} tokens a session`);
  if (definitionTokens > 0) parts.push(`${formatTokens(definitionTokens)} tokens of definitions`);
  const choices = [...parts.map((_, spared) => parts.slice(0, parts.length - spared).join(", ")), sessions];
  return `  ${choices.find((text) => text.length + 2 <= room) ?? sessions}`;
}

/** A function that renders a percentile of a row's durations. */
function quantile(q: number, enough: number): (row: Row) => string {
  return ({ durations }) => {
    const text = formatQuantile(q, enough, durations);
    return text.startsWith(MARKS.atMost) ? colors.dim(text) : text;
  };
}
