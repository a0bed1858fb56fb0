/** The files of envoy/prometheus are what Prometheus takes, and its own test tool finds the rules to do what they say. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { hasComponent } from "../components.ts";
import { buildGoProgram, INSTALL_GO } from "../fixtures/go.ts";
import { hasPrometheus, MESHES } from "./prometheus.ts";
import { FOLDER, rulesOf } from "./shipped.ts";

const RULES = ["recording-rules.yaml", "alert-rules.yaml"];
/** Labels that tell workloads apart, whichever mesh they are of. */
const WORKLOAD = ["cluster", "datacenter", "mesh", "namespace", "job", "service", "gateway"];

/** Runs a command to its end: what it wrote, and whether it was content. */
function run(command: string, ...args: string[]): { ok: boolean; output: string } {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: FOLDER, encoding: "utf8" });
  return { ok: status === 0, output: stdout + stderr };
}

it("there is a scrape configuration for each mesh", () => {
  expect(readdirSync(join(FOLDER, "scrape")).sort()).toEqual(MESHES.map((mesh) => `${mesh}.yaml`));
});

it("each alert says how bad it is, and what to think of it", () => {
  for (const { alert, labels, annotations } of rulesOf("alert-rules.yaml")) {
    expect(labels, alert).toEqual({ severity: expect.stringMatching(/^(info|warning|critical)$/) });
    expect(annotations, alert).toEqual({ summary: expect.any(String), description: expect.any(String) });
  }
});

it("no rule merges workloads", () => {
  for (const { record, alert, expr } of RULES.flatMap(rulesOf)) {
    const lists = [...expr.matchAll(/\b(?:by|on) \(([\w, ]*)\)/g)].map(([, list]) => list.split(", "));
    for (const list of lists) {
      // An instance is of one workload.
      const kept = list.includes("instance") ? ["cluster", "job"] : WORKLOAD;
      expect(list, record ?? alert).toEqual(expect.arrayContaining(kept));
    }
  }
});

it("each rule is tested", () => {
  const tests = readFileSync(join(FOLDER, "rules.test.yaml"), "utf8");
  for (const { record, alert } of RULES.flatMap(rulesOf)) {
    // One that only others make use of is tested through them.
    if (record?.includes("_bucket:")) continue;
    expect(tests).toMatch(record === undefined ? `alertname: ${alert}\n` : new RegExp(`expr: .*${record}`));
  }
});

describe.runIf(hasPrometheus())("promtool", () => {
  it("takes the rules", () => {
    expect(run("promtool", "check", "rules", "--lint=all", "--lint-fatal", ...RULES)).toMatchObject({ ok: true });
  });

  it("finds them to do what rules.test.yaml says", () => {
    expect(run("promtool", "test", "rules", "rules.test.yaml")).toMatchObject({ ok: true });
  });

  it("takes the configuration that needs no service discovery, which Debian's is built without", () => {
    expect(run("promtool", "check", "config", "scrape/raw.yaml")).toMatchObject({ ok: true });
  });
});

describe.runIf(hasComponent("go", INSTALL_GO))("the newest Prometheus", () => {
  let read: string;

  beforeAll(async () => {
    read = await buildGoProgram("prometheus-config");
  }, 600_000);

  it.each(MESHES)("takes scrape/%s.yaml", (mesh) => {
    expect(run(read, `scrape/${mesh}.yaml`)).toEqual({ ok: true, output: "" });
  });

  it("would refuse a misspelt field", () => {
    expect(run(read, "relabel.yaml").output).toContain("field metric_relabel_configs not found");
  });
});
