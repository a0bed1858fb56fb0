import { expect, test } from "vitest";
import type { Measured, Sample } from "../../../scripts/bench/measure.ts";
import type { Report } from "../../../scripts/bench/report/figures.ts";
import { oldTable } from "../../../scripts/bench/report/tables.ts";
import { spread, summarize } from "../../../scripts/bench/summary.ts";
import { WORKLOADS } from "../../../scripts/bench/workloads.ts";

const REST = { throughput: 1, p50: 1, p99: 1, envoyBusy: 1, upstreamBusy: 1 };

/** What was measured: by variant the CPU of each round. */
function measured(cpu: Record<string, number[]>): Measured {
  const samples = Object.entries(cpu).map(([id, list]): [string, Sample[]] => [
    id,
    list.map((value) => ({ cpu: value, ...REST })),
  ]);
  return { workload: WORKLOADS[0], requests: 1, samples: Object.fromEntries(samples) };
}

test("the median and the quartiles, whatever the order", () => {
  expect(spread([5, 1, 3, 2, 4])).toEqual({ median: 3, low: 2, high: 4 });
  expect(spread([1, 2])).toEqual({ median: 1.5, low: 1.25, high: 1.75 });
  expect(spread([7])).toEqual({ median: 7, low: 7, high: 7 });
});

test("ratios are taken within a round", () => {
  // The second round is twice as slow: a ratio of medians would not see that it is so for all.
  const cells = summarize(measured({ none: [50, 100], floor: [60, 120], native: [70, 140], statistics: [65, 130] }));
  const statistics = cells.find(({ variant }) => variant === "statistics")!;
  expect(statistics.added).toEqual(spread([15, 30]));
  expect(statistics.addedToNative).toEqual(spread([0.75, 0.75]));
  expect(statistics.totalToFloor!.median).toBeCloseTo(65 / 60);
});

test("no ratio to what is lost in the noise, or was not measured", () => {
  const [none, native, statistics] = summarize(measured({ none: [50, 50], native: [49, 52], statistics: [60, 60] }));
  expect(none.added).toBeUndefined();
  expect(native.addedToNative).toBeUndefined();
  expect(statistics.addedToNative).toBeUndefined();
  expect(statistics.totalToFloor).toBeUndefined();
  expect(statistics.added).toEqual(spread([10, 10]));
});

test("ratios to the old module, of all CPU and of what is added", () => {
  const cpu = { none: [50, 100], statistics: [66, 130], "statistics-old": [60, 120] };
  const [none, statistics, old] = summarize(measured(cpu));
  expect(statistics.totalToOld).toEqual(spread([1.1, 130 / 120]));
  expect(statistics.addedToOld).toEqual(spread([1.6, 1.5]));
  expect([none.totalToOld, old.totalToOld, old.addedToOld]).toEqual([undefined, undefined, undefined]);

  const workload = { id: "a", title: "", isMcp: true, requestBytes: 1, responseBytes: 1, requests: 1, samples: {} };
  const report = { workloads: [{ ...workload, cells: [none, statistics, old] }] } as unknown as Report;
  expect(oldTable(report).rows).toEqual([
    ["a", "statistics", "98.0 (82.0–114)", "90.0 (75.0–105)", "1.092 (1.087–1.096)", "1.550 (1.525–1.575)"],
  ]);
});
