/** Folders in the user's cache folder that are created once and kept: downloads and builds. */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, open, rename, rm, stat, utimes } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 200;
/**
 * Interval in milliseconds at which a maker renews its lock, and age at which a lock belongs to a process that has
 * ended.
 */
const RENEWED_MS = 1000;
const STALE_MS = 15_000;

/**
 * The path of the cached folder `name`, created first if it is missing. `make` creates it at the given path, and may
 * use the empty folder `scratch`. If another process is creating it, waits. Rejects as `make` does, leaving nothing, or
 * if `signal` aborts the wait.
 */
export async function cachedFolder(
  name: string,
  make: (folder: string, scratch: string) => Promise<void>,
  signal?: AbortSignal,
): Promise<string> {
  const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "mcp-proxy-wasm", name);
  if (existsSync(folder)) return folder;
  await mkdir(dirname(folder), { recursive: true });
  const lock = `${folder}.lock`;
  while (!(await acquire(lock))) {
    await sleep(POLL_MS, undefined, { signal });
    if (existsSync(folder)) return folder;
  }
  const renewal = setInterval(() => void renew(lock), RENEWED_MS);
  try {
    if (!existsSync(folder)) await makeWhole(folder, make);
  } finally {
    clearInterval(renewal);
    await rm(lock, { force: true });
  }
  return folder;
}

/** Creates the folder completely or not at all: an interrupted download leaves nothing under the final name. */
async function makeWhole(folder: string, make: (folder: string, scratch: string) => Promise<void>): Promise<void> {
  const temporary = await mkdtemp(`${dirname(folder)}/.making-`);
  try {
    const scratch = join(temporary, "scratch");
    await mkdir(scratch);
    const made = join(temporary, "made");
    await make(made, scratch);
    // Two makers can meet if a lock was wrongly considered stale. One of them wins.
    await rename(made, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error;
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Returns false if another process holds the lock. A stale lock is removed for the next attempt. */
async function acquire(lock: string): Promise<boolean> {
  try {
    await (await open(lock, "wx")).close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    const renewedMs = await stat(lock).then(
      ({ mtimeMs }) => mtimeMs,
      () => Infinity,
    );
    if (Date.now() - renewedMs > STALE_MS) await rm(lock, { force: true });
    return false;
  }
}

async function renew(lock: string): Promise<void> {
  const now = new Date();
  await utimes(lock, now, now).catch(() => {});
}
