import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { runCli } from "./run-cli.ts";

test.each(["grafana", "perses"])("prints the dashboard for %s as it is in envoy/dashboards", async (kind) => {
  const { code, stdout } = await runCli(["dashboard", kind]);
  expect(code).toBe(0);
  expect(stdout).toBe(readFileSync(`envoy/dashboards/${kind}.json`, "utf8"));
});

test("another kind fails with the kinds that there are", async () => {
  const { code, stderr } = await runCli(["dashboard", "kibana"]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/grafana, perses/);
});
