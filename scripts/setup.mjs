/**
 * Prepares a checkout for running: installs dependencies and builds the filter, each only if it is missing or older
 * than its sources. Runs first in `npm start` and `npm test`. Plain Node, because nothing is installed yet; works from
 * any folder.
 */
import { spawn } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const NODE_MAJOR = 20;
/** The sources of the filter. */
const SOURCES = ["assembly", "asconfig.json", "package.json", "scripts/build-info.mjs"];
/** The builds of the filter. */
const MODULES = ["build/mcp.wasm", "build/mcp-nginx.wasm", "build/mcp-lite.wasm"];

class SetupError extends Error {}

/**
 * Time of the last change of a file, or of the newest file in a folder, in milliseconds since the epoch; 0 if missing.
 */
function changed(path) {
  const stat = statSync(join(ROOT, path), { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(join(ROOT, path)).map((name) => changed(join(path, name))));
}

/** Runs npm with its output on our standard error. Rejects if it fails. */
function npm(args, failure) {
  return new Promise((resolve, reject) => {
    const child = spawn("npm", args, { cwd: ROOT, stdio: ["ignore", 2, 2] });
    // npm's shell ends at a signal without passing it on, and would leave this process running.
    const parent = process.ppid;
    const watch = setInterval(() => {
      if (process.ppid === parent) return;
      child.kill();
      process.exit(1);
    }, 200);
    child.once("error", (error) => reject(new SetupError(`${failure} (${error.message}).`)));
    child.once("close", (code) => {
      clearInterval(watch);
      if (code === 0) resolve();
      else reject(new SetupError(`${failure}: see npm's message above.`));
    });
  });
}

async function setUp() {
  const version = process.versions.node;
  if (Number.parseInt(version, 10) < NODE_MAJOR) {
    throw new SetupError(`This needs Node ${NODE_MAJOR} or newer, and this is ${version}: install a newer Node.`);
  }
  // npm writes this file last, so it shows that an install was completed.
  if (changed("node_modules/.package-lock.json") < changed("package-lock.json")) {
    console.error("Installing dependencies (npm ci)");
    await npm(["ci", "--no-audit", "--no-fund"], "npm could not install the dependencies");
  }
  if (Math.min(...MODULES.map(changed)) < Math.max(...SOURCES.map(changed))) {
    console.error("Building the filter (npm run build)");
    await npm(["run", "--silent", "build"], "The filter could not be built");
  }
}

try {
  await setUp();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
