/** A dashboard as data: rows of panels with their queries. Writers make files for a product from it. */

/** Units of values. `share` is from 0 to 1. */
export type Unit = "count" | "perSecond" | "bytesPerSecond" | "milliseconds" | "share";

/**
 * How a panel is drawn: `numbers` are the newest values, `lines` and `areas` (stacked) are over time, `bars` and `table`
 * have one value for each series, over the selected time range.
 */
export type Kind = "numbers" | "lines" | "areas" | "bars" | "table";

export interface Query {
  /** PromQL with the variables of variables.ts, `$__rate_interval` and `$__range`. */
  expr: string;
  /** The name of the series, in which `{{label}}` is replaced by a label's value; in a table, the column's header. */
  legend: string;
  /** The unit of a table's column, if it is not the panel's. */
  unit?: Unit;
}

export interface Panel {
  /** Unique within the dashboard. */
  title: string;
  /** What the values mean, in plain text. */
  description: string;
  kind: Kind;
  unit: Unit;
  /** In columns, of which the page has {@link COLUMNS}; otherwise the width of its kind. */
  width?: number;
  queries: Query[];
}

/** Panels that answer one question of an operator. */
export interface Row {
  title: string;
  panels: Panel[];
}

/** The columns of a page. */
export const COLUMNS = 24;
const WIDTHS: Record<Kind, number> = { numbers: 4, lines: 8, areas: 8, bars: 8, table: 12 };
const HEIGHTS: Record<Kind, number> = { numbers: 4, lines: 8, areas: 8, bars: 8, table: 8 };

/** A panel with its place in its row: from the row's upper left corner, in columns and lines. */
export interface Placed {
  panel: Panel;
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Places panels from left to right, in as many lines as they need. */
export function placed(panels: Panel[]): Placed[] {
  let [x, y, lineHeight] = [0, 0, 0];
  return panels.map((panel) => {
    const { kind, width = WIDTHS[kind] } = panel;
    if (x + width > COLUMNS) [x, y, lineHeight] = [0, y + lineHeight, 0];
    const place = { panel, x, y, width, height: HEIGHTS[kind] };
    x += width;
    lineHeight = Math.max(lineHeight, place.height);
    return place;
  });
}

/** Whether the panel needs only the newest value of each series. */
export function isInstant({ kind }: Panel): boolean {
  return kind === "bars" || kind === "table";
}
