/** `npm run build`: compiles all builds of the module at the same time, each with its text (`.wat`). Arguments are the entry
 *  files of the builds to make; default: all. */
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type Build, BUILDS } from "./builds.ts";

const ASC = createRequire(import.meta.url).resolve("assemblyscript/bin/asc.js");

/** Runs the compiler. Returns whether it succeeded; its messages go to standard error. */
async function compile({ entry, module, memoryPages }: Build): Promise<boolean> {
  const outputs = ["--outFile", module, "--textFile", module.replace(/\.wasm$/, ".wat")];
  const transforms = ["build-info", "build-progress"].flatMap((name) => ["--transform", `./scripts/${name}.mjs`]);
  const memory = memoryPages === undefined ? [] : ["--maximumMemory", String(memoryPages)];
  const asc = spawn(process.execPath, [ASC, entry, "--target", "release", ...outputs, ...transforms, ...memory], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  const [code] = (await once(asc, "close")) as [number | null];
  return code === 0;
}

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const entries = process.argv.slice(2);
const unknown = entries.filter((name) => !BUILDS.some(({ entry }) => entry === name));
if (unknown.length > 0) {
  console.error(
    `No entry of a build: ${unknown.join(", ")}. The entries: ${BUILDS.map(({ entry }) => entry).join(", ")}`,
  );
  process.exit(2);
}
const builds = BUILDS.filter(({ entry }) => entries.length === 0 || entries.includes(entry));
const succeeded = await Promise.all(builds.map(compile));
process.exitCode = succeeded.every(Boolean) ? 0 : 1;
