/** Renders what `top` shows: one row for each server, tool or caller. */
import Table from "cli-table3";
import { colors } from "../cli/colors.ts";
import { cut } from "../cli/columns.ts";
import { PLAIN } from "../cli/table.ts";
import { formatDuration, formatQuantile, formatTokens } from "../statistics/format.ts";
import { nameOf } from "../statistics/names.ts";
import { histogramQuantile } from "../statistics/quantile.ts";
import type { Activity } from "./activity.ts";
import type { Dimension, SortKey } from "./command.ts";

/** The numbers of calls that are enough for a percentile (docs/metrics.md). */
const ENOUGH = { p50: 10, p95: 20 };
const NOTHING = formatDuration(undefined);
/** The label value of names that have no value of their own. */
const OTHER = "_OTHER";
/** Characters that the names of servers and tools have at least, in all, if they need them. */
const NAMES_WIDTH = 32;
const NAME_WIDTH = { min: 14, max: 60 };

interface Column {
  title: string;
  key: SortKey;
  width: number;
  cell: (activity: Activity) => string;
  /** Whether a row needs the column. It is omitted if no row does. */
  isNeeded?: (activity: Activity) => boolean;
  /** The order in which columns are omitted if names have no room: 1 first. Columns without it are never omitted. */
  spared?: 1 | 2 | 3;
}

const COLUMNS: Column[] = [
  { title: "calls/s", key: "calls", width: 9, cell: ({ calls }) => formatRate(calls) },
  { title: "errors/s", key: "errors", width: 9, cell: ({ errors }) => marked(errors, colors.red) },
  {
    title: "p50",
    key: "p50",
    width: 9,
    cell: ({ durations }) => formatQuantile(0.5, ENOUGH.p50, durations),
    isNeeded: hasDurations,
    spared: 3,
  },
  {
    title: "p95",
    key: "p95",
    width: 9,
    cell: ({ durations }) => formatQuantile(0.95, ENOUGH.p95, durations),
    isNeeded: hasDurations,
  },
  {
    title: "tokens/s",
    key: "tokens",
    width: 9,
    cell: ({ tokens }) => (tokens === undefined ? NOTHING : formatTokens(Math.round(tokens))),
    isNeeded: ({ tokens }) => tokens !== undefined,
  },
  {
    title: "limited/s",
    key: "limited",
    width: 10,
    cell: ({ limited }) => marked(limited, colors.yellow),
    isNeeded: ({ limited }) => limited > 0,
    spared: 2,
  },
  {
    title: "in flight",
    key: "inflight",
    width: 10,
    cell: ({ inFlight }) => (inFlight === undefined ? NOTHING : String(inFlight)),
    isNeeded: ({ inFlight }) => inFlight !== undefined,
    spared: 1,
  },
];

function hasDurations({ durations }: Activity): boolean {
  return durations.size > 0;
}

/** Formats a rate with two digits, or none from 100 on; a dash for 0. */
function formatRate(perSecond: number): string {
  if (perSecond === 0) return NOTHING;
  if (perSecond < 0.01) return "<0.01";
  return perSecond < 10 ? perSecond.toFixed(2) : perSecond < 100 ? perSecond.toFixed(1) : perSecond.toFixed(0);
}

function marked(perSecond: number, colour: (text: string) => string): string {
  return perSecond > 0 ? colour(formatRate(perSecond)) : NOTHING;
}

/** The activities by this column, highest first, then by server and name. */
export function sorted(activities: readonly Activity[], key: SortKey): Activity[] {
  const textual = ({ server, name }: Activity) => `${server}\0${name}`;
  return activities.toSorted((a, b) => {
    const difference = valueOf(b, key) - valueOf(a, key);
    return difference !== 0 && !Number.isNaN(difference) ? difference : textual(a) < textual(b) ? -1 : 1;
  });
}

function valueOf({ calls, errors, limited, tokens = 0, inFlight = 0, durations }: Activity, key: SortKey): number {
  if (key === "p50" || key === "p95") return percentile(durations, key) ?? -1;
  return { calls, errors, limited, tokens, inflight: inFlight }[key];
}

