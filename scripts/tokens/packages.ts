/** Fetches npm packages at pinned versions into a cache folder; none of their dependencies, and nothing of them is run. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The folder of the cached package, downloaded first where it is missing. Rejects with one sentence. */
export async function fetchPackage(name: string, version: string, progress: (line: string) => void): Promise<string> {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "mcp-proxy-wasm", "packages");
  const folder = join(cache, `${name.replace("/", "+")}-${version}`);
  if (existsSync(folder)) return folder;

  progress(`Fetching ${name} ${version}`);
  await mkdir(cache, { recursive: true });
  // Whole or not at all: an interrupted download leaves nothing under the final name, and of two at once one wins.
  const temporary = await mkdtemp(join(cache, ".fetch-"));
  try {
    await run("npm", ["pack", "--silent", "--pack-destination", temporary, `${name}@${version}`]);
    const [tarball] = await readdir(temporary);
    const unpacked = join(temporary, "package");
    await mkdir(unpacked);
    await run("tar", ["-xzf", join(temporary, tarball), "-C", unpacked, "--strip-components", "1", "--no-same-owner"]);
    await rename(unpacked, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error;
    });
  } catch (error) {
    const reason = (error as Error).message.trim().split("\n").at(-1);
    throw new Error(`npm could not fetch ${name} ${version} (${reason}): check the network.`, { cause: error });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return folder;
}
