/** Tests that the comparison of two modules finds small differences, and none between equal modules. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { compareModules } from "../../../scripts/compare/compare.ts";
import { CONFIGURATIONS } from "../../../scripts/compare/configurations.ts";
import { decoderOf } from "../../../scripts/compare/decoders.ts";
import { jobsOf, runJob } from "../../../scripts/compare/jobs.ts";
import { reportOf } from "../../../scripts/compare/report.ts";
import { Side } from "../../../scripts/compare/side.ts";
import { envoy } from "../../../scripts/host/hosts/envoy.ts";
import { hostImports, type HostState } from "../../../scripts/host/imports.ts";
import { loadModule } from "../../../scripts/host/index.ts";

const MODULE = "build/mcp.wasm";
const folder = mkdtempSync(join(tmpdir(), "mcp-compare-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The module with one text, which occurs once as UTF-16, replaced by another one of the same length. */
function changed(from: string, to: string): string {
  const bytes = readFileSync(MODULE);
  // Searches bytes, since a search for text would find matches at even offsets only.
  const at = bytes.indexOf(Buffer.from(from, "utf16le"));
  expect(at).toBeGreaterThan(0);
  expect(to.length).toBe(from.length);
  bytes.write(to, at, "utf16le");
  const path = join(folder, `${to}.wasm`);
  writeFileSync(path, bytes);
  return path;
}

/** Compares the modules with the smallest capture. */
function compareCapture(changed: string): ReturnType<typeof runJob> {
  return runJob(
    jobsOf(MODULE, changed, 0, 1).find(({ traffic }) => "capture" in traffic && /^02/.test(traffic.capture))!,
  );
}

test("a module equals itself, with all captures and with generated inputs", async () => {
  const comparison = await compareModules({ old: MODULE, new: MODULE, inputs: 300, seed: 1, processes: 2 });
  expect(comparison.kinds).toEqual([]);
  expect(comparison.inputs).toBe(300);
  expect(reportOf(comparison)).toMatch(/^all captures, 300 generated inputs: no difference\n/);
});

test("another name of a metric differs in each call that refers to it", () => {
  const { kinds, growth } = compareCapture(changed("mcp_operations_total", "mcp_operations_other"));
  const counts = Object.fromEntries(kinds.map(({ kind, old, new: now }) => [kind, [old, now]]));
  expect(Object.keys(counts).sort()).toEqual([
    "proxy_define_metric mcp_operations_other",
    "proxy_define_metric mcp_operations_total",
    "proxy_increment_metric mcp_operations_other",
    "proxy_increment_metric mcp_operations_total",
  ]);
  const [before, after] = ["total", "other"].map((name) => counts[`proxy_increment_metric mcp_operations_${name}`]);
  expect(before[0]).toBeGreaterThan(100);
  expect(before).toEqual([before[0], 0]);
  expect(after).toEqual([0, before[0]]);
  expect(kinds[0].configurations).toEqual(["default", "bounded", "enforced", "shadow", "closed"]);

  const report = reportOf({ kinds, inputs: 0, growth });
  expect(report).toContain("configuration default, capture 02-streamable-http-2025-11-25-stateful-json.txt, whole");
  expect(report).toMatch(/^ {2}- proxy_define_metric mcp_operations_total counter [^\n]* → 0$/m);
  expect(report).toMatch(/^ {2}\+ proxy_define_metric mcp_operations_other counter [^\n]* → 0$/m);
});

test("a failure is recorded as a difference, also where both modules fail alike", () => {
  const sides = (["old", "new"] as const).map((name) => new Side(name, loadModule(), CONFIGURATIONS[0]));
  for (const side of sides) {
    side.run(() => {
      throw new Error("unreachable");
    });
  }
  const [old, now] = sides.map(({ entries }) => entries.at(-1));
  expect(old).toBe("error\told: Error: unreachable");
  expect(now).toBe("error\tnew: Error: unreachable");
  expect(sides.map(({ failed }) => failed)).toEqual([true, true]);
});

test("every function of the host is decoded", () => {
  const { env, wasi_snapshot_preview1: wasi } = hostImports({ host: envoy } as HostState);
  for (const name of [...Object.keys(env), ...Object.keys(wasi)]) expect(() => decoderOf(name)).not.toThrow();
});
