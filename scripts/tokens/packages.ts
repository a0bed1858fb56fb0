/** Fetches npm packages at pinned versions into a cache folder; none of their dependencies, and nothing of them is run. */
import { execFile } from "node:child_process";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { cachedFolder } from "../cache.ts";

const run = promisify(execFile);

/** The folder of the cached package, downloaded first where it is missing. Rejects with one sentence. */
export async function fetchPackage(name: string, version: string, progress: (line: string) => void): Promise<string> {
  return cachedFolder(`packages/${name.replace("/", "+")}-${version}`, async (unpacked, scratch) => {
    progress(`Fetching ${name} ${version}`);
    try {
      await run("npm", ["pack", "--silent", "--pack-destination", scratch, `${name}@${version}`]);
      const [tarball] = await readdir(scratch);
      await mkdir(unpacked);
      await run("tar", ["-xzf", join(scratch, tarball), "-C", unpacked, "--strip-components", "1", "--no-same-owner"]);
    } catch (error) {
      const reason = (error as Error).message.trim().split("\n").at(-1);
      throw new Error(`npm could not fetch ${name} ${version} (${reason}): check the network.`, { cause: error });
    }
  });
}
