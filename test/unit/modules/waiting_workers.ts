import { WaitingWorkers } from "../../../assembly/store/waiting_workers";
import { openStore } from "./common/store";

let worker: u64 = 1;
let waiting: WaitingWorkers = new WaitingWorkers(openStore(worker, 0));

export function create(self: u64, space: i32): void {
  worker = self;
  waiting = new WaitingWorkers(openStore(self, space));
}

export function announce(key: u64, callers: u32, queue: i32, now: u64): bool {
  return waiting.announce(key, callers, queue, now);
}

export function isAwaited(key: u64, now: u64): bool {
  return waiting.isAwaited(key, now);
}

/** The queue number of the next worker; -1 if none waits. */
export function choose(key: u64, now: u64): i32 {
  return waiting.choose(key, now) ? waiting.chosenQueue : -1;
}

export function chosen(): u64 {
  return waiting.chosen;
}

export function served(key: u64, now: u64): void {
  waiting.served(key, worker, now);
}
