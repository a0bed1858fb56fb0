/** The pages name files, folders, commands and options that are there. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, it } from "vitest";
import { VARIANTS } from "../../../scripts/bench/variants.ts";
import { filesOf, PAGES, proseOf } from "./pages.ts";

const FILES = filesOf();
const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: Record<string, string> };
const TIERS = readFileSync("vitest.config.ts", "utf8");
/** The sources of all commands. */
const COMMANDS = filesOf("scripts/*.ts")
  .map((path) => readFileSync(path, "utf8"))
  .join("\n");

/** The changelog names what is gone, and golden pages name documents of their examples. */
const CURRENT = PAGES.filter((path) => path !== "CHANGELOG.md" && !path.startsWith("test/golden/"));

/** Files and folders that users have, that a command makes, or that belong to another program. */
const ELSEWHERE = new Set([
  ...["answer.json", "prometheus.yml", "server.crt", "server.key", "ca.crt"],
  ...["mcp.wasm", "mcp-nginx.wasm", "mcp-lite.wasm", "plugin.wasm", "image/", "image-digest.txt"],
  ...["access.json", "call.json"],
  // Namespaces of MCP's methods, and the like.
  ...["tools/", "tasks/"],
]);

/** A path, with `*` for any characters of a name. */
const PATH =
  /^(?:\.\.\/)*(?:[\w.@*-]+\/)*(?:[\w.@*-]+\.(?:ts|mjs|js|md|ya?ml|hcl|jsonc?|toml|txt|svg|wasm|key|crt)|[\w.@-]+\/)$/;

/** Whether a path of a page is that of a file or folder: from the page, the root, `assembly/`, or as the end of a path. */
function isThere(page: string, path: string): boolean {
  if (existsSync(join(dirname(page), path)) || existsSync(path)) return true;
  const end = normalize(path).replace(/^(\.\.\/)+/, "");
  const pattern = end.replace(/[.+]/g, "\\$&").replaceAll("*", "[^/]*");
  return FILES.some((file) => new RegExp(`(^|/)${pattern}${end.endsWith("/") ? "" : "$"}`).test(file));
}

/** The lines of a page's code: its spans, and its blocks for a shell, whose lines are joined where one continues the other. */
function codeOf(page: string): string[] {
  const blocks = [...readFileSync(page, "utf8").matchAll(/^ *```(?:sh|text)\n(.*?)^ *```$/gms)].map(([, text]) => text);
  const spans = [...proseOf(page).matchAll(/`([^`]+)`/g)].map(([, text]) => text.replace(/\s+/g, " "));
  return [...spans, ...blocks.join("\n").replaceAll("\\\n", " ").split("\n")];
}

it.each(CURRENT)("%s: files and folders", (page) => {
  const spans = [...proseOf(page).matchAll(/`([^`\s]+)`/g)].map(([, text]) => text);
  const paths = spans.filter((text) => PATH.test(text) && !ELSEWHERE.has(text) && !text.startsWith("build/"));
  expect(paths.filter((path) => !isThere(page, path))).toEqual([]);
});

it.each(CURRENT)("%s: scripts of package.json, and their options", (page) => {
  const faults: string[] = [];
  for (const line of codeOf(page)) {
    const command = /\bnpm (?:run (?:-s )?([\w:]+)|(start|test))\b(?: -- (.*))?/.exec(line);
    if (command === null) continue;
    const [, script, own, rest = ""] = command;
    const name = script ?? own;
    if (!(name in scripts)) faults.push(name);
    for (const [option] of rest.matchAll(/(?<=^| )--[a-z-]+/g)) {
      if (!new RegExp(`"(?:-\\w, )?${option}[ "]`).test(COMMANDS)) faults.push(`${name} ${option}`);
    }
  }
  expect(faults).toEqual([]);
});

it.each(CURRENT)("%s: variants of the benchmark", (page) => {
  const lists = codeOf(page).flatMap((line) => [...line.matchAll(/--variants ([\w,-]+)/g)]);
  const named = lists.flatMap(([, list]) => list.split(","));
  expect(named.filter((id) => !VARIANTS.some((variant) => variant.id === id))).toEqual([]);
});

it.each(CURRENT)("%s: tests and their tiers", (page) => {
  const faults: string[] = [];
  for (const line of codeOf(page)) {
    const command = /vitest run --project ([\w-]+)((?: test\/[\w./-]+)*)/.exec(line);
    if (command === null) continue;
    const [, tier, paths] = command;
    if (!TIERS.includes(`name: "${tier}"`)) faults.push(tier);
    faults.push(...paths.split(" ").filter((path) => path !== "" && !existsSync(path)));
  }
  expect(faults).toEqual([]);
});
