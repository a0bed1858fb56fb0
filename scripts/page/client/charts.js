/** Line charts over time, with a legend that shows the values of one moment as text. */
import { element, setText } from "./dom.js";
import { formatClock } from "./format.js";
import uPlot from "./uplot.js";

/**
 * @typedef {object} Series
 * @property {string} name
 * @property {number} index the place in the palette; different series of a chart have different places
 * @property {(number | null)[]} values one for each time
 */

/**
 * @typedef {object} Chart
 * @property {(times: number[], series: Series[]) => void} show shows other data; times are in seconds since 1970
 * @property {(index: number | undefined) => void} point shows the values at the time with this index
 */

const HEIGHT = 170;
const COLORS = 8;
const DASHES = [[], [6, 4], [2, 3]];
/** The distances of labels at the axis of numbers that have no fractions. */
const WHOLE = [1, 2, 5]
  .flatMap((digit) => [1, 10, 100, 1_000, 10_000, 100_000].map((factor) => digit * factor))
  .sort((a, b) => a - b);

/**
 * Adds a chart to `container`.
 * @param {HTMLElement} container
 * @param {object} options
 * @param {string} options.title
 * @param {(value: number | null | undefined) => string} options.format formats values
 * @param {boolean} [options.isCount] whether values have no fractions
 * @param {(index: number | undefined) => void} options.hover receives the index of the time under the pointer; undefined without one
 * @returns {Chart}
 */
export function createChart(container, { title, format, isCount = false, hover }) {
  const plot = element("div", { class: "plot", role: "img" });
  const legend = element("ul", { class: "legend", "aria-label": `${title}: values` });
  container.append(element("figure", {}, element("figcaption", {}, title), plot, legend));
  /** @type {uPlot | undefined} */
  let chart;
  /** @type {Series[]} */
  let series = [];
  /** @type {number[]} */
  let times = [];
  /** @type {number | undefined} */
  let pointed;
  let looks = "";

  /** @param {number} index */
  const colorOf = (index) => cssValue(`--series-${index % COLORS}`);

  function build() {
    chart?.destroy();
    const axis = {
      stroke: cssValue("--text-soft"),
      grid: { stroke: cssValue("--grid"), width: 1 },
      ticks: { stroke: cssValue("--grid"), width: 1 },
    };
    /** @type {uPlot.Options} */
    const options = {
      width: Math.max(1, plot.clientWidth),
      height: HEIGHT,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
      scales: { y: { range: (_chart, _low, high) => [0, high > 0 ? high * 1.1 : 1] } },
      axes: [
        { ...axis, space: 80, values: (_chart, splits) => splits.map((seconds) => formatClock(seconds * 1000)) },
        { ...axis, size: 62, values: (_chart, splits) => splits.map(format), ...(isCount && { incrs: WHOLE }) },
      ],
      series: [
        {},
        ...series.map(({ index }) => ({
          stroke: colorOf(index),
          width: 2,
          dash: DASHES[Math.floor(index / COLORS) % DASHES.length],
          spanGaps: true,
          points: { show: times.length < 3, size: 5 },
        })),
      ],
      hooks: {
        setCursor: [
          (self) => {
            // The event is missing if a program moved the cursor.
            if (self.cursor.event) hover(self.cursor.idx ?? undefined);
          },
        ],
      },
    };
    chart = new uPlot(options, dataOf(), plot);
    point(pointed);
  }

  /** @returns {uPlot.AlignedData} */
  function dataOf() {
    return [times, ...series.map(({ values }) => values)];
  }

  /** @param {number | undefined} index */
  function point(index) {
    pointed = index;
    const at = index ?? times.length - 1;
    for (const [place, { values }] of series.entries()) {
      setText(legend.children[place].children[2], format(values[at]));
    }
    if (chart === undefined) return;
    const left = index === undefined || times.length === 0 ? -10 : chart.valToPos(times[index], "x");
    chart.setCursor({ left, top: left < 0 ? -10 : 0 }, false);
  }

  function drawLegend() {
    const entries = series.map(({ name, index }) => {
      const mark = element("span", { class: `mark dash-${Math.floor(index / COLORS) % DASHES.length}` });
      mark.style.borderColor = `var(--series-${index % COLORS})`;
      return element("li", {}, mark, element("bdi", {}, name), element("span", { class: "value" }));
    });
    legend.replaceChildren(...entries);
  }

  new ResizeObserver(() => {
    if (plot.clientWidth > 0) chart?.setSize({ width: plot.clientWidth, height: HEIGHT });
  }).observe(plot);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", build);
  plot.addEventListener("pointerleave", () => hover(undefined));

  return {
    show(newTimes, newSeries) {
      [times, series] = [newTimes, newSeries];
      const newLooks = JSON.stringify([series.map(({ name, index }) => [name, index]), times.length < 3]);
      const isSame = newLooks === looks;
      looks = newLooks;
      if (!isSame) drawLegend();
      if (chart === undefined || !isSame) build();
      else chart.setData(dataOf());
      const [from, to] = [times[0], times.at(-1)].map((time) => formatClock((time ?? 0) * 1000));
      plot.setAttribute("aria-label", `${title}, from ${from} to ${to}. The list below has the values at one moment.`);
      point(pointed);
    },
    point,
  };
}

/**
 * The value of a custom property of the style sheet.
 * @param {string} name
 */
function cssValue(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
