import { GovernedPaths } from "../../../assembly/filter/governed_paths";
import { namesPath } from "../../../assembly/filter/paths";

export { allocate } from "./common/allocate";

let patterns: string[] = [];
let governed: GovernedPaths = new GovernedPaths(patterns);

export function clear(): void {
  patterns = [];
  governed = new GovernedPaths(patterns);
}

export function add(at: usize, length: i32): void {
  patterns.push(String.UTF8.decodeUnsafe(at, length));
  governed = new GovernedPaths(patterns);
}

export function names(at: usize, length: i32): bool {
  return namesPath(patterns, at, length);
}

export function mayName(at: usize, length: i32): bool {
  return governed.include(at, length);
}
