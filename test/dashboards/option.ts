/** ECharts' options for a panel, from the results of its queries. */
import type { EChartsOption } from "echarts";
import type { Panel, Unit } from "../../scripts/dashboards/panel.ts";
import type { Line } from "../prometheus/prometheus.ts";

/** Colors that differ from each other and from the page's text. */
export const COLORS = [
  "#4269d0",
  "#efb118",
  "#e0503f",
  "#2a9d8f",
  "#8e6bbf",
  "#ff8ab7",
  "#97bbf5",
  "#9c6b4e",
  "#3ca951",
];

/** A series with the name that its legend gives it, and its values over time. */
export interface Named {
  name: string;
  line: Line;
}

/** How values of a unit are written: multiplied, rounded and followed by the suffix. */
interface Format {
  factor: number;
  suffix: string;
}

/** Units by the highest value that is shown. */
export function formatOf(unit: Unit, highest: number): Format {
  switch (unit) {
    case "milliseconds":
      return highest < 2000 ? { factor: 1, suffix: " ms" } : { factor: 1 / 1000, suffix: " s" };
    case "bytesPerSecond":
      return highest < 2048 ? { factor: 1, suffix: " B/s" } : { factor: 1 / 1024, suffix: " KiB/s" };
    case "share":
      return { factor: 100, suffix: " %" };
    case "perSecond":
      return { factor: 1, suffix: "/s" };
    case "count":
      return { factor: 1, suffix: "" };
  }
}

/** The color of a series. */
export function colorOf(index: number): string {
  return COLORS[index % COLORS.length];
}

/** A value in its unit, with at most three digits. */
export function written(value: number, unit: Unit): string {
  const { factor, suffix } = formatOf(unit, value);
  const scaled = value * factor;
  return (Math.abs(scaled) >= 100 ? scaled.toFixed(0) : String(Number(scaled.toPrecision(3)))) + suffix;
}

/** The legend of a query with the labels of a series. */
export function nameOf(legend: string, labels: Record<string, string>): string {
  return legend.replace(/\{\{(\w+)\}\}/g, (_, label: string) => labels[label] ?? "").trim() || "(none)";
}

/** The newest value of a line; undefined if it has no number. */
export function newest({ points }: Line): number | undefined {
  return points.findLast(([, value]) => !Number.isNaN(value))?.[1];
}

/** Lines or stacked areas over time. */
export function timeOption({ kind, unit }: Panel, series: Named[], start: number, end: number): EChartsOption {
  const values = series.flatMap(({ line }) => line.points.map(([, value]) => value)).filter(Number.isFinite);
  const { factor, suffix } = formatOf(unit, Math.max(...values));
  const times = [...new Set(series.flatMap(({ line }) => line.points.map(([time]) => time)))].sort((a, b) => a - b);
  return {
    ...COMMON,
    grid: { left: 8, right: 12, top: 10, bottom: 4, containLabel: true },
    xAxis: { type: "time", min: start * 1000, max: end * 1000, axisLabel: { fontSize: 10, hideOverlap: true } },
    yAxis: { type: "value", min: 0, splitNumber: 4, axisLabel: { fontSize: 10, formatter: `{value}${suffix}` } },
    series: series.map(({ name, line }) => ({
      type: "line",
      name,
      showSymbol: line.points.length === 1,
      lineStyle: { width: 1.5 },
      ...(kind === "areas" && { stack: "all", areaStyle: { opacity: 0.4 } }),
      data: (kind === "areas" ? filled(line, times) : line.points).map(([time, value]) => [
        time * 1000,
        value * factor,
      ]),
    })),
  };
}

/** A value at each of the times, because areas are stacked by their order: 0 where the line has none. */
function filled({ points }: Line, times: number[]): [number, number][] {
  const values = new Map(points);
  return times.map((time) => [time, values.get(time) ?? 0]);
}

/** One bar for each series, the longest one at the top. */
export function barsOption({ unit }: Panel, series: Named[]): EChartsOption {
  const bars = series.map(({ name, line }) => ({ name, value: newest(line) ?? 0 }));
  bars.sort((one, other) => one.value - other.value);
  return {
    ...COMMON,
    grid: { left: 8, right: 50, top: 4, bottom: 4, containLabel: true },
    xAxis: { type: "value", show: false },
    yAxis: {
      type: "category",
      data: bars.map(({ name }) => name),
      axisLabel: { fontSize: 10 },
      axisTick: { show: false },
    },
    series: [
      {
        type: "bar",
        barMaxWidth: 18,
        data: bars.map(({ value }) => ({
          value,
          label: { show: true, position: "right", formatter: written(value, unit) },
        })),
      },
    ],
  };
}

const COMMON = { animation: false, color: COLORS };