/** A percentile in milliseconds; Infinity beyond all buckets; undefined without calls. */
export function percentile(durations: Activity["durations"], key: "p50" | "p95"): number | undefined {
  return histogramQuantile(key === "p50" ? 0.5 : 0.95, durations)?.value;
}

/** How much room a table has. */
export interface Room {
  columns: number;
  /** The number of lines, at least 3. */
  lines: number;
}

/** Renders the activities, which must be sorted, with as many rows as there is room for. */
export function renderTop(activities: readonly Activity[], by: Dimension, sort: SortKey, room: Room): string {
  if (activities.length === 0) return emptyText(by);
  const shownRows = activities.length + 1 <= room.lines ? activities : activities.slice(0, Math.max(1, room.lines - 2));
  const needed = COLUMNS.filter(({ isNeeded = () => true, key }) => key === sort || activities.some(isNeeded));
  const columns = fitting(
    needed,
    sort,
    room.columns - 1 - Math.min(NAMES_WIDTH, widthOf(nameColumns(activities, by, Infinity))),
  );
  const names = nameColumns(activities, by, room.columns - 1 - widthOf(columns));
  const table = new Table({
    head: [
      ...names.map(({ title }) => colors.bold(title)),
      ...columns.map(({ title, key }) => (key === sort ? colors.bold(colors.underline(title)) : colors.bold(title))),
    ],
    colWidths: [...names.map(({ width }) => width), ...columns.map(({ width }) => width)],
    colAligns: [...names.map(() => "left" as const), ...columns.map(() => "right" as const)],
    ...PLAIN,
  });
  for (const row of shownRows)
    table.push([...names.map(({ cell }) => cell(row)), ...columns.map(({ cell }) => cell(row))]);
  const left = activities.length - shownRows.length;
  const more = left > 0 ? `\n${colors.dim(`… and ${left} more`)}` : "";
  return `${table.toString().replaceAll(/ +$/gm, "")}${more}`;
}

/** The columns that fit into this number of characters, and those that are never omitted. */
function fitting(columns: readonly Column[], sort: SortKey, characters: number): Column[] {
  const choices = [0, 1, 2, 3].map((spare) =>
    columns.filter(({ key, spared = Infinity }) => key === sort || spared > spare),
  );
  return choices.find((choice) => widthOf(choice) <= characters) ?? choices[3];
}

function widthOf(columns: readonly { width: number }[]): number {
  return columns.reduce((sum, { width }) => sum + width, 0);
}

interface NameColumn {
  title: string;
  width: number;
  cell: (activity: Activity) => string;
}

/** The columns with names, in this many characters. The server's has at most a third beside another one. */
function nameColumns(activities: readonly Activity[], by: Dimension, characters: number): NameColumn[] {
  const server = (width: number): NameColumn => ({
    title: "server",
    width,
    cell: (row) => cut(nameOf(row.server), width - 2),
  });
  const widest = Math.max(...activities.map((row) => nameOf(row.server).length), "server".length) + 2;
  if (by === "server") return [server(Math.min(characters, Math.max(widest, NAME_WIDTH.min)))];
  const forServer = Math.min(widest, Math.max(8, Math.floor(characters / 3)));
  const longest = Math.max(...activities.map((row) => shownName(row, by).length), by.length) + 2;
  const width = Math.min(characters - forServer, Math.max(longest, NAME_WIDTH.min), NAME_WIDTH.max);
  return [server(forServer), { title: by, width, cell: (row) => cut(shownName(row, by), width - 1) }];
}

function shownName({ name }: Activity, by: Dimension): string {
  return name === OTHER ? `other ${by}s` : nameOf(name);
}

function emptyText(by: Dimension): string {
  if (by === "tool") return "No tool was called in this time. --by server shows other methods too.";
  if (by === "caller") {
    return `No caller is known in this time: callers are counted only with "labels": {"caller": …} in the plugin's configuration.`;
  }
  return "No MCP traffic in this time.";
}
