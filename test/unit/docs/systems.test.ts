/** docs/systems.md lists every system for which envoy/ has files, and says when each was last run. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { BUILDS } from "../../../scripts/builds.ts";

const PAGE = readFileSync("docs/systems.md", "utf8");
/** Folders of envoy/ that belong to no system of their own. */
const FOR_ALL = ["dashboards", "prometheus", "ratelimit"];

/** The rows of the table below a heading, without its head: the cells of each. */
function rowsBelow(heading: string): string[][] {
  const section = PAGE.split(/^## /m).find((part) => part.startsWith(heading))!;
  const lines = section.split("\n").filter((line) => line.startsWith("|"));
  return lines.slice(2).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

it("has a row for each system with files of its own", () => {
  const folders = readdirSync("envoy", { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const linked = rowsBelow("How").flatMap((row) => [...row.join().matchAll(/\.\.\/envoy\/(\w+)\/README\.md/g)]);
  const names = new Set(linked.map(([, name]) => name));
  expect(folders.map(({ name }) => name).filter((name) => !FOR_ALL.includes(name) && !names.has(name))).toEqual([]);
});

it("names a build for each system, and each build for some system", () => {
  const named = rowsBelow("How").map((row) => row[2].replaceAll("`", ""));
  expect(new Set(named)).toEqual(new Set(BUILDS.map(({ module }) => module)));
});

it("says for each system when it was last run", () => {
  const rows = rowsBelow("What is lost");
  expect(rows.length).toBeGreaterThan(10);
  for (const [system, lost, run] of rows) {
    expect([system, lost]).not.toContain("");
    expect(run).toMatch(/each run \(`test\/|\d{4}-\d\d-\d\d|^never/);
    for (const [, path] of run.matchAll(/`(test\/[\w./-]+)`/g)) expect(existsSync(path), path).toBe(true);
  }
});
