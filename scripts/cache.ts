/** What is fetched once and kept: folders under the user's cache folder. */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

/**
 * The path of the cached folder `name`, made first where it is missing. `make` makes it at the path that it is given, and
 * may use the empty folder `scratch` meanwhile. Rejects as `make` does; nothing is left then.
 */
export async function cachedFolder(
  name: string,
  make: (folder: string, scratch: string) => Promise<void>,
): Promise<string> {
  const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "mcp-proxy-wasm", name);
  if (existsSync(folder)) return folder;
  await mkdir(dirname(folder), { recursive: true });
  // Whole or not at all: an interrupted download leaves nothing under the final name, and of two at once one wins.
  const temporary = await mkdtemp(`${dirname(folder)}/.making-`);
  try {
    const scratch = join(temporary, "scratch");
    await mkdir(scratch);
    const made = join(temporary, "made");
    await make(made, scratch);
    await rename(made, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error;
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return folder;
}
