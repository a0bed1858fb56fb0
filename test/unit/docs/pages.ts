/** The pages of the repository. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

/** The paths of all Markdown files, also of those that are not committed yet. */
export const PAGES = filesOf("*.md");

/** The paths of the files that match a pattern of git, also of those that are not committed yet. */
export function filesOf(...patterns: readonly string[]): string[] {
  return execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", ...patterns], {
    encoding: "utf8",
  })
    .split("\n")
    .filter((path) => path !== "" && existsSync(path));
}

/** A page without its blocks of code. */
export function proseOf(path: string): string {
  return readFileSync(path, "utf8").replace(/^( *)```.*?^\1```$/gms, "");
}
