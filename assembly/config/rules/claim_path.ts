import { Problems } from "../values/problems";
import { quoted } from "../values/shown";

const MAX_CLAIM_DEPTH: i32 = 4;
const MAX_CLAIM_NAME: i32 = 128;
const STAR: i32 = 0x2a;

/** Reports a path that cannot be the path of a claim. */
export function checkClaimPath(at: string, path: string[], problems: Problems): void {
  if (isClaimPath(path)) return;
  problems.error(at, "expected 1 to 4 names of visible ASCII without *, the path to the claim" + shownPath(path));
}

/** Whether a path can be requested from the proxy. */
export function isClaimPath(path: string[]): bool {
  for (let i = 0; i < path.length; i++) {
    for (let j = 0; j < path[i].length; j++) {
      const codeUnit = path[i].charCodeAt(j);
      // A star is not a pattern here.
      if (codeUnit <= 0x20 || codeUnit > 0x7e || codeUnit == STAR) return false;
    }
    if (path[i].length == 0 || path[i].length > MAX_CLAIM_NAME) return false;
  }
  return path.length > 0 && path.length <= MAX_CLAIM_DEPTH;
}

/** The invalid path for an error message; empty if it has no names. */
function shownPath(path: string[]): string {
  return path.length ? ", got " + path.map<string>((name) => quoted(name)).join(", ") : "";
}
