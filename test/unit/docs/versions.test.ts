/** The versions and figures on the pages are those of the files that decide them. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { NEWEST, OLDEST } from "../../../scripts/envoy/version.ts";
import { filesOf, PAGES } from "./pages.ts";

const textOf = (path: string) => readFileSync(path, "utf8");
const { version, engines } = JSON.parse(textOf("package.json")) as { version: string; engines: { node: string } };

/** The cells of the rows of all tables in a text. */
const cellsOf = (text: string) =>
  [...text.matchAll(/^\|(.*)\|$/gm)].map(([, row]) => row.split("|").map((cell) => cell.trim()));

describe("docs/clients.md", () => {
  /** Where the versions of the SDKs and bridges are pinned. */
  const PINS = filesOf("package.json", "test/fixtures/*/package.json", "*go.mod", "*Cargo.toml", "*pom.xml")
    .concat("test/fixtures/python.ts")
    .map(textOf)
    .join("\n");
  const rows = cellsOf(textOf("docs/clients.md")).flatMap((cells) => {
    const name = cells.map((cell) => /^`([\w@./:-]+)`/.exec(cell)?.[1]).find((found) => found !== undefined);
    const pinned = cells.find((cell) => /^\d+\.\d+\.\d+$/.test(cell));
    return name === undefined || pinned === undefined ? [] : [{ name, pinned }];
  });

  it("has versions", () => expect(rows.length).toBeGreaterThan(12));

  it.each(rows)("$name $pinned", ({ name, pinned }) => {
    const [short] = /[\w-]+$/.exec(name)!;
    // What may be between a name and its version in these files: `": "`, ` v`, `[extras]==`, ` = { version = "=`, a tag.
    const between = /(?:\[[\w,]+\]|-slim\[[\w,]+\])?(?:": "| v|==| = \{ version = "=|<\/artifactId>\s*<version>)/
      .source;
    expect(PINS).toMatch(new RegExp(`\\b${short}${between}${pinned.replaceAll(".", "\\.")}\\b`));
  });
});

describe("the versions of what contributors need", () => {
  const page = textOf("CONTRIBUTING.md");

  it("Node.js", () => expect(page).toContain(`Node.js ${/\d+/.exec(engines.node)![0]} or newer`));

  it("Go", () => {
    const needed = filesOf("*go.mod").map((path) => /^go ([\d.]+)$/m.exec(textOf(path))![1]);
    const [newest] = needed.toSorted((one, other) => other.localeCompare(one, "en", { numeric: true }));
    expect(page).toContain(`Go ${newest} or newer`);
  });

  it("Rust", () => {
    const [, needed] = /install Rust ([\d.]+) or newer/.exec(textOf("test/fixtures/builds.ts"))!;
    expect(page).toContain(`Rust ${needed},`);
  });

  it("Java", () => {
    for (const path of filesOf("*pom.xml")) {
      expect(page).toContain(`Java ${/<maven.compiler.release>(\d+)</.exec(textOf(path))![1]} `);
    }
  });
});

it("the pages name the version of package.json", () => {
  const named = [
    ...PAGES.map(textOf)
      .join("\n")
      .matchAll(/mcp-proxy-wasm[:-](\d+\.\d+\.\d+)/g),
  ];
  expect(named.length).toBeGreaterThan(3);
  expect(named.map(([, found]) => found).filter((found) => found !== version)).toEqual([]);
});

it("the pages name the versions of Envoy that are tested", () => {
  expect(textOf("docs/limitations.md")).toContain(`Tests run Envoy ${OLDEST} and ${NEWEST}`);
  expect(textOf("README.md")).toContain(`envoy-${NEWEST}/`);
  const [major, minor] = OLDEST.split(".");
  expect(textOf("README.md")).toContain(`an \`envoy\` of ${major}.${minor} or newer`);
});

describe("docs/hot-path.md quotes docs/performance.md", () => {
  const performance = textOf("docs/performance.md");
  const [, overview] = performance.split("\n## CPU per request\n");
  const [header, , ...measured] = cellsOf(overview.split("\n## ")[0]);
  const rows = cellsOf(textOf("docs/hot-path.md"));
  const ratio = (row: string[], variant: string) => row[header.indexOf(variant)].replace(/× \w+$/, "×");

  it.each(["(b)", "(c)", "(d)", "(g)"])("the ratios of %s", (id) => {
    const row = measured.find(([title]) => title.startsWith(id))!;
    const [, , quoted] = rows.find(([title]) => title.startsWith(id))!;
    expect(quoted).toBe(`${ratio(row, "tokens")} (${ratio(row, "statistics")})`);
  });

  it("the size of the module", () => {
    const [, bytes] = /^The module has (\d+) bytes\.$/m.exec(performance)!;
    const [, , quoted] = rows.find(([title]) => title.startsWith("the module ("))!;
    expect(quoted).toBe(`${Math.round(Number(bytes) / 1024)} KiB`);
    expect(textOf("docs/hot-path.md")).toContain(
      `The module has ${Number(bytes).toLocaleString("en")} bytes, of which`,
    );
  });
});
