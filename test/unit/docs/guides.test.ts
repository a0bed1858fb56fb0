/** CONTRIBUTING.md names files and symbols that are there: its lists of files are those that have their examples. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const PAGE = readFileSync("CONTRIBUTING.md", "utf8");

interface Guide {
  readonly heading: string;
  /** Finds the example in a file. */
  readonly example: RegExp;
  /** Where the list names every file that has the example. */
  readonly within: readonly string[];
  /** Files there that only happen to use the example, as any other would do. */
  readonly besides?: readonly string[];
}

const THIS = "test/unit/docs/guides.test.ts";

const GUIDES: readonly Guide[] = [
  {
    heading: "Add a metric, or a label to a metric",
    example: /mcp_tasks_total|mcp_task_state|Family\.Tasks\b|Label\.TaskState\b|[Tt]askEntered/,
    within: ["assembly", "docs", "envoy", "scripts/metrics", "test/envoy"],
  },
  {
    heading: "Add a field of the payload",
    example: /MetaProtocolVersion|metaRevision|requestRevision/,
    within: ["assembly", "test/unit"],
    besides: [THIS],
  },
  {
    heading: "Add a field of the configuration",
    example: /sessionIdleSeconds|idleTimeout/,
    within: ["assembly", "docs/configuration.md", "envoy/envoy.yaml", "envoy/plugin-config.schema.json", "test/unit"],
    besides: ["test/unit/config/near-miss.test.ts", THIS],
  },
];

const files = (...within: readonly string[]) =>
  execFileSync("git", ["ls-files", "--", ...within], { encoding: "utf8" })
    .split("\n")
    .filter(existsSync);

describe.each(GUIDES)("$heading", ({ heading, example, within, besides = [] }) => {
  const section = PAGE.split(`\n### ${heading}\n`)[1].split(/\n##+ /)[0];
  const rows = [...section.matchAll(/^\| `([^`]+)` +\| `([^`]+)` +\|/gm)].map(([, path, symbol]) => ({ path, symbol }));

  it.each(rows)("$path has $symbol", ({ path, symbol }) => {
    expect(files(path).filter((file) => readFileSync(file, "utf8").includes(symbol))).not.toEqual([]);
  });

  it("lists every file that has the example", () => {
    const found = files(...within).filter((file) => example.test(readFileSync(file, "utf8")));
    const isListed = (file: string) =>
      rows.some(({ path }) => (path.endsWith("/") ? file.startsWith(path) : file === path));
    expect(found.length).toBeGreaterThan(rows.length / 2);
    expect(found.filter((file) => !isListed(file) && !besides.includes(file))).toEqual([]);
  });

  it("names tests and folders that are there", () => {
    const named = [...section.matchAll(/\b((?:test|assembly|stats|docs)\/[\w./-]+)/g)].map(([, path]) =>
      path.replace(/\.$/, ""),
    );
    expect(named.filter((path) => !existsSync(path) && !existsSync(`assembly/${path}`))).toEqual([]);
  });
});

it("the module for profiles has the code of the release", () => {
  const { targets } = JSON.parse(readFileSync("asconfig.json", "utf8")) as {
    targets: Record<"release" | "debug", Record<string, unknown>>;
  };
  const OWN = ["outFile", "textFile", "debug", "sourceMap"];
  const flagsOf = (target: object) => Object.entries(target).filter(([name]) => !OWN.includes(name));
  expect(flagsOf(targets.debug)).toEqual(flagsOf(targets.release));
});
