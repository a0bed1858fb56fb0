/** Draws the dashboard in a real browser, with ECharts, from the results of the panels' queries. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { ECharts } from "echarts";
import type { Browser, Page } from "playwright-core";
import { HEADERS } from "../../scripts/dashboards/labels.ts";
import { COLUMNS, isInstant, type Panel, placed, type Row } from "../../scripts/dashboards/panel.ts";
import type { Line, Prometheus } from "../prometheus/prometheus.ts";
import { openPage } from "../traces/browser.ts";
import { type Choice, fillAsGrafana } from "./fill.ts";
import { barsOption, colorOf, type Named, nameOf, newest, timeOption, written } from "./option.ts";

const ECHARTS = readFileSync(createRequire(import.meta.url).resolve("echarts/dist/echarts.min"), "utf8");
/** Pixels. */
const [WIDTH, LINE_HEIGHT, GAP] = [1040, 26, 8];
const STYLE = `
  body { margin: 0; padding: ${GAP}px; font: 12px system-ui, sans-serif; color: #1f2430; background: #eef0f4; }
  h2 { font-size: 15px; margin: 6px 2px; }
  .row { position: relative; }
  .panel { position: absolute; box-sizing: border-box; background: #fff; border: 1px solid #d5d9e2; border-radius: 4px;
    display: flex; flex-direction: column; overflow: hidden; }
  h3 { font-size: 12px; margin: 6px 8px 2px; }
  .content { flex: 1; min-height: 0; overflow: hidden; }
  .numbers { display: flex; align-items: center; justify-content: space-evenly; }
  .number { font-size: 26px; text-align: center; }
  .number small { display: block; font-size: 11px; color: #5d6675; }
  .legend { margin: 0 8px 4px; max-height: 42px; overflow: hidden; font-size: 10px; line-height: 14px; color: #454d5b; }
  .legend span { display: inline-block; margin-right: 10px; }
  .legend span::before { content: ""; display: inline-block; width: 8px; height: 8px; margin-right: 4px;
    border-radius: 2px; background: var(--color); }
  table { border-collapse: collapse; width: 100%; font-size: 11px; }
  th, td { text-align: left; padding: 2px 8px; border-bottom: 1px solid #e7eaf0; white-space: nowrap; }
  .value { text-align: right; font-variant-numeric: tabular-nums; }
`;

/** The global of ECharts' script. */
declare const echarts: { init(element: Element, theme: null, options: { renderer: "svg" }): ECharts };

/** Draws rows of panels in a new page; `start` and `end` are seconds since 1970. */
export async function drawRows(
  rows: Row[],
  prometheus: Prometheus,
  choice: Choice,
  { start, end, step }: { start: number; end: number; step: number },
): Promise<{ page: Page; browser: Browser }> {
  const opened = await openPage("about:blank", WIDTH, LINE_HEIGHT);
  const { page } = opened;
  await page.addStyleTag({ content: STYLE });
  await page.addScriptTag({ content: ECHARTS });
  for (const { title, panels } of rows) {
    const places = placed(panels);
    const lines = Math.max(...places.map(({ y, height }) => y + height));
    await page.evaluate(addRow, { title, height: lines * LINE_HEIGHT });
    for (const { panel, x, y, width, height } of places) {
      const results = await Promise.all(
        panel.queries.map(({ expr }) => linesOf(prometheus, panel, fillAsGrafana(expr, choice))),
      );
      const column = (WIDTH - 2 * GAP) / COLUMNS;
      const box = { left: x * column, top: y * LINE_HEIGHT, width: width * column, height: height * LINE_HEIGHT };
      await page.evaluate(addPanel, {
        title: panel.title,
        kind: panel.kind,
        ...withoutGap(box),
        ...contentOf(panel, results),
      });
    }
  }
  const height = await page.evaluate(() => document.body.scrollHeight);
  await page.setViewportSize({ width: WIDTH, height });
  return opened;

  /** The results of a query: over time, or the newest values. */
  async function linesOf(prometheus: Prometheus, panel: Panel, query: string): Promise<Line[]> {
    if (!isInstant(panel)) return prometheus.queryRange(query, start, end, step);
    return (await prometheus.query(query)).map(({ labels, value }) => ({ labels, points: [[end, value]] }));
  }

  /** What the panel contains: a chart, numbers or the lines of a table. */
  function contentOf(panel: Panel, results: Line[][]): Content {
    const series = results.flatMap((lines, index): Named[] => {
      return lines.map((line) => ({ name: nameOf(panel.queries[index].legend, line.labels), line }));
    });
    if (panel.kind === "table") return { table: tableOf(panel, results) };
    if (panel.kind === "bars") return { option: barsOption(panel, series) };
    if (panel.kind !== "numbers") {
      const legend = series.map(({ name }, index) => ({ name, color: colorOf(index) }));
      return { option: timeOption(panel, series, start, end), legend };
    }
    const numbers = series.map(({ name, line }) => ({ name, text: written(newest(line) ?? NaN, panel.unit) }));
    return { numbers };
  }
}

