/**
 * `npm test`: checks formatting, lint, imports, packages and types, and runs all tests. The last line has the counts.
 * Arguments are the tiers to run (projects of vitest.config.ts); default: all.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";

const REPORT = "build/test-report.json";
const SLOWEST_FILES = "./scripts/test/slowest-files.ts";

/** Run concurrently with the first tiers, which measure no times. Each check counts as one test. */
const CHECKS: readonly Command[] = [
  { name: "formatting", command: "prettier", args: ["--check", "--log-level", "warn", "."] },
  { name: "lint", command: "eslint", args: ["."] },
  { name: "imports", command: "depcruise", args: ["assembly", "--output-type", "err-long"] },
  { name: "packages", command: "knip", args: ["--files", "--dependencies"] },
  { name: "types", command: "tsc", args: ["--noEmit"] },
];
/** Tiers that need no download and no build other than the module. */
const PLAIN_TIERS = new Set(["unit", "host", "host-nginx", "host-lite"]);

interface Command {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

/** The result and output of a check. */
interface Checked {
  readonly name: string;
  readonly ok: boolean;
  readonly output: string;
}

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

/** The part of vitest's JSON report that is read here. */
interface Report {
  readonly success: boolean;
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { status: string }[];
  }[];
}

/** Runs a tool of node_modules to its end, with its output on ours. npm has put the tools' folder on the PATH. */
async function run(command: string, ...args: string[]): Promise<boolean> {
  const child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit"] });
  return (await endOf(child)) === 0;
}

/** Runs the checks one after another. */
async function runChecks(): Promise<Checked[]> {
  const checked: Checked[] = [];
  for (const { name, command, args } of CHECKS) {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += String(chunk)));
    checked.push({ name, ok: (await endOf(child)) === 0, output });
  }
  return checked;
}

/** The exit code; null after a signal. Rejects if the command cannot be run. */
function endOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
}

/** Runs the tests of the given tiers, or all. The counts are those of the runner. */
async function runTests(tiers: readonly string[]): Promise<Tally> {
  rmSync(REPORT, { force: true });
  const projects = tiers.flatMap((tier) => ["--project", tier]);
  const reporters = ["default", "json", SLOWEST_FILES].flatMap((reporter) => ["--reporter", reporter]);
  const exited = await run("vitest", "run", ...projects, ...reporters, "--outputFile.json", REPORT);
  const tally = readReport();
  // A failure that the runner reports outside of tests counts as one.
  if (!exited && tally.failed === 0) tally.failed = 1;
  return tally;
}

function readReport(): Tally {
  let report: Report;
  try {
    report = JSON.parse(readFileSync(REPORT, "utf8")) as Report;
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
  // A file that fails to load, or fails in a hook, has no failed test.
  const brokenFiles = report.testResults.filter(
    ({ status, assertionResults }) => status === "failed" && !assertionResults.some((test) => test.status === "failed"),
  );
  const tally = {
    passed: report.numPassedTests,
    failed: report.numFailedTests + brokenFiles.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
  if (tally.passed + tally.failed === 0) {
    console.error("No test ran.");
    tally.failed = 1;
  }
  return tally;
}

async function main(): Promise<void> {
  const tiers = process.argv.slice(2);
  const started = performance.now();
  const needsPrograms = tiers.length === 0 || tiers.some((tier) => !PLAIN_TIERS.has(tier));
  const prepared = needsPrograms ? run("tsx", "test/fixtures/prepare.ts") : undefined;
  const [checks, { passed, failed, skipped }] = await Promise.all([runChecks(), runTests(tiers)]);
  await prepared;

  const failedChecks = checks.filter(({ ok }) => !ok);
  for (const { name, output } of failedChecks) console.log(`\n> ${name}\n${output}`);
  if (failedChecks.length > 0) {
    console.log(`\nFailed besides the tests: ${failedChecks.map(({ name }) => name).join(", ")}`);
  }
  console.log(`\n${Math.round((performance.now() - started) / 1000)} s in all`);
  const total = { passed: passed + checks.length - failedChecks.length, failed: failed + failedChecks.length };
  console.log(`${total.passed} passed, ${total.failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  process.exitCode = total.failed > 0 ? 1 : 0;
}

await main();
