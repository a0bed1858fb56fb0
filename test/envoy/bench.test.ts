/** The benchmark runs from end to end, and measures what it says. Its figures are not looked at: no test asserts a time. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { MODULE_PATH } from "../../scripts/bench/bootstrap.ts";
import { compile } from "../../scripts/compile.ts";
import { findEnvoy } from "../../scripts/envoy/binary.ts";
import { envoyVersion, isAtLeast } from "../../scripts/envoy/version.ts";
import type { Report } from "../../scripts/bench/report/figures.ts";
import { VARIANTS } from "../../scripts/bench/variants.ts";
import { sizesOf, WORKLOADS } from "../../scripts/bench/workloads.ts";
import { effort } from "../effort.ts";
import { endsAfterAll } from "./cleanup.ts";
import { startCommand } from "./commands.ts";

const BENCH = "node --import tsx scripts/bench.ts";
const REQUESTS = 8;
const WARM_UP = 2;
const ALL = WORKLOADS.map(({ id }) => id);
/** The ordinary run tries one workload of each kind: small, larger than a slice of a body, with events, not MCP. */
const CHOSEN = WORKLOADS.filter(({ id }) => effort(["a", "c", "e", "j-post"], ALL).includes(id));

const keep = endsAfterAll();
const folder = mkdtempSync(join(tmpdir(), "mcp-bench-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("messages have exactly the size that their workload names", () => {
  const sizes = Object.fromEntries(WORKLOADS.map((workload) => [workload.id, sizesOf(workload)]));
  expect(sizes).toMatchObject({
    a: { request: 150, response: 500 },
    b: { request: 4096, response: 4096 },
    c: { request: 65_536, response: 65_536 },
    d: { request: 1_048_576, response: 1_048_576 },
    "j-post": { request: 150, response: 500 },
    "j-get": { request: 0, response: 500 },
  });
});

test("the floor has the callbacks that the filter has", async () => {
  const floor = await compile("scripts/bench/modules/floor.as.ts", { forProxy: true });
  expect(callbacksOf(floor)).toEqual(callbacksOf(MODULE_PATH));
});

function callbacksOf(path: string): string[] {
  const names = WebAssembly.Module.exports(new WebAssembly.Module(readFileSync(path))).map(({ name }) => name);
  return names.filter((name) => name.startsWith("proxy_")).sort();
}

test("without the load generator it says what to install", async () => {
  symlinkSync(process.execPath, join(folder, "node"));
  const command = keep(startCommand(BENCH, { PATH: folder }));
  expect(await command.ended).toBe(1);
  expect(command.output().trim()).toMatch(/^The load comes from h2load.*apt-get install nghttp2-client.*$/);
});

const hasLoad = spawnSync("h2load", ["--version"]).status === 0;
// Envoy's own filter, one of the variants, takes what it is configured with since 1.37.
const hasNative = isAtLeast((await envoyVersion(await findEnvoy()))!, [1, 37]);

describe.runIf(hasLoad && hasNative)("with h2load", () => {
  test("every variant answers every workload that is tried, and counts what it claims to count", async () => {
    const [json, page] = [join(folder, "report.json"), join(folder, "report.md")];
    const only = CHOSEN.map(({ id }) => id).join(",");
    const files = `--json ${json} --markdown ${page}`;
    const command = keep(
      startCommand(`${BENCH} --only ${only} --rounds 1 --requests ${REQUESTS} --connections 4 ${files}`),
    );
    expect(await command.ended, command.output()).toBe(0);
    expect(command.leftovers()).toEqual([]);

    // That it came to its end says that each answer was a 200 and went through each variant unchanged.
    const report = JSON.parse(readFileSync(json, "utf8")) as Report;
    const ids = VARIANTS.map(({ id }) => id);
    expect(report.workloads.map(({ id }) => id)).toEqual(CHOSEN.map(({ id }) => id));
    for (const { id, cells, samples, requests } of report.workloads) {
      expect(requests).toBe(REQUESTS);
      expect(Object.keys(samples), id).toEqual(ids);
      const inOrder = cells.map(({ variant }) => variant);
      expect(inOrder, id).toEqual(ids);
      for (const { cpu, throughput, p50 } of cells) {
        for (const { median } of [cpu, throughput, p50]) expect(median).toBeGreaterThan(0);
      }
    }
    expect(report.memory.map(({ variant }) => variant)).toEqual(ids);

    const workloads = CHOSEN.filter(({ isMcp }) => isMcp).length;
    const sent = workloads * (1 + WARM_UP + REQUESTS);
    const whole = { sent, counted: sent };
    expect(report.proofs).toEqual([
      { variant: "none" },
      { variant: "floor" },
      { variant: "native", faults: { sent: workloads, counted: workloads } },
      { variant: "headers" },
      { variant: "tokens", operations: whole },
      { variant: "statistics", operations: whole },
      { variant: "log-fields", operations: whole },
      { variant: "traces-unsampled", operations: whole, spans: whole },
      { variant: "traces", operations: whole, spans: whole },
      { variant: "policy-first", operations: whole, decisions: whole },
      { variant: "policy-last", operations: whole, decisions: whole },
      { variant: "lists-pass", operations: whole, decisions: whole },
      { variant: "lists", operations: whole, decisions: whole },
      { variant: "limits-none", operations: whole },
      { variant: "limits", operations: whole, decisions: whole },
      { variant: "limits-shadow", operations: whole, decisions: whole },
      { variant: "limits-all", operations: whole, decisions: whole },
      { variant: "limits-concurrency", operations: whole, decisions: whole },
      { variant: "limits-queue", operations: whole, decisions: whole },
      { variant: "limits-waiting", operations: whole, decisions: whole, queued: expect.any(Number) },
    ]);
    expect(readFileSync(page, "utf8")).toContain("![CPU added per request, relative to the native filter](report.svg)");
    expect(readFileSync(join(folder, "report.svg"), "utf8")).toMatch(/^<svg [^]*<\/svg>\s*$/);
  });

  test("--rate sends no more than that", async () => {
    const json = join(folder, "rate.json");
    const load = "--only a --variants none --rounds 1 --requests 40 --connections 4 --rate 40";
    const command = keep(startCommand(`${BENCH} ${load} --no-memory --json ${json}`));
    expect(await command.ended, command.output()).toBe(0);
    const { settings, workloads } = JSON.parse(readFileSync(json, "utf8")) as Report;
    expect(settings).toEqual({ rounds: 1, connections: 4, rate: 40 });
    // Of each connection, the first request is sent at once.
    expect(workloads[0].samples.none[0].throughput).toBeLessThan(60);
  });

  test("an interrupt leaves nothing running", async () => {
    const command = keep(startCommand(`${BENCH} --only a --seconds 30`));
    await command.shows(/Warming up/);
    await command.interrupt();
    expect(command.leftovers()).toEqual([]);
  });
});