interface Content {
  /** Options of ECharts. */
  option?: Record<string, unknown>;
  legend?: { name: string; color: string }[];
  numbers?: { name: string; text: string }[];
  table?: { headers: string[]; labels: number; cells: string[][] };
}

interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

function withoutGap({ left, top, width, height }: Box): Box {
  return { left, top, width: width - GAP, height: height - GAP };
}

/** One line for each set of labels, with a column for each query; the highest values of the first query first. */
function tableOf({ queries, unit }: Panel, results: Line[][]): NonNullable<Content["table"]> {
  const present = new Set(results.flat().flatMap(({ labels }) => Object.keys(labels)));
  const labels = Object.keys(HEADERS).filter((label) => present.has(label));
  const keyOf = (line: Line) => labels.map((label) => line.labels[label] ?? "");
  const keys = new Map(results.flat().map((line) => [JSON.stringify(keyOf(line)), keyOf(line)]));
  const lines = [...keys].map(([text, key]) => {
    const values = results.map((lines) => lines.find((line) => JSON.stringify(keyOf(line)) === text));
    return { key, values: values.map((line) => line && newest(line)) };
  });
  lines.sort((one, other) => (other.values[0] ?? 0) - (one.values[0] ?? 0));
  return {
    headers: [...labels.map((label) => HEADERS[label]), ...queries.map(({ legend }) => legend)],
    labels: labels.length,
    cells: lines.map(({ key, values }) => [
      ...key,
      ...values.map((value, index) => (value === undefined ? "–" : written(value, queries[index].unit ?? unit))),
    ]),
  };
}

/** In the browser: adds a row to the page. */
function addRow({ title, height }: { title: string; height: number }): void {
  const heading = document.createElement("h2");
  heading.textContent = title;
  const row = document.createElement("div");
  row.className = "row";
  row.style.height = `${height}px`;
  document.body.append(heading, row);
}

/** In the browser: adds a panel to the last row. */
function addPanel({
  title,
  kind,
  option,
  legend = [],
  numbers = [],
  table = { headers: [], labels: 0, cells: [] },
  ...box
}: Content & Box & { title: string; kind: string }): void {
  const add = (parent: Element, tag: string, className: string, text = "") => {
    const element = document.createElement(tag);
    element.className = className;
    element.textContent = text;
    return parent.appendChild(element);
  };
  const panel = add([...document.querySelectorAll(".row")].at(-1), "section", "panel");
  panel.title = title;
  for (const [side, pixels] of Object.entries(box)) panel.style.setProperty(side, `${pixels}px`);
  add(panel, "h3", "", title);
  const content = add(panel, "div", `content ${kind}`);
  if (legend.length > 0) {
    const names = add(panel, "div", "legend");
    for (const { name, color } of legend) add(names, "span", "", name).style.setProperty("--color", color);
  }
  // The chart takes the height that the legend leaves.
  if (option !== undefined) echarts.init(content, null, { renderer: "svg" }).setOption(option);
  for (const { name, text } of numbers) add(add(content, "div", "number mark", text), "small", "", name);
  if (table.headers.length === 0) return;
  const grid = add(content, "table", "");
  const columnClass = (index: number) => (index < table.labels ? "" : "value");
  const head = add(grid, "tr", "");
  table.headers.forEach((header, index) => add(head, "th", columnClass(index), header));
  for (const cells of table.cells) {
    const line = add(grid, "tr", "mark");
    cells.forEach((cell, index) => add(line, "td", columnClass(index), cell));
  }
}

/** The titles of the panels in the page, with the numbers of marks that each contains: lines, bars, numbers, table lines. */
export async function countMarks(page: Page, colors: string[]): Promise<Record<string, number>> {
  return page.evaluate((colors) => {
    const marks = (panel: Element) =>
      [...panel.querySelectorAll("path")].filter((path) =>
        colors.some((color) => [path.getAttribute("stroke"), path.getAttribute("fill")].includes(color)),
      ).length + panel.querySelectorAll(".mark").length;
    return Object.fromEntries(
      [...document.querySelectorAll<HTMLElement>(".panel")].map((panel) => [panel.title, marks(panel)]),
    );
  }, colors);
}
