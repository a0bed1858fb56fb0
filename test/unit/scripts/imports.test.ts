import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { newOptions, newProgram, nextFile, parse } from "assemblyscript";
import { type ICruiseResult, cruise } from "dependency-cruiser";
import extractDepcruiseOptions from "dependency-cruiser/config-utl/extract-depcruise-options";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
/** A new empty folder each; removed at the end. */
const trees: string[] = [];

afterAll(() => {
  for (const tree of trees) rmSync(tree, { recursive: true });
});

/** What dependency-cruiser finds in the folder assembly/ of a tree, by the rules of this repository. */
async function cruiseAssembly(baseDir: string): Promise<ICruiseResult> {
  const options = await extractDepcruiseOptions(join(ROOT, ".dependency-cruiser.js"));
  return (await cruise(["assembly"], { ...options, baseDir })).output as ICruiseResult;
}

/** The rules that a tree of the given files of assembly/ breaks, each with the files on both ends. */
async function violationsOf(files: Record<string, string>): Promise<string[]> {
  const tree = mkdtempSync(join(tmpdir(), "mcp-imports-"));
  trees.push(tree);
  for (const [name, text] of Object.entries(files)) {
    const path = join(tree, "assembly", name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  return listed(await cruiseAssembly(tree));
}

function listed({ summary }: ICruiseResult): string[] {
  return summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`).sort();
}

/** The files that the AssemblyScript compiler reads next for the imports and exports of a file; without extensions. */
function importsByCompiler(path: string): string[] {
  const program = newProgram(newOptions());
  parse(program, readFileSync(join(ROOT, path), "utf8"), path, true);
  const imports = new Set<string>();
  for (let next = nextFile(program); next !== null; next = nextFile(program)) imports.add(next);
  return [...imports].sort();
}

describe("the files of assembly/", () => {
  let result: ICruiseResult;
  beforeAll(async () => {
    result = await cruiseAssembly(ROOT);
  }, 60_000);

  it("break no rule", () => {
    expect(listed(result)).toEqual([]);
  });

  it("have all the imports that the compiler sees, and no others", () => {
    const seen = result.modules.map(({ source, dependencies }) => ({
      source,
      imports: [...new Set(dependencies.map(({ resolved }) => resolved.replace(/\.ts$/, "")))].sort(),
    }));
    expect(seen.length).toBeGreaterThan(100);
    expect(seen).toEqual(seen.map(({ source }) => ({ source, imports: importsByCompiler(source) })));
  });
});

describe("a tree", () => {
  it("breaks no rule where imports point down", async () => {
    const files = {
      "other.ts": `import "./json/other";`,
      "json/other.ts": "export const a = 1;",
      "index.ts": `import "./filter/plugin"; import "./proxy-wasm/log"; import "./proxy-wasm/module/exports";`,
      "filter/plugin.ts": `import "../json/text"; import "../proxy-wasm/module/exports"; import "./unit";`,
      "filter/unit.ts": `import { log } from "../host/log"; @inline export function start(): void { log(); }`,
      "host/log.ts": "export function log(): void {}",
      "json/text.ts": `export { zero } from "../memory/bytes";`,
      "memory/bytes.ts": "@unmanaged export class Bytes {} export const zero: u8 = 0;",
      "proxy-wasm/log.ts": `import "../host/log"; import "./module/exports";`,
      "proxy-wasm/module/exports.ts": "export const a = 1;",
    };
    expect(await violationsOf(files)).toEqual([]);
  });

  it.each<{ name: string; files: Record<string, string>; violations: string[] }>([
    {
      name: "an import points up",
      files: {
        "index.ts": `import "./memory/bytes";`,
        "memory/bytes.ts": `@inline export function a(): void {} import { b } from "../json/text";`,
        "json/text.ts": "export const b = 1;",
      },
      violations: ["imports-point-down-from-memory: assembly/memory/bytes.ts → assembly/json/text.ts"],
    },
    {
      name: "a file is exported again from above",
      files: {
        "index.ts": `import "./memory/bytes";`,
        "memory/bytes.ts": `export * from "../json/text";`,
        "json/text.ts": "export const b = 1;",
      },
      violations: ["imports-point-down-from-memory: assembly/memory/bytes.ts → assembly/json/text.ts"],
    },
    {
      name: "an import points to another folder of the same layer",
      files: {
        "index.ts": `import "./sse/reader";`,
        "sse/reader.ts": `import "../tokens/meter";`,
        "tokens/meter.ts": "export const a = 1;",
      },
      violations: ["imports-point-down-from-sse: assembly/sse/reader.ts → assembly/tokens/meter.ts"],
    },
    {
      name: "an import points to a folder without a layer",
      files: { "index.ts": `import "./json/text";`, "json/text.ts": `import "../misc/a";`, "misc/a.ts": "let a = 1;" },
      violations: ["imports-point-down-from-json: assembly/json/text.ts → assembly/misc/a.ts"],
    },
    {
      name: "an import points to an entry",
      files: { "index.ts": `import "./json/text";`, "json/text.ts": `import "../other";`, "other.ts": "let a = 1;" },
      violations: ["imports-point-down-from-json: assembly/json/text.ts → assembly/other.ts"],
    },
    {
      name: "a folder bypasses host/",
      files: {
        "index.ts": `import "./store/store";`,
        "store/store.ts": `import { proxy_log } from "../proxy-wasm/module/abi";`,
        "proxy-wasm/module/abi.ts": `@external("env", "proxy_log") export declare function proxy_log(): void;`,
      },
      violations: ["host-is-not-bypassed: assembly/store/store.ts → assembly/proxy-wasm/module/abi.ts"],
    },
    {
      name: "a folder constructs the host",
      files: {
        "index.ts": `import "./filter/plugin";`,
        "filter/plugin.ts": `import { HostLog } from "../proxy-wasm/log";`,
        "proxy-wasm/log.ts": "export class HostLog {}",
      },
      violations: ["entries-construct-the-host: assembly/filter/plugin.ts → assembly/proxy-wasm/log.ts"],
    },
    {
      name: "files import each other",
      files: {
        "index.ts": `import "./json/a";`,
        "json/a.ts": `import "./b";`,
        "json/b.ts": `import { a } from "./a"; import "./a";`,
      },
      violations: ["no-cycles: assembly/json/a.ts → assembly/json/b.ts"],
    },
    {
      name: "nothing imports a file",
      files: {
        "index.ts": `import "./json/a";`,
        "json/a.ts": "let a = 1;",
        "json/b.ts": `import "./a";`,
      },
      violations: ["no-dead-files: assembly/json/b.ts → assembly/json/b.ts"],
    },
    {
      name: "an import leaves assembly/",
      files: { "index.ts": `import "./json/a";`, "json/a.ts": `import "../../test/a";`, "../test/a.ts": "let a = 1;" },
      violations: ["assembly-imports-assembly: assembly/json/a.ts → test/a.ts"],
    },
    {
      name: "an imported file is missing",
      files: { "index.ts": `import "./json/a";` },
      violations: ["assembly-imports-assembly: assembly/index.ts → ./json/a"],
    },
  ])("breaks a rule where $name", async ({ files, violations }) => {
    expect(await violationsOf(files)).toEqual(violations);
  });
});
