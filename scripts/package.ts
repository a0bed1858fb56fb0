/** `npm run build:package`: compiles the command line to JavaScript in `dist/`, for the npm package. `dist/` has the folders of
 *  `scripts/`, so that paths relative to a file stay right. */
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
rmSync("dist", { recursive: true, force: true });
const compiler = createRequire(import.meta.url).resolve("typescript/bin/tsc");
execFileSync(process.execPath, [compiler, "--project", "tsconfig.package.json"], { stdio: "inherit" });
chmodSync("dist/cli.js", 0o755);

// Everything else that the compiled files read: pages, programs in Python, lists of packages.
const isAsset = (path: string) => !/\.(ts|md)$/.test(path);
for (const entry of readdirSync("dist", { withFileTypes: true })) {
  if (entry.isDirectory())
    cpSync(join("scripts", entry.name), join("dist", entry.name), { recursive: true, filter: isAsset });
}
