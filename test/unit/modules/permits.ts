import { Permits } from "../../../assembly/store/permits";
import { WorkerSlots } from "../../../assembly/store/primitives/worker_slots";
import { Store } from "../../../assembly/store/primitives/store";
import { openStore } from "./common/store";

let shared: Store = openStore(1, 0);
let slots: WorkerSlots = new WorkerSlots(shared);
let permits: Permits = new Permits(shared, "permits");

export function create(self: u64, space: i32): void {
  shared = openStore(self, space);
  slots = new WorkerSlots(shared);
  permits = new Permits(shared, "permits");
}

export function claim(now: u64): bool {
  return slots.claim(now);
}

export function acquire(key: u64, owner: u64, limit: u32): bool {
  return permits.acquire(key, owner, limit);
}

export function inUse(): u32 {
  return permits.inUse;
}

export function release(key: u64, holder: u64): void {
  permits.release(key, holder);
}

/** The tick of a worker, including the sweep. */
export function tick(now: u64, sweeps: bool): void {
  if (slots.begin(now)) slots.end();
  permits.finishReleases();
  if (sweeps) permits.sweep(slots, now);
}

export function conflicts(): u32 {
  return shared.conflicts;
}
