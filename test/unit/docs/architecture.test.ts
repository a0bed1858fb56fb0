/** docs/architecture.md names what there is: the folders in the order of their layers, and words that the code has. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import extractDepcruiseOptions from "dependency-cruiser/config-utl/extract-depcruise-options";
import { describe, expect, it } from "vitest";

const PAGE = readFileSync("docs/architecture.md", "utf8");
/** The cells of the table rows below a heading. */
const rowsOf = (heading: string) =>
  PAGE.split(`\n## ${heading}\n`)[1]
    .split("\n## ")[0]
    .split("\n")
    .filter((line) => /^\| /.test(line))
    .slice(2)
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
const foldersIn = (folder: string) =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);

describe("the folders of assembly/", () => {
  const rows = rowsOf("Folders").map(([folder, text]) => ({ folder: /^`(.*)\/`$/.exec(folder)![1], text }));

  it("are all listed, and no others", () => {
    expect(rows.map(({ folder }) => folder).sort()).toEqual(foldersIn("assembly").sort());
  });

  it("are listed in the order of their layers, the highest first", async () => {
    const { ruleSet } = await extractDepcruiseOptions("./.dependency-cruiser.js");
    const names = ruleSet!.forbidden!.map(({ name }) => /^imports-point-down-from-(.*)$/.exec(name!)?.[1]);
    // A folder without a rule of its own, but for subfolders, is where its last subfolder is.
    const layerOf = (folder: string) =>
      names.findLastIndex((name) => name === folder || name?.startsWith(`${folder}-`));
    const layers = rows.map(({ folder }) => layerOf(folder));
    expect(layers).not.toContain(-1);
    expect(layers).toEqual(layers.toSorted((one, other) => other - one));
  });

  it.each(rows)("$folder: the subfolders that are named are there", ({ folder, text }) => {
    const named = [...text.matchAll(/`([a-z_]+)\/`/g)].map(([, name]) => name);
    const there = [...foldersIn(join("assembly", folder)), ...foldersIn("assembly")];
    expect(there).toEqual(expect.arrayContaining(named));
  });
});

describe("the glossary", () => {
  const words = rowsOf("Glossary");

  it("has each word once", () => {
    const names = words.map(([word]) => word);
    expect(names.length).toBeGreaterThan(30);
    expect(new Set(names).size).toBe(names.length);
  });

  it.each(words)("%s", (_word, meaning, code) => {
    expect(meaning).not.toBe("");
    const [, symbol, path] = /^\[`(\w+)`\]\(\.\.\/(.+)\)$/.exec(code)!;
    expect(readFileSync(path, "utf8")).toMatch(new RegExp(`\\b${symbol}\\b`));
  });
});
