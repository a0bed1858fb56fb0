/** The measurement for docs/capacity.md runs from end to end. Its times and memory are not looked at. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const ARGS = ["--rounds", "1", "--requests", "50", "--sessions", "20"];

/** The first cells of the rows of a table, in a terminal or in Markdown. */
const rowsOf = (text: string) => [...text.matchAll(/^[│|] (\S[^│|]*?) +[│|]/gm)].map(([, cell]) => cell);

test("it prints the rows of the page, and a tool has the same number of series on any machine", async () => {
  const command = ["--import", "tsx", "scripts/bench/capacity.ts", ...ARGS];
  const { stdout } = await promisify(execFile)(process.execPath, command);
  const page = readFileSync("docs/capacity.md", "utf8");
  const rows = rowsOf(page).filter((cell) => !/^-+$/.test(cell));
  expect(rowsOf(stdout)).toEqual(rows.map((row) => row.replace("10 000 sessions", "20 sessions")));
  const series = (text: string) => /series of a tool[^\n]*[│|] +(\d+) [│|]/.exec(text)![1];
  expect(series(stdout)).toBe(series(page));
});
