/** Runs the official conformance suite against a server, and reads what it found. */
import { execFile } from "node:child_process";
import * as fs from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The revisions whose requirements the suite knows. */
export type Revision = "2025-11-25" | "2026-07-28";

/** One check of a scenario. A scenario may check the same `id` in several ways, which differ by `name`. */
export interface Check {
  scenario: string;
  id: string;
  name: string;
  status: "SUCCESS" | "FAILURE" | "WARNING" | "SKIPPED" | "INFO";
}

const SUITE = createRequire(import.meta.url).resolve("@modelcontextprotocol/conformance/dist/index.js");
const PRELOAD = "globSync" in fs ? [] : ["--import", new URL("node-20.mjs", import.meta.url).href];
const TIMEOUT_MS = 120_000;
const OUTPUT_BYTES = 64 << 20;
/** What a scenario's results lie in: its name, and when it began. */
const FOLDER = /^server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$/;
const TOTAL = /^Total: (\d+) passed, (\d+) failed$/m;

/**
 * What each check of the revision's scenarios says of the server at `url`, in order of the scenarios' names. Rejects where
 * the suite did not come to its end, or its own total is another than that of the checks.
 */
export async function runSuite(url: string, revision: Revision): Promise<Check[]> {
  const folder = fs.mkdtempSync(join(tmpdir(), "mcp-proxy-wasm-conformance-"));
  try {
    const output = await run(["server", "--url", url, "--requirements", revision, "--output-dir", folder]);
    const checks = fs
      .readdirSync(folder)
      .sort()
      .flatMap((name) => checksOf(folder, name));
    const total = `Total: ${withStatus(checks, "SUCCESS")} passed, ${withStatus(checks, "FAILURE")} failed`;
    const told = TOTAL.exec(output)?.[0];
    if (told !== total) throw new Error(`The suite says "${told}" where its checks say "${total}":\n${tail(output)}`);
    return checks;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** How many of the checks ended so. */
export function withStatus(checks: Check[], status: Check["status"]): number {
  return checks.filter((check) => check.status === status).length;
}

/** A line for each check that only one of two runs has, or that ended otherwise in the second. */
export function differences(direct: Check[], proxied: Check[]): string[] {
  const before = counted(direct);
  const after = counted(proxied);
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((line) => before.get(line) !== after.get(line))
    .map((line) => `${line}: ${before.get(line) ?? 0} times directly, ${after.get(line) ?? 0} times proxied`)
    .sort();
}

function counted(checks: Check[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { scenario, id, name, status } of checks) {
    const line = `${scenario} / ${id} (${name}) ${status}`;
    counts.set(line, (counts.get(line) ?? 0) + 1);
  }
  return counts;
}

/** What the suite printed. Its exit code tells of failed checks, which its files tell too. */
function run(args: string[]): Promise<string> {
  const options = { timeout: TIMEOUT_MS, killSignal: "SIGKILL", maxBuffer: OUTPUT_BYTES } as const;
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [...PRELOAD, SUITE, ...args], options, (error, stdout, stderr) => {
      if (error === null || error.code === 1) resolve(stdout + stderr);
      else reject(new Error(`The suite did not come to its end: ${error.message.split("\n")[0]}\n${tail(stderr)}`));
    });
  });
}

function checksOf(folder: string, name: string): Check[] {
  const scenario = FOLDER.exec(name)?.[1];
  if (scenario === undefined) throw new Error(`No scenario's results: ${name}`);
  const file = join(folder, name, "checks.json");
  // A scenario that threw has written nothing. The suite counts it as one failure, named like the scenario.
  if (!fs.existsSync(file)) return [{ scenario, id: scenario, name: scenario, status: "FAILURE" }];
  const found = JSON.parse(fs.readFileSync(file, "utf8")) as Omit<Check, "scenario">[];
  return found.map(({ id, name, status }) => ({ scenario, id, name, status }));
}

function tail(output: string): string {
  return output.slice(-4000);
}
