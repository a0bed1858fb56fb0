/** Which Envoys will do: the version that `envoy --version` reports, and the oldest we accept. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

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

/** 1.36 is the first whose proxy-wasm host does all that the filter needs. */
export function isSupported([major, minor]: [number, number]): boolean {
  return major > 1 || (major === 1 && minor >= 36);
}
