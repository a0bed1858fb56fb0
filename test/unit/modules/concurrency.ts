export { allocate } from "./common/allocate";
import { CallEnd, ConcurrencyLimit } from "../../../assembly/limits/adaptive/concurrency_limit";

let limits: ConcurrencyLimit[] = [];

/** Creates a number of limits without measurements. */
export function create(count: i32, isEnforced: bool): void {
  limits = [];
  for (let i = 0; i < count; i++) limits.push(new ConcurrencyLimit(isEnforced));
}

/** Times are in milliseconds. */
export function limit(index: i32, nowMs: f64): u32 {
  return limits[index].limit(nowMs * 1e6);
}

export function inFlight(index: i32): u32 {
  return limits[index].inFlight;
}

export function start(index: i32, nowMs: f64): u32 {
  return limits[index].start(nowMs * 1e6);
}

export function end(index: i32, nowMs: f64, startedAtMs: f64, startedWith: u32, how: CallEnd): void {
  limits[index].end(nowMs * 1e6, startedAtMs * 1e6, startedWith, how);
}
