/** The files that run with further builds exist, and use the build under test. */
import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { FILES } from "./matrix.ts";

test.each(Object.keys(FILES))("%s: each file exists, once, and starts VMs with the build under test", (build) => {
  const { always, full } = FILES[build];
  const names = [...always, ...full];
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) {
    const path = `test/host/filter/${name}.test.ts`;
    expect(existsSync(path), path).toBe(true);
    expect(readFileSync(path, "utf8"), path).not.toContain("loadModule()");
  }
});

// Whoever takes a file out of a run has to change this number, too.
test("as many files as before run with each build", () => {
  const counts = Object.entries(FILES).map(([build, { always, full }]) => [build, always.length, full.length]);
  expect(counts).toEqual([
    ["nginx", 44, 2],
    ["lite", 6, 0],
  ]);
});
