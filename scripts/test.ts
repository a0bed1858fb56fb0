import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";

const REPORT = "build/test-report.json";
const SLOWEST_FILES = "./scripts/test/slowest-files.ts";

/** Run beside the tests, and counted as one test each. */
const CHECKS: readonly Command[] = [
  { name: "formatting", command: "prettier", args: ["--check", "--log-level", "warn", "."] },
  { name: "lint", command: "eslint", args: ["."] },
  { name: "types", command: "tsc", args: ["--noEmit"] },
];

interface Command {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
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

/** Runs a tool of node_modules; npm has put its folder on the PATH. */
function run({ name, command, args }: Command): boolean {
  console.log(`\n> ${name}`);
  return spawnSync(command, args, { stdio: ["ignore", "inherit", "inherit"] }).status === 0;
}

/** Runs the tests of the given tiers (all, if none is given). Their numbers are the runner's own. */
function runTests(tiers: readonly string[]): Tally {
  rmSync(REPORT, { force: true });
  const projects = tiers.flatMap((tier) => ["--project", tier]);
  const reporters = ["default", "json", SLOWEST_FILES].flatMap((reporter) => ["--reporter", reporter]);
  const report = ["--outputFile.json", REPORT];
  const exited = run({ name: "tests", command: "vitest", args: ["run", ...projects, ...reporters, ...report] });
  const tally = readReport();
  // Whatever the runner complains of beyond its tests (an error outside of them, say) is a failure of its own.
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
  // A file that fails to load, or fails in a hook, has no failed test of its own.
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

function main(): void {
  const failedChecks = CHECKS.filter((check) => !run(check)).map(({ name }) => name);
  const { passed, failed, skipped } = runTests(process.argv.slice(2));
  const total = { passed: passed + CHECKS.length - failedChecks.length, failed: failed + failedChecks.length };

  console.log("");
  if (failedChecks.length > 0) console.log(`Failed besides the tests: ${failedChecks.join(", ")}`);
  console.log(`${total.passed} passed, ${total.failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  process.exitCode = total.failed > 0 ? 1 : 0;
}

main();
