/** Validates files (docs/cli.md). */
import { BUILDS } from "../builds.ts";
import { readInput } from "../cli/arguments.ts";
import { NEGATIVE } from "../cli/program.ts";
import { printable } from "../cli/terminal.ts";
import type { ValidateOptions } from "./command.ts";
import { type Result, validateFile } from "./file.ts";
import { counted, type Located, locate, problemLine } from "./report.ts";

/** Runs the command. Sets the exit code. Rejects with one sentence if a file cannot be read. */
export function validate(files: readonly string[], { build: name, output }: ValidateOptions): void {
  const build = BUILDS.find((build) => build.name === name)!;
  const results = files.map((file) => {
    const bytes = readInput(file);
    const result = validateFile(file, bytes, build);
    return { file, result, problems: result.problems.map((problem) => locate(file, bytes.toString(), problem)) };
  });
  const problems = results.flatMap((one) => one.problems);
  if (problems.some(({ severity }) => severity === "error")) process.exitCode = NEGATIVE;
  if (output === "json") console.log(JSON.stringify(results.map(jsonOf), null, 2));
  else for (const { file, result, problems } of results) printText(file, result, problems);
}

function jsonOf({ file, result, problems }: { file: string; result: Result; problems: Located[] }): object {
  return { file, configurations: result.configurations, problems };
}

function printText(file: string, { configurations }: Result, problems: readonly Located[]): void {
  for (const problem of problems) console.log(problemLine(problem));
  const errors = problems.filter(({ severity }) => severity === "error").length;
  const counts = [counted(configurations, "plugin configuration"), counted(errors, "error")];
  console.log(`${printable(file)}: ${[...counts, counted(problems.length - errors, "warning")].join(", ")}`);
}
