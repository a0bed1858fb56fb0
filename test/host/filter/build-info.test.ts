import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { passSeconds, startWorkers } from "./filter.ts";

const FAMILY = "mcp_build_info";
const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };

test("the gauge of the build has the version of package.json and a hash of the sources", () => {
  const workers = startWorkers(2);
  passSeconds(workers, 1);
  const gauges = workers[0].vm.metrics.gauges(FAMILY);
  const name = new RegExp(`^${FAMILY}\\{mcp_build_revision="[0-9a-f]{12}",mcp_build_version="${version}"\\}$`);
  expect(Object.keys(gauges)).toEqual([expect.stringMatching(name)]);
  expect(Object.values(gauges)).toEqual([1]);
});

test("it is 0 once the last instance has ended, and 1 while another one lives", () => {
  const workers = startWorkers(2);
  passSeconds(workers, 1);
  const { metrics } = workers[0].vm;
  workers[0].close();
  passSeconds([workers[1]], 1);
  expect(metrics.gauge(FAMILY)).toBe(1);
  workers[1].close();
  expect(metrics.gauge(FAMILY)).toBe(0);
});
