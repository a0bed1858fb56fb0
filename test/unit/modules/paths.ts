import { NamedPaths } from "../../../assembly/http/named_paths";

export { allocate } from "./common/allocate";

let patterns: string[] = [];
let named: NamedPaths = new NamedPaths(patterns);

export function clear(): void {
  patterns = [];
  named = new NamedPaths(patterns);
}

export function add(at: usize, length: i32): void {
  patterns.push(String.UTF8.decodeUnsafe(at, length));
  named = new NamedPaths(patterns);
}

/** Whether a request's target may be one of the paths. `pathLength` bytes of it precede the query. */
export function mayName(at: usize, length: i32, pathLength: i32): bool {
  return named.include(at, pathLength, length);
}
