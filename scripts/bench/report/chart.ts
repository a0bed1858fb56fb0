/** The chart of the report: what each variant adds, compared with the native filter. */
import type { Report } from "./figures.ts";

const WIDTH = 960;
const HEIGHT = 420;

/** Renders SVG; undefined if there is nothing to compare. */
export async function renderChart({ workloads, variants }: Report): Promise<string | undefined> {
  const compared = workloads.filter(
    ({ cells, isMcp }) => isMcp && cells.some(({ addedToNative }) => addedToNative !== undefined),
  );
  const bars = variants.filter(({ id }) => id !== "none" && id !== "native");
  if (compared.length === 0 || bars.length === 0) return undefined;

  // Imported only when a page is requested, because it is large.
  const { init } = await import("echarts");
  const chart = init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height: HEIGHT });
  chart.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    title: {
      text: "CPU added per request: envoy.filters.http.mcp is 1, less is better",
      left: "center",
      textStyle: { fontSize: 16 },
    },
    legend: { bottom: 0 },
    grid: { left: 60, right: 60, top: 50, bottom: 90 },
    xAxis: {
      type: "category",
      data: compared.map(({ id, title }) => `(${id}) ${title}`),
      axisLabel: { interval: 0, width: (WIDTH - 120) / compared.length - 8, overflow: "break", fontSize: 11 },
    },
    // Reading responses, which only one of the filters does, costs many times more: a linear scale would hide the rest.
    yAxis: { type: "log", logBase: 10, min: 0.1, name: "× native (log)" },
    series: bars.map((variant, index) => ({
      type: "bar",
      name: variant.id,
      data: compared.map(({ cells }) => {
        const value = cells.find((cell) => cell.variant === variant.id)?.addedToNative?.median;
        return value === undefined || value <= 0 ? null : Number(value.toPrecision(2));
      }),
      label: { show: true, position: "top", fontSize: 10 },
      ...(index === 0 && {
        markLine: { silent: true, symbol: "none", data: [{ yAxis: 1 }], label: { formatter: "native" } },
      }),
    })),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${svg}\n`;
}
