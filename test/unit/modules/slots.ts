import { NumberListener, WorkerSlots } from "../../../assembly/store/primitives/worker_slots";
import { openStore } from "./common/store";

// @ts-ignore: decorator
@external("trace", "sum")
declare function traceSum(name: u32, value: u32): void;

class Rest extends NumberListener {
  published(name: u32, number: u32): void {
    traceSum(name, number);
  }
}

let slots: WorkerSlots = new WorkerSlots(openStore(1, 0));

export function create(self: u64, space: i32): void {
  slots = new WorkerSlots(openStore(self, space));
}

/** Publishes one number. False if no slot is available. */
export function publish(now: u64, name: u32, value: u32): bool {
  if (!slots.begin(now)) return false;
  slots.put(name, value);
  slots.end();
  return true;
}

/** Reports the sums of the numbers below `count`. */
export function sum(now: u64, count: i32): void {
  const sums = new StaticArray<u32>(count);
  slots.sum(now, sums, new Rest());
  for (let name = 0; name < count; name++) traceSum(name, sums[name]);
}
