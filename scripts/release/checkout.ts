/** What a release requires of the checkout. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** A reason why a release cannot be made, in one sentence for the user. */
export class ReleaseError extends Error {}

/** The version that is released, and the time of its commit. */
export interface Tagged {
  version: string;
  /** In the format of RFC 3339, in UTC. */
  time: string;
}

/** The tag of the current commit. Throws a {@link ReleaseError} if that is not the version's, or if files differ from it. */
export function requireTagged(): Tagged {
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
  const changes = git("status", "--porcelain");
  if (changes !== "") {
    throw new ReleaseError(
      `The checkout has changes, such as "${changes.split("\n")[0].trim()}": release a clean one.`,
    );
  }
  if (!git("tag", "--points-at", "HEAD").split("\n").includes(`v${version}`)) {
    throw new ReleaseError(
      `The current commit does not have the tag v${version}: check it out with git checkout v${version}.`,
    );
  }
  const seconds = Number(git("show", "--no-patch", "--format=%ct", "HEAD"));
  return { version, time: new Date(1000 * seconds).toISOString() };
}

function git(...args: string[]): string {
  return execFileSync("git", args, { encoding: "utf8" }).trim();
}
